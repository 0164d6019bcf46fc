from __future__ import annotations

import json

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from tests.export.conftest import numbers, papers
from workbench.errors import ParityFailed
from workbench.export.parity import awkward, compare, gate
from workbench.export.scorer import Session
from workbench.export.sklearn_onnx import SklearnExporter
from workbench.findings import Outcome

exporter = SklearnExporter()

X = numbers(2_000)
ONES = np.ones(len(X))


def linear(x: np.ndarray) -> np.ndarray:
    return x.sum(axis=1).astype(np.float64)


def tampered(graph: bytes, attribute: str) -> bytes:
    """The graph with the last number of one attribute of its trees raised by 0.01."""
    model = onnx.load_from_string(graph)
    trees = next(node for node in model.graph.node if node.op_type.startswith("TreeEnsemble"))
    weights = next(each for each in trees.attribute if each.name == attribute)
    weights.floats[len(weights.floats) - 1] += 0.01
    return model.SerializeToString()


@pytest.mark.parametrize(("task", "weights"), [("regression", "target_weights"), ("binary", "class_weights")])
def test_one_changed_weight_of_one_leaf_fails_the_gate(task, weights):
    kind = HistGradientBoostingRegressor if task == "regression" else HistGradientBoostingClassifier
    model = kind(max_iter=20, random_state=0).fit(X, X[:, 0] if task == "regression" else X[:, 0] > 0)
    graph = exporter.to_onnx(model, papers(4, task))

    def original(x):
        return exporter.predict(model, x, task)

    assert {f.outcome for f in gate(original, Session(graph, task), X, ONES, task)} == {Outcome.PASS}
    with pytest.raises(ParityFailed, match=r"held-out rows: largest difference .* worst is row \d+: original"):
        gate(original, Session(tampered(graph, weights), task), X, ONES, task)


def test_predictions_are_compared_after_the_scale_is_multiplied_back():
    def off(x):
        return linear(x) + 4e-6

    assert gate(linear, off, X, ONES, "regression")[0].outcome is Outcome.PASS
    with pytest.raises(ParityFailed):
        gate(linear, off, X, ONES * 100, "regression")


def test_large_predictions_may_differ_in_proportion():
    big = np.array([1e6, 1.0])
    assert compare("rows", big, big + np.array([9.0, 0]), np.ones(2), "regression").outcome is Outcome.PASS
    assert compare("rows", big, big + np.array([11.0, 0]), np.ones(2), "regression").outcome is Outcome.FAIL


def test_labels_must_agree_except_on_near_ties():
    clear, tie = np.array([[0.5 + 3e-6, 0.5 - 3e-6]]), np.array([[0.5 + 3e-7, 0.5 - 3e-7]])
    assert compare("rows", clear, clear[:, ::-1], np.ones(1), "binary").outcome is Outcome.FAIL
    assert compare("rows", tie, tie[:, ::-1], np.ones(1), "binary").outcome is Outcome.PASS


def test_the_error_names_the_worst_row_and_its_figures():
    got = linear(X)
    got[[3, 7]] += [0.5, 2.0]
    finding = compare("held-out", linear(X), got, ONES, "regression")
    assert finding.evidence["worst_rows"][:2] == [7, 3]
    assert finding.evidence["share_within"] == 1 - 2 / 2_000
    assert f"2 rows differ too much, worst is row 7: original {linear(X)[7]:.7g}" in finding.message


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_number_against_none_is_a_difference_and_evidence_stays_json(wrong):
    finding = compare("rows", np.array([1.0]), np.array([wrong]), np.ones(1), "regression")
    assert finding.outcome is Outcome.FAIL
    json.dumps(finding.model_dump(mode="json"), allow_nan=False)


@given(st.lists(st.floats(), min_size=1))
def test_a_model_always_equals_itself(values):
    y = np.array(values)
    assert compare("rows", y, y, np.ones(len(y)), "regression").outcome is Outcome.PASS


def test_a_graph_that_is_wrong_only_on_missing_values_is_caught():
    def forgetful(x):
        return np.where(np.isnan(x), 0, x).sum(axis=1).astype(np.float64)

    with pytest.raises(ParityFailed, match="missing rows"):
        gate(linear, forgetful, X, ONES, "regression")


def test_a_graph_that_is_wrong_only_one_row_at_a_time_is_caught():
    def batched(x):
        return linear(x) if len(x) > 1 else np.zeros(1)

    with pytest.raises(ParityFailed, match="one at a time rows"):
        gate(linear, batched, X, ONES, "regression")


def test_values_that_the_original_refuses_are_reported_and_do_not_fail():
    def choosy(x):
        if not np.isfinite(x).all():
            raise ValueError("Input X contains NaN.")
        return linear(x)

    outcomes = {f.check.rpartition(".")[2]: f.outcome for f in gate(choosy, linear, X, ONES, "regression")}
    assert [name for name, o in outcomes.items() if o is Outcome.NOT_APPLICABLE] == [
        "missing", "plus_infinity", "minus_infinity",
    ]  # fmt: skip


def test_held_out_rows_that_the_original_refuses_prove_nothing():
    def refusing(x):
        raise ValueError("Input X contains NaN.")

    with pytest.raises(ParityFailed, match="does not take its own held-out rows"):
        gate(refusing, linear, X, ONES, "regression")


def test_another_number_of_outputs_fails_and_does_not_broadcast():
    finding = compare("rows", np.ones((5, 2)), np.ones((5, 3)), np.ones(5), "binary")
    assert (finding.outcome, finding.message) == (
        Outcome.FAIL,
        "rows rows: the original gives [5, 2] numbers, the graph [5, 3]",
    )


def test_awkward_rows_cover_missing_infinite_constant_and_single_rows():
    groups = {rows.name: rows for rows in awkward(X, ONES)}
    assert list(groups) == ["missing", "plus infinity", "minus infinity", "constant", "one at a time"]
    assert np.isnan(groups["missing"].x).sum() == 4 + 4  # each feature once, then all of them
    assert groups["one at a time"].single
    assert all(rows.x.dtype == np.float32 for rows in groups.values())
