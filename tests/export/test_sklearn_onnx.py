from __future__ import annotations

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
from workbench.export.sklearn_onnx import bools_as_ints, exporter

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


def test_equal_models_give_equal_bytes():
    again = HistGradientBoostingRegressor(max_iter=5, random_state=0).fit(X, X[:, 0])
    assert exporter.to_onnx(BOOSTED, papers(4)) == exporter.to_onnx(again, papers(4))


def test_a_model_without_a_converter_is_refused_with_the_converters_words():
    voting = VotingClassifier([("a", LogisticRegression()), ("b", GaussianNB())], voting="soft").fit(X, X[:, 0] > 0)
    with pytest.raises(NotExportable, match="flatten_transform") as caught:
        exporter.to_onnx(voting, papers(4, "binary"))
    assert caught.value.what == "VotingClassifier cannot be converted to ONNX"
