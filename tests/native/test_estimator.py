from __future__ import annotations

import pickle

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from workbench.errors import BadInput
from workbench.native.estimator import dump_estimator, load_estimator

X = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)


def shouted(x: np.ndarray) -> np.ndarray:
    return np.abs(x)


@pytest.mark.parametrize(
    "model",
    [
        HistGradientBoostingRegressor(max_iter=5, random_state=0),
        HistGradientBoostingClassifier(max_iter=5, random_state=0),
        make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), Ridge()),
        make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), LogisticRegression()),
    ],
)
def test_an_estimator_comes_back_with_the_same_predictions_and_gives_the_same_bytes(model):
    model.fit(X, (X[:, 0] > 0).astype(int))
    data = dump_estimator(model)
    assert dump_estimator(model) == data
    assert load_estimator(data, source="model.skops").predict(X).tolist() == model.predict(X).tolist()


def test_a_type_that_is_not_on_the_list_is_refused():
    data = skops.io.dumps(FunctionTransformer(shouted).fit(X))
    with pytest.raises(BadInput, match="not on the list of trusted ones") as caught:
        load_estimator(data, source="model.skops")
    assert caught.value.what == "model.skops is not loaded"


def test_a_pickle_is_no_skops_file():
    with pytest.raises(BadInput, match="no skops file"):
        load_estimator(pickle.dumps(Ridge()), source="model.skops")
