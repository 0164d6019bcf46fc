"""Rows are parted once, by a rule that can be repeated, and no time or class is treated unfairly."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import BadInput
from workbench.experiments.split import assign
from workbench.records.model import Split


def test_a_column_says_it_as_it_is():
    table = pa.table({"part": ["train", "test", None, "warm-up"]})
    assert assign(table, Split(column="part")).tolist() == ["train", "test", "", "warm-up"]


def test_a_split_column_without_test_rows_is_refused_with_what_it_holds():
    with pytest.raises(BadInput, match="the rows are in 'Test', 'train'"):
        assign(pa.table({"part": ["train", "Test"]}), Split(column="part"))


def test_the_last_rows_by_time_are_the_test():
    table = pa.table({"week": [5, 1, 4, 2, 3, 10, 9, 8, 7, 6]})
    names = assign(table, Split(time_column="week", test_share=0.2, validate_share=0.1))
    assert dict(zip(table["week"].to_pylist(), names.tolist(), strict=True)) == {
        **dict.fromkeys(range(1, 8), "train"), 8: "validate", 9: "test", 10: "test"
    }  # fmt: skip


@given(st.lists(st.integers(0, 9), min_size=30, max_size=80), st.floats(0.2, 0.4), st.floats(0, 0.3))
def test_one_time_is_never_on_two_sides_and_test_is_last(weeks, test_share, validate_share):
    try:
        names = assign(pa.table({"w": weeks}), Split(time_column="w", test_share=test_share, validate_share=validate_share))
    except BadInput:
        return  # the last time holds more rows than the test may have
    by_name = {name: {w for w, n in zip(weeks, names, strict=True) if n == name} for name in ("train", "validate", "test")}
    assert max(by_name["train"]) < min(by_name["validate"] | by_name["test"])
    assert max(by_name["validate"], default=-1) < min(by_name["test"])
    assert (names == "test").mean() <= test_share + 1e-9


def test_a_missing_time_is_refused():
    with pytest.raises(BadInput, match="neither before nor after"):
        assign(pa.table({"w": [1, None, 3]}), Split(time_column="w"))


def test_a_random_split_keeps_the_shares_of_the_classes_and_the_seed_decides_it():
    table = pa.table({"t": ["rare"] * 20 + ["common"] * 180})
    names = assign(table, Split(seed=3), stratify="t")
    assert Counter(zip(table["t"].to_pylist(), names.tolist(), strict=True)) == {
        ("rare", "train"): 13, ("rare", "validate"): 3, ("rare", "test"): 4,
        ("common", "train"): 117, ("common", "validate"): 27, ("common", "test"): 36,
    }  # fmt: skip
    assert np.array_equal(names, assign(table, Split(seed=3), stratify="t"))
    assert not np.array_equal(names, assign(table, Split(seed=4), stratify="t"))
