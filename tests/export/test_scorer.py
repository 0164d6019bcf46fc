from __future__ import annotations

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression

from tests.export.conftest import numbers
from workbench.errors import BadInput
from workbench.export.scorer import load
from workbench.export.ship import export
from workbench.export.sklearn_onnx import SklearnExporter

exporter = SklearnExporter()

X = numbers()
BOOSTED = HistGradientBoostingRegressor(max_iter=5, random_state=0).fit(X, X[:, 0])
RAW = pa.table({f"f{i}": X[:, i] for i in range(4)} | {"level": np.linspace(1, 50, len(X))})


@pytest.fixture
def regressor(project, leave):
    """A registered model 'demand' whose target was divided by `level`."""
    export(project, leave(BOOSTED, X, scale="level"), name="demand", exporter=exporter)
    return BOOSTED


def test_the_scale_is_multiplied_back(project, regressor):
    scored = load(project, "demand").predict(RAW)
    assert scored.column_names == ["prediction"]
    assert scored["prediction"].to_numpy() == pytest.approx(regressor.predict(X) * RAW["level"].to_numpy(), rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("classes", [(False, True), (0, 1), ("no", "yes")])
def test_two_classes_give_a_label_and_the_probability_of_the_positive_one(project, leave, classes):
    model = LogisticRegression().fit(X, (X[:, 0] > 0).astype(int))
    export(project, leave(model, X, "binary", classes=classes), name="response", exporter=exporter)
    scored = load(project, "response").predict(RAW)
    assert scored["probability"].to_numpy() == pytest.approx(model.predict_proba(X)[:, 1], abs=1e-6)
    assert scored["prediction"].to_pylist() == [classes[i] for i in model.predict(X)]


def test_three_classes_give_a_label_and_a_probability_for_each(project, leave):
    model = LogisticRegression().fit(X, np.digitize(X[:, 0], [-0.5, 0.5]))
    export(project, leave(model, X, "multiclass"), name="kinds", exporter=exporter)
    scored = load(project, "kinds").predict(RAW)
    assert scored.column_names == ["prediction", "probability_a", "probability_b", "probability_c"]
    assert scored["prediction"].to_pylist() == ["abc"[i] for i in model.predict(X)]


def test_no_rows_give_no_rows_and_one_row_gives_one(project, regressor):
    scorer = load(project, "demand")
    assert scorer.predict(RAW.slice(0, 0)).num_rows == 0
    assert scorer.predict(RAW.slice(5, 1))["prediction"][0] == scorer.predict(RAW)["prediction"][5]


@pytest.mark.parametrize("column", ["f2", "level"])
def test_a_missing_column_is_named(project, regressor, column):
    with pytest.raises(BadInput, match=f"lacks '{column}'"):
        load(project, "demand").predict(RAW.drop([column]))


@pytest.mark.parametrize("level", [0.0, -1.0, None, float("nan")])
def test_a_scale_that_training_would_refuse_is_refused(project, regressor, level):
    rows = RAW.slice(0, 1).drop(["level"]).append_column("level", pa.array([level], pa.float64()))
    with pytest.raises(BadInput, match="missing, 0 or negative in 1 of 1 rows"):
        load(project, "demand").predict(rows)


def test_missing_values_are_scored_when_the_original_takes_them_and_refused_when_not(project, leave, regressor):
    holed = RAW.drop(["f1"]).append_column("f1", pa.array([None] * len(X), pa.float32()))
    x = X.copy()
    x[:, 1] = np.nan
    expected = regressor.predict(x) * RAW["level"].to_numpy()
    assert load(project, "demand").predict(holed)["prediction"].to_numpy() == pytest.approx(expected, rel=1e-5, abs=1e-5)
    export(project, leave(LogisticRegression().fit(X, (X[:, 0] > 0) * 1), X, "binary"), name="response", exporter=exporter)
    with pytest.raises(BadInput, match="missing values in 'f1'"):
        load(project, "response").predict(holed)


@pytest.mark.parametrize("file", ["model.onnx", "card.md"])
def test_one_flipped_bit_is_refused_before_the_model_is_used(project, regressor, file):
    path = project.models / "demand" / "1" / file
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(BadInput, match=f"{file} is not the file that was saved") as caught:
        load(project, "demand")
    assert "manifest.json says" in caught.value.why
    assert caught.value.fix == "restore it from a backup, or export the model again"


def test_a_missing_file_is_refused(project, regressor):
    (project.models / "demand" / "1" / "model.onnx").unlink()
    with pytest.raises(BadInput, match=r"manifest\.json names it"):
        load(project, "demand")


def test_serving_loads_neither_scikit_learn_nor_torch_nor_skops(project, regressor):
    script = (
        "import sys; from pathlib import Path; import pyarrow as pa; from workbench.project import open_project;"
        "from workbench.export import load; scorer = load(open_project(Path(sys.argv[1])), 'demand');"
        "scorer.predict(pa.table({c: [1.0] for c in ('f0', 'f1', 'f2', 'f3', 'level')}));"
        "print([m for m in ('sklearn', 'torch', 'skops', 'skl2onnx', 'onnx', 'mlflow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script, str(project.root)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
