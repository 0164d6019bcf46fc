"""Each refusal is proven by the real wrong conversion: when one of these tests fails, the converter was mended."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from tests.export.conftest import numbers, papers
from workbench.errors import NotExportable
from workbench.export.known_bad import KNOWN_BAD, refuse
from workbench.export.scorer import Session
from workbench.export.sklearn_onnx import SklearnExporter

exporter = SklearnExporter()


def gap(model: Any, x: np.ndarray, task: str) -> float:
    """Largest difference between a model and its graph, the refusal left aside."""
    session = Session(exporter.to_onnx(model, papers(x.shape[1], task)), task)
    return float(np.abs(session(x) - exporter.predict(model, x, task)).max())


def test_native_categories_are_refused_because_their_probabilities_come_out_wrong():
    random = np.random.default_rng(0)
    x = np.column_stack([random.integers(0, 12, 2_000), random.normal(size=2_000)]).astype(np.float32)
    y = (x[:, 0] % 3 == 0) ^ (x[:, 1] > 0)
    model = HistGradientBoostingClassifier(max_iter=20, categorical_features=[0], random_state=0).fit(x, y)
    assert gap(model, x, "binary") > 0.5
    with pytest.raises(NotExportable, match="one-hot columns"):
        refuse(model)
    with pytest.raises(NotExportable, match="one-hot columns"):
        refuse(HistGradientBoostingRegressor(max_iter=5, categorical_features=[0]).fit(x, x[:, 1]))


@pytest.mark.parametrize("loss", ["poisson", "gamma"])
def test_a_log_link_is_refused_because_the_graph_gives_the_logarithm(loss):
    x = numbers()
    model = HistGradientBoostingRegressor(loss=loss, max_iter=20, random_state=0).fit(x, np.exp(x[:, 0]) + 0.1)
    session = Session(exporter.to_onnx(model, papers(4)), "regression")
    assert np.exp(session(x)) == pytest.approx(model.predict(x), rel=1e-5)
    with pytest.raises(NotExportable, match="leaves out the exp"):
        refuse(model)


def test_two_class_discriminant_analysis_is_refused_although_its_labels_agree():
    x, y = load_breast_cancer(return_X_y=True)
    x = x.astype(np.float32)
    model = LinearDiscriminantAnalysis().fit(x, y)
    assert gap(model, x, "binary") == pytest.approx(0.15, abs=0.01)
    with pytest.raises(NotExportable, match="while every label agrees"):
        refuse(model)


def test_a_bad_step_is_found_at_any_depth():
    x = numbers()
    model = make_pipeline(StandardScaler(), make_pipeline(FunctionTransformer(np.abs), LogisticRegression()))
    with pytest.raises(NotExportable, match="FunctionTransformer cannot be exported"):
        refuse(model.fit(x, x[:, 0] > 0))
    with pytest.raises(NotExportable, match="skl2onnx"):
        exporter.to_onnx(model, papers(4, "binary"))


def test_a_poisson_network_is_refused_because_there_is_no_converter():
    x = numbers()
    model = MLPRegressor(hidden_layer_sizes=(4,), loss="poisson", max_iter=1_000, random_state=0).fit(x, np.exp(x[:, 0]))
    with pytest.raises(NotExportable, match="skl2onnx: KeyError"):
        exporter.to_onnx(model, papers(4))
    with pytest.raises(NotExportable, match="does not know the exp output"):
        refuse(model)


@pytest.mark.parametrize(
    ("model", "task"),
    [
        (HistGradientBoostingRegressor(max_iter=20, random_state=0), "regression"),
        (HistGradientBoostingRegressor(max_iter=20, loss="absolute_error", random_state=0), "regression"),
        (HistGradientBoostingClassifier(max_iter=20, random_state=0), "binary"),
        (RandomForestRegressor(10, random_state=0), "regression"),
        (make_pipeline(FunctionTransformer(), LogisticRegression()), "binary"),
    ],
)
def test_their_healthy_relatives_are_let_through_and_agree(model, task):
    x = numbers()
    model.fit(x, x[:, 0] * x[:, 1] if task == "regression" else x[:, 0] * x[:, 1] > 0)
    refuse(model)
    assert gap(model, x, task) < 1e-5


def test_three_class_discriminant_analysis_is_let_through():
    x = numbers()
    model = LinearDiscriminantAnalysis().fit(x, np.digitize(x[:, 0], [-0.5, 0.5]))
    refuse(model)
    assert gap(model, x, "multiclass") < 1e-5


def test_forests_take_float32_because_double_inputs_take_other_leaves():
    skl2onnx = pytest.importorskip("skl2onnx")
    ort = pytest.importorskip("onnxruntime")
    cents = np.random.default_rng(0).integers(1, 2_000, (20_000, 3)) / 100  # prices: most have no exact float32
    x, y = cents, cents[:, 0] * cents[:, 1] > 50
    model = RandomForestClassifier(10, random_state=0).fit(x, y)
    double = skl2onnx.to_onnx(model, x[:1], options={"zipmap": False}, target_opset={"": 18, "ai.onnx.ml": 3})
    _, shares = ort.InferenceSession(double.SerializeToString()).run(None, {"X": x})
    assert np.abs(shares - model.predict_proba(x)).max() > 0.01
    assert gap(model, x.astype(np.float32), "binary") < 1e-6


def test_every_entry_says_why_and_what_to_do():
    assert all(known.why and known.fix for known in KNOWN_BAD)
