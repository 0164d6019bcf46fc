from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import BadInput
from workbench.monitoring.psi import bins_of, index, noise_floor, psi

numbers = st.lists(st.one_of(st.none(), st.floats(width=32), st.integers(-5, 9).map(float)), min_size=1, max_size=60)
levels = st.lists(st.one_of(st.none(), st.sampled_from("abcdefg"), st.text(max_size=3)), min_size=1, max_size=60)


def column(values: list[float | None] | list[str | None] | list[int]) -> pa.ChunkedArray:
    kind = pa.string() if any(isinstance(v, str) for v in values) else pa.float64()
    return pa.chunked_array([pa.array(values, kind)])


@given(st.one_of(numbers, levels), st.integers(1, 4))
def test_windows_with_equal_shares_have_no_shift_whatever_their_sizes(values, times):
    assert psi(column(values), column(values * times)).value == pytest.approx(0, abs=1e-12)


@given(numbers, numbers, st.randoms())
def test_the_order_of_the_rows_does_not_matter(before, after, random):
    shuffled = (random.sample(before, len(before)), random.sample(after, len(after)))
    assert psi(column(before), column(after)).value == psi(column(shuffled[0]), column(shuffled[1])).value


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1))
def test_over_the_same_bins_the_index_is_symmetric_and_never_negative(pairs):
    before, after = (np.array(side, dtype=np.int64) for side in zip((1, 1), *pairs, strict=True))
    assert index(before, after) == pytest.approx(index(after, before))
    assert index(before, after) >= 0


def test_the_index_is_that_of_the_formula_when_no_bin_is_empty():
    before, after = np.array([500_000, 500_000]), np.array([600_000, 400_000])
    by_hand = (0.6 - 0.5) * math.log(0.6 / 0.5) + (0.4 - 0.5) * math.log(0.4 / 0.5)
    assert index(before, after) == pytest.approx(by_hand, rel=1e-5)


def test_ten_quantile_bins_of_the_reference_hold_a_tenth_each():
    reference = column([float(i) for i in range(1_000)])
    assert bins_of(reference).count(reference).tolist() == [100] * 10 + [0]


def test_small_counts_get_value_bins_because_their_quantiles_tie():
    reference = column([1] * 80 + [2] * 15 + [4] * 4 + [9])
    bins = bins_of(reference)
    assert bins.labels == ("0", "1", "2", "3 to 5", "6 and more", "missing")
    assert bins.count(reference).tolist() == [0, 80, 15, 4, 1, 0]


def test_a_constant_that_moves_down_is_seen():
    shift = psi(column([3.5] * 1_000), column([3.4] * 1_000))
    assert shift.value > shift.alarm_at


def test_missing_values_are_a_bin_of_their_own_and_nan_is_missing():
    shift = psi(column([1.0, 2.0] * 500), column([1.0, float("nan")] * 250 + [2.0, None] * 250))
    assert shift.moved == "missing: 0.0% to 50.0% of the rows"
    assert shift.value > shift.alarm_at


def test_a_column_that_was_all_missing_alarms_when_values_appear():
    shift = psi(column([None] * 500), column([1.0] * 500))
    assert shift.value > shift.alarm_at


def test_of_more_than_thirty_levels_the_top_twenty_stay_and_the_rest_share_a_bin():
    reference = column([f"level-{i:02}" for i in range(31) for _ in range(40 - i)])
    bins = bins_of(reference)
    assert len(bins.labels) == 22
    assert bins.count(reference).tolist()[:20] == [40 - i for i in range(20)]
    assert bins.count(reference).tolist()[20:] == [sum(40 - i for i in range(20, 31)), 0]


def test_new_levels_are_counted():
    shift = psi(column(["a", "b"] * 100), column(["a", "b", "c", "c", "d"] * 40))
    assert (shift.new_levels, shift.new_rows) == (2, 120)


def test_the_limits_rise_with_the_noise_of_small_windows():
    assert noise_floor(11, 3_780, 130) == pytest.approx(0.239, abs=0.001)  # the folk 0.1 would alarm on noise here
    shift = psi(column([float(i) for i in range(3_780)]), column([float(i) for i in range(0, 3_780, 30)]))
    assert shift.warn_at == pytest.approx(noise_floor(10, 3_780, 126))
    assert shift.alarm_at == pytest.approx(2 * noise_floor(10, 3_780, 126))


def test_pure_chance_does_not_alarm_at_any_size():
    random = np.random.default_rng(0)
    for n in (30, 130, 1_000, 20_000):
        for _ in range(20):
            shift = psi(column(random.normal(size=3_000).tolist()), column(random.normal(size=n).tolist()))
            assert shift.value < shift.alarm_at


def test_a_column_of_times_is_refused_with_a_way_out():
    times = pa.chunked_array([pa.array([0, 1], pa.timestamp("s"))])
    with pytest.raises(BadInput, match="calendar, accumulating or id"):
        psi(times, times)
