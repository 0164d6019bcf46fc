import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import BadInput
from workbench.production.compare.values import Verdict, checked, numbers, tables, texts, values, worst

IDENTICAL, WITHIN, DIFFERENT = Verdict
finite = st.floats(allow_nan=False, allow_infinity=False, min_value=1e-300, max_value=1e300)
words = st.text("ab =[],%\n", max_size=6)


@pytest.mark.parametrize(
    ("a", "b", "verdict"),
    [
        (1.0, 1.0, IDENTICAL),
        (float("nan"), float("nan"), IDENTICAL),
        (1.0, 1.0 + 1e-12, WITHIN),
        (1.0, 1.0 + 1e-6, DIFFERENT),
        (1, 1.0, WITHIN),
        (10**12, 10**12 + 1, DIFFERENT),  # a count is exact
        (1e-13, 1e-20, DIFFERENT),  # nothing near zero passes for zero
        (0.0, 1e-300, DIFFERENT),
        (float("inf"), 1.0, DIFFERENT),
        (float("inf"), float("inf"), IDENTICAL),
    ],
)
def test_numbers_are_judged_relative_to_their_size(a, b, verdict):
    assert numbers(a, b, 1e-9) is numbers(b, a, 1e-9) is verdict


@given(finite, st.floats(0, 0.5))
def test_the_bound_of_the_tolerance_is_where_it_says(value, share):
    assert numbers(value, value * (1 - share * 0.999), share) is not DIFFERENT
    if share > 1e-9:
        assert numbers(value, value * (1 - share * 1.001), share) is DIFFERENT


@pytest.mark.parametrize("tolerance", [-1e-9, 1.0, float("nan")])
def test_a_tolerance_that_compares_nothing_is_refused(tolerance):
    with pytest.raises(BadInput, match="compares nothing"):
        checked(tolerance)


@pytest.mark.parametrize(
    ("a", "b", "verdict"),
    [
        ("loss 0.125 after 3 steps", "loss 0.1250000000001 after 3 steps", WITHIN),
        ("loss 0.125 after 3 steps", "loss 0.126 after 3 steps", DIFFERENT),
        ("loss 0.125 after 3 steps", "loss 0.125 after 4 steps", DIFFERENT),
        ("0.5 of them", "0.50 of us", DIFFERENT),
        ("1e-3", "0.001", WITHIN),
        ("45.90 %.", "45.9 %.", WITHIN),
        ("-0.0", "0.0", WITHIN),
        ("version 2.10.0", "version 2.1.0", DIFFERENT),
        ("sklearn 1.9", "sklearn 1.90", WITHIN),  # a version of two parts cannot be told from a number
        ("took 1.50s", "took 1.5s", DIFFERENT),
        ("1e999", "1e998", DIFFERENT),
        ("[1.0, 2.0]", "[1.00, 2.00]", WITHIN),
        ("x1.50", "x1.5", DIFFERENT),
    ],
)
def test_texts_may_differ_in_their_fractions_alone(a, b, verdict):
    assert texts(a, b, 1e-9) is texts(b, a, 1e-9) is verdict


@given(words, finite, words)
def test_a_fraction_is_found_wherever_it_stands(before, value, after):
    near, far = value * (1 + 1e-12), value * 1.001
    text = f"{before} {value!r} {after}"
    assert texts(text, text, 0.0) is IDENTICAL
    assert texts(text, f"{before} {near!r} {after}", 1e-9) in (IDENTICAL, WITHIN)
    assert texts(text, f"{before} {far!r} {after}", 1e-9) is DIFFERENT


def test_a_long_text_without_numbers_takes_no_time():
    assert texts("1" * 1_000_000 + "x", "1" * 1_000_000 + "y", 1e-9) is DIFFERENT


@pytest.mark.parametrize(
    ("a", "b", "verdict"),
    [
        ({"a": [1, 2.0], "b": None}, {"b": None, "a": [1, 2.0]}, IDENTICAL),
        ({"a": [1, 2.0]}, {"a": [1, 2.0 + 1e-12]}, WITHIN),
        ({"a": 1}, {"a": 1, "b": 2}, DIFFERENT),
        ([1], [1, 1], DIFFERENT),
        (True, 1, DIFFERENT),
        ("1", 1, DIFFERENT),
        (None, 0, DIFFERENT),
        ({"a": 1}, [1], DIFFERENT),
    ],
)
def test_json_is_compared_by_its_parts(a, b, verdict):
    assert values(a, b, 1e-9) is verdict


def test_the_worst_of_none_is_identical():
    assert worst([]) is IDENTICAL
    assert worst([IDENTICAL, DIFFERENT, WITHIN]) is DIFFERENT


def table(**columns):
    return pa.table(columns)


@pytest.mark.parametrize(
    ("a", "b", "verdict"),
    [
        ({"x": [1.0, None, float("nan")]}, {"x": [1.0, None, float("nan")]}, IDENTICAL),
        ({"x": [1.0, 2.0]}, {"x": [1.0, 2.0 + 1e-12]}, WITHIN),
        ({"x": [1.0, 2.0]}, {"x": [1.0, 2.1]}, DIFFERENT),
        ({"x": [1.0, None]}, {"x": [1.0, float("nan")]}, DIFFERENT),
        ({"x": [float("inf")]}, {"x": [float("-inf")]}, DIFFERENT),
        ({"x": [1, 2]}, {"x": [1, 3]}, DIFFERENT),
        ({"x": [1, 2]}, {"x": [1.0, 2.0]}, DIFFERENT),
        ({"x": [1]}, {"y": [1]}, DIFFERENT),
        ({"x": [1.0]}, {"x": [1.0, 1.0]}, DIFFERENT),
        ({"x": ["a"], "y": [0.1]}, {"x": ["a"], "y": [0.1 + 1e-12]}, WITHIN),
        ({"x": ["a"]}, {"x": ["b"]}, DIFFERENT),
    ],
)
def test_tables_are_compared_column_by_column(a, b, verdict):
    assert tables(table(**a), table(**b), 1e-9) is verdict


def test_narrow_floats_are_compared_as_numbers():
    a, b = (pa.table({"x": pa.array(np.array([1.5, value], dtype="float32"))}) for value in (2.0, 2.001))
    assert (tables(a, b, 1e-9), tables(a, b, 1e-2)) == (DIFFERENT, WITHIN)
