"""A table is told apart without a word too many, and what would spoil a model is refused or named."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from workbench.errors import BadInput, UnknownName
from workbench.experiments import Split, prepare
from workbench.findings import Outcome

RNG = np.random.default_rng(0)
N = 200


def table(**columns: object) -> pa.Table:
    return pa.table({"a": RNG.normal(size=N), "b": RNG.normal(size=N), **columns})


@pytest.mark.parametrize(
    ("values", "task", "classes"),
    [
        (RNG.normal(size=N), "regression", ()),
        (RNG.integers(0, 50, N), "regression", ()),
        (RNG.integers(0, 2, N), "binary", (0, 1)),
        (RNG.integers(0, 2, N) == 1, "binary", (False, True)),
        (np.where(np.arange(N) % 3 == 0, "left", "stayed"), "binary", ("stayed", "left")),
        (np.where(np.arange(N) % 3 == 0, "no", "yes"), "binary", ("no", "yes")),
        (np.array(["x", "y", "z"])[np.arange(N) % 3], "multiclass", ("x", "y", "z")),
    ],
)
def test_the_task_and_the_positive_class_follow_from_the_target(values, task, classes):
    prepared = prepare(table(t=values), target="t")
    assert (prepared.task, prepared.classes) == (task, classes)


def test_the_positive_class_can_be_named():
    assert prepare(table(t=RNG.integers(0, 2, N)), target="t", positive=0).classes == (1, 0)


def test_only_real_features_are_learned_from():
    data = table(
        t=RNG.normal(size=N),
        level=np.ones(N),
        baseline_mean=np.ones(N),
        shop=RNG.integers(0, 9, N),
        part=["train", "test"] * (N // 2),
    )
    prepared = prepare(data, target="t", scale="level", ids=("shop",), exclude=("b",), split=Split(column="part"))
    assert prepared.encoding.features == ("a",)


def test_the_encoding_knows_training_rows_only():
    part = ["train"] * 150 + ["test"] * 50
    prepared = prepare(
        table(t=RNG.normal(size=N), c=["x", "y"] * 75 + ["new"] * 50, part=part), target="t", split=Split(column="part")
    )
    assert prepared.encoding.features == ("a", "b", "c=x", "c=y")
    assert prepared.rows == {"train": 150, "test": 50}


def test_the_target_is_never_a_feature():
    with pytest.raises(BadInput, match="'t' as a feature"):
        prepare(table(t=RNG.normal(size=N)), target="t", features=("a", "t"))


def test_a_missing_target_is_refused_with_its_count():
    with pytest.raises(BadInput, match="'t' is missing in 1 of 200 rows"):
        prepare(table(t=[None, *RNG.normal(size=N - 1)]), target="t")


def test_a_target_that_is_not_a_number_is_refused():
    with pytest.raises(BadInput, match="'t' is missing in 1 of 200 rows"):
        prepare(table(t=[float("nan"), *RNG.normal(size=N - 1)]), target="t")


def test_a_misspelt_column_names_the_nearest():
    with pytest.raises(UnknownName, match="did you mean 'target'"):
        prepare(table(target=RNG.normal(size=N)), target="tarket")


def test_a_scale_of_zero_is_refused():
    with pytest.raises(BadInput, match="missing, 0 or negative in"):
        prepare(table(t=RNG.normal(size=N), s=np.zeros(N)), target="t", scale="s")


def test_a_class_that_only_the_test_has_is_refused():
    data = table(t=["x", "y", "z"] * 50 + ["w"] * 50, part=["train"] * 150 + ["test"] * 50)
    with pytest.raises(BadInput, match="classes that no training row has: w"):
        prepare(data, target="t", split=Split(column="part")).part("test")


@pytest.mark.parametrize("kind", ["regression", "binary"])
def test_a_feature_that_knows_the_answer_is_named(kind):
    target = RNG.normal(size=N) if kind == "regression" else RNG.integers(0, 2, N)
    found = prepare(table(t=target, answer=np.asarray(target) * 3.0), target="t").findings
    assert [(f.check, f.outcome, f.evidence["feature"]) for f in found] == [("experiments.leak", Outcome.WARN, "answer")]


def test_a_feature_missing_only_for_one_answer_is_named():
    target = RNG.integers(0, 2, N)
    data = table(t=target, paid=pa.array(np.where(target == 1, RNG.random(N), np.nan)))
    assert [f.evidence["feature"] for f in prepare(data, target="t").findings] == ["paid"]


def test_honest_features_are_not_accused():
    assert prepare(table(t=RNG.normal(size=N)), target="t").findings == ()
