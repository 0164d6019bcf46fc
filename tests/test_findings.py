import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.findings import SEVERITY, Finding, Outcome, blocking, exit_code, within, worst


def finding(outcome):
    return Finding(check="c", outcome=outcome, message="m")


@given(st.lists(st.sampled_from(Outcome)))
def test_the_worst_outcome_is_at_least_as_severe_as_each(outcomes):
    top = worst(map(finding, outcomes))
    assert all(SEVERITY[o] <= SEVERITY[top] for o in outcomes)
    assert top in (outcomes or [Outcome.PASS])


def test_only_a_failure_blocks_unless_asked_to_be_stricter():
    found = [finding(Outcome.WARN), finding(Outcome.INFO)]
    assert (exit_code(found), exit_code(found, fail_on=Outcome.WARN)) == (0, 1)
    assert blocking([finding(Outcome.ERROR)], fail_on=Outcome.WARN) == [finding(Outcome.ERROR)]


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_within_passes_exactly_inside_its_bounds(value, low, width):
    outcome = within("c", value, low, low + width).outcome
    assert outcome is (Outcome.PASS if low <= value <= low + width else Outcome.FAIL)


def test_not_a_number_lies_outside_every_range():
    assert within("c", math.nan, -1e300, 1e300).outcome is Outcome.FAIL


@pytest.mark.parametrize(("value", "hint"), [(42.0, "leak?"), (49.0, "broken join?")])
def test_a_figure_outside_its_range_says_what_that_usually_means(value, hint):
    found = within("wape", value, 44.8, 46.8, unit="%", below="leak?", above="broken join?")
    assert found.message == f"{value:g} %, expected 44.8 to 46.8: {hint}"
