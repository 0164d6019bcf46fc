import math

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from workbench.readiness.curve import Bounds, level, score
from workbench.records.scorecard import Level

POSITIVE = st.floats(1e-6, 1e9)
VALUES = st.floats(-1e12, 1e12) | st.just(math.inf) | st.just(-math.inf)


@pytest.mark.parametrize(("value_ms", "expected"), [(10, 0.90), (15, 0.70), (20, 0.50), (40, 0.10)])
def test_the_published_example_of_durable_writes(value_ms, expected):
    assert score(value_ms, ready=10, must_fix=20) == pytest.approx(expected, abs=0.005)


@given(POSITIVE, POSITIVE)
@example(1.0000000000000002e-06, 1e-06)  # different numbers with equal logarithms
def test_the_bounds_are_the_control_points(ready, must_fix):
    assume(ready != must_fix)
    assert score(ready, ready=ready, must_fix=must_fix) == pytest.approx(0.9, abs=1e-6)
    assert score(must_fix, ready=ready, must_fix=must_fix) == pytest.approx(0.5, abs=1e-6)


@given(POSITIVE, POSITIVE, VALUES)
def test_a_score_lies_between_0_and_1(ready, must_fix, value):
    assume(ready != must_fix)
    assert 0 <= score(value, ready=ready, must_fix=must_fix) <= 1


@given(POSITIVE, POSITIVE, VALUES, VALUES)
def test_a_worse_value_never_scores_better(ready, must_fix, one, other):
    assume(ready != must_fix)
    better, worse = sorted((one, other), reverse=ready > must_fix)
    assert score(better, ready=ready, must_fix=must_fix) >= score(worse, ready=ready, must_fix=must_fix)


@given(POSITIVE, POSITIVE, POSITIVE)
def test_the_band_of_a_score_is_the_band_of_its_value(ready, must_fix, value):
    assume(ready != must_fix)
    at_ready = value <= ready if ready < must_fix else value >= ready
    at_must_fix = value <= must_fix if ready < must_fix else value >= must_fix
    expected = Level.READY if at_ready else Level.IMPROVE if at_must_fix else Level.MUST_FIX
    assert level(score(value, ready=ready, must_fix=must_fix)) is expected


@given(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_higher_is_better_is_the_reciprocal_of_lower_is_better(ready, must_fix, value):
    assume(abs(math.log(ready / must_fix)) > 1e-3)
    mirrored = score(1 / value, ready=1 / ready, must_fix=1 / must_fix)
    assert score(value, ready=ready, must_fix=must_fix) == pytest.approx(mirrored, abs=1e-9)


@pytest.mark.parametrize(("ready", "must_fix"), [(0, 1), (1, 0), (-1, 2), (3, 3), (math.inf, 1), (1, math.inf), (math.nan, 1)])
def test_bounds_that_cannot_bound_are_refused(ready, must_fix):
    with pytest.raises(ValueError, match="bounds must be positive"):
        score(1, ready=ready, must_fix=must_fix)
    with pytest.raises(ValueError, match="bounds must be positive"):
        Bounds(ready=ready, must_fix=must_fix)


def test_nan_has_no_score():
    with pytest.raises(ValueError, match="NaN has no score"):
        score(math.nan, ready=1, must_fix=2)


def test_nothing_at_all_is_best_for_a_latency_and_worst_for_free_space():
    assert score(0, ready=10, must_fix=20) == 1.0
    assert score(0, ready=20, must_fix=10) == 0.0
