from __future__ import annotations

import numpy as np
import onnx
import pytest
import skl2onnx
import skl2onnx.common._container as container
from skl2onnx.common.data_types import FloatTensorType
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor, VotingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.export.conftest import numbers, papers
from workbench.errors import NotExportable
from workbench.export.scorer import Session
from workbench.export.sklearn_onnx import SklearnExporter, bools_as_ints

exporter = SklearnExporter()

X = numbers()
BOOSTED = HistGradientBoostingRegressor(max_iter=5, random_state=0).fit(X, X[:, 0])


def test_the_bool_shim_is_still_needed():
    """When this fails, skl2onnx gives ints by itself: remove `bools_as_ints` and this test."""
    with pytest.raises(ValueError, match="Unable to create node"):
        skl2onnx.convert_sklearn(BOOSTED, initial_types=[("x", FloatTensorType([None, 4]))])


def test_the_bool_shim_lasts_for_the_call_only_even_when_it_fails():
    before = container.make_node
    with pytest.raises(RuntimeError), bools_as_ints():
        assert container.make_node is not before
        raise RuntimeError
    assert container.make_node is before


@pytest.mark.parametrize(
    ("model", "task"),
    [
        (HistGradientBoostingRegressor(max_iter=20, random_state=0), "regression"),
        (HistGradientBoostingClassifier(max_iter=20, random_state=0), "binary"),
        (make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler(), Ridge()), "regression"),
        (make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()), "binary"),
        (make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()), "multiclass"),
    ],
)
def test_a_graph_takes_one_float_matrix_and_gives_one_final_prediction(model, task):
    y = {"regression": X[:, 0] ** 2, "binary": X[:, 0] > 0, "multiclass": (X[:, 0] > 0) + (X[:, 1] > 0) * 1}[task]
    model.fit(X, y)
    graph = exporter.to_onnx(model, papers(4, task))
    read = onnx.load_from_string(graph).graph
    assert [value.name for value in read.input] == ["features"]
    assert [value.name for value in read.output] == ["prediction" if task == "regression" else "probability"]
    assert Session(graph, task)(X) == pytest.approx(exporter.predict(model, X, task), abs=1e-5)


@pytest.mark.parametrize("offset", [0, 1e6])
def test_every_row_takes_the_same_leaf_even_at_the_thresholds_themselves(offset):
    x = (offset + np.random.default_rng(0).random((2_000, 3))).astype(np.float32)
    model = HistGradientBoostingRegressor(max_iter=20, random_state=0).fit(x, np.sin(9 * x[:, 0]) + x[:, 1] - offset)
    session = Session(exporter.to_onnx(model, papers(3)), "regression")
    nodes = np.concatenate([stage[0].nodes for stage in model._predictors])
    splits = nodes[~nodes["is_leaf"].astype(bool)]
    rows = np.tile(np.median(x, axis=0), (len(splits), 1))
    places = (np.arange(len(splits)), splits["feature_idx"])
    nearest = splits["num_threshold"].astype(np.float32)
    for value in (nearest, np.nextafter(nearest, np.float32(np.inf)), np.nextafter(nearest, np.float32(-np.inf))):
        rows[places] = value
        assert session(rows) == pytest.approx(model.predict(rows), abs=1e-5)
    assert session(x) == pytest.approx(model.predict(x), abs=1e-5)


def test_the_original_keeps_its_thresholds():
    before = BOOSTED._predictors[0][0].nodes.copy()
    exporter.to_onnx(BOOSTED, papers(4))
    assert (BOOSTED._predictors[0][0].nodes == before).all()


def test_equal_models_give_equal_bytes():
    again = HistGradientBoostingRegressor(max_iter=5, random_state=0).fit(X, X[:, 0])
    assert exporter.to_onnx(BOOSTED, papers(4)) == exporter.to_onnx(again, papers(4))


def test_a_model_without_a_converter_is_refused_with_the_converters_words():
    voting = VotingClassifier([("a", LogisticRegression()), ("b", GaussianNB())], voting="soft").fit(X, X[:, 0] > 0)
    with pytest.raises(NotExportable, match="flatten_transform") as caught:
        exporter.to_onnx(voting, papers(4, "binary"))
    assert caught.value.what == "VotingClassifier cannot be converted to ONNX"
