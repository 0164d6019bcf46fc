from __future__ import annotations

from functools import cache

import numpy as np
import onnx
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge

from tests.export.conftest import numbers, papers
from workbench.errors import BadInput, NotExportable, ParityFailed
from workbench.export.scorer import load
from workbench.export.ship import export
from workbench.export.sklearn_onnx import SklearnExporter
from workbench.findings import Outcome
from workbench.records.model import FileHash, ModelManifest

exporter = SklearnExporter()

X = numbers()


@cache
def boosted() -> HistGradientBoostingRegressor:
    return HistGradientBoostingRegressor(max_iter=5, random_state=0).fit(X, X[:, 0] * X[:, 1])


def test_an_export_leaves_a_manifest_a_graph_and_a_card(project, leave):
    manifest = export(project, leave(boosted(), X), name="demand", exporter=exporter)
    folder = project.models / "demand" / "1"
    assert {path.name for path in folder.iterdir()} == {"manifest.json", "model.onnx", "card.md"}
    assert ModelManifest.load(folder / "manifest.json") == manifest
    assert manifest.datasets == {"sales": "ab" * 32}
    assert (manifest.created_by, manifest.opset) == ("ana", 18)
    assert {"python", "numpy", "onnx", "onnxruntime", "scikit-learn", "skl2onnx"} <= manifest.versions.keys()
    assert {file: hashed.size_bytes for file, hashed in manifest.files.items()} == {
        name: (folder / name).stat().st_size for name in ("model.onnx", "card.md")
    }


def test_the_proof_stands_in_the_manifest(project, leave):
    evidence = export(project, leave(boosted(), X), name="demand", exporter=exporter).evidence
    held_out = evidence[0]
    assert (held_out.check, held_out.outcome) == ("export.parity.held_out", Outcome.PASS)
    assert held_out.evidence["rows"] == 400
    assert held_out.evidence["largest_difference"] < 1e-5
    assert [f.check.rpartition(".")[2] for f in evidence[1:]] == [
        "missing", "plus_infinity", "minus_infinity", "constant", "one_at_a_time",
    ]  # fmt: skip


def test_equal_models_give_equal_graphs(project, leave, tmp_path):
    one = export(project, leave(boosted(), X), name="demand", exporter=exporter)
    two = export(project, leave(boosted.__wrapped__(), X, folder=tmp_path / "again"), name="demand", exporter=exporter)
    assert one.files["model.onnx"] == two.files["model.onnx"]
    assert (one.model_version, two.model_version) == (1, 2)


def test_the_run_is_the_one_whose_folder_holds_the_model(project, leave):
    folder = leave(Ridge().fit(X, X[:, 0]), X, folder=project.runs / "20261122T120000Z-train-0a1b2c3d" / "model")
    assert export(project, folder, name="demand", exporter=exporter).run_id == "20261122T120000Z-train-0a1b2c3d"


def test_an_export_is_audited_with_the_hash_of_its_manifest(project, leave):
    export(project, leave(Ridge().fit(X, X[:, 0]), X), name="demand", exporter=exporter)
    last = list(project.audit.entries())[-1]
    assert (last["event"], last["facts"]["model"], last["facts"]["model_version"]) == ("export.export", "demand", 1)


class Careless(SklearnExporter):
    """An exporter whose graphs are slightly wrong: one weight is off."""

    def to_onnx(self, native, trained):
        model = onnx.load_from_string(super().to_onnx(native, trained))
        node = next(n for n in model.graph.node if n.op_type == "TreeEnsembleRegressor")
        weights = next(a for a in node.attribute if a.name == "target_weights")
        weights.floats[len(weights.floats) // 2] += 0.05
        return model.SerializeToString()


def test_a_graph_that_predicts_something_else_is_not_registered(project, leave):
    with pytest.raises(ParityFailed) as caught:
        export(project, leave(boosted(), X), name="demand", exporter=Careless())
    assert "worst is row" in caught.value.why
    assert not (project.models / "demand").exists()
    assert [e["event"] for e in project.audit.entries()] == ["project.init"]


def test_a_model_known_to_convert_wrongly_is_not_registered(project, leave):
    model = LinearDiscriminantAnalysis().fit(X, X[:, 0] > 0)
    with pytest.raises(NotExportable, match="use a logistic regression"):
        export(project, leave(model, X, "binary"), name="demand", exporter=exporter)
    assert not (project.models / "demand").exists()


@pytest.mark.parametrize("file", ["model.skops", "holdout.parquet"])
def test_a_changed_input_is_refused(project, leave, file):
    folder = leave(Ridge().fit(X, X[:, 0]), X)
    (folder / file).write_bytes((folder / file).read_bytes() + b"x")
    with pytest.raises(BadInput, match="is not the file that was saved"):
        export(project, folder, name="demand", exporter=exporter)


def test_without_held_out_rows_nothing_can_be_proven(project, leave):
    with pytest.raises(BadInput, match="holds no row"):
        export(project, leave(Ridge().fit(X, X[:, 0]), X[:0]), name="demand", exporter=exporter)


def test_a_model_that_no_exporter_reads_is_refused(project, tmp_path):
    papers(4, family="forest", files={"model.bin": FileHash(sha256="0" * 64, size_bytes=1)}).write(tmp_path / "model.json")
    with pytest.raises(NotExportable, match=r"exporters read .*model\.skops") as caught:
        export(project, tmp_path, name="demand")
    assert caught.value.what == "no exporter reads a model of the family 'forest'"


def test_the_exporter_is_found_by_the_file_it_reads(project, leave):
    assert export(project, leave(Ridge().fit(X, X[:, 0]), X), name="demand").versions["skl2onnx"]


def test_classes_that_the_model_was_not_fitted_on_are_refused(project, leave):
    model = LogisticRegression().fit(X, (X[:, 0] > 0).astype(int))
    with pytest.raises(ParityFailed, match="2 probabilities for 3 classes"):
        export(project, leave(model, X, "multiclass"), name="response", exporter=exporter)


def test_a_model_of_the_train_step_goes_all_the_way(project, tmp_path):
    import pyarrow as pa

    from workbench.experiments import evaluate, fit, prepare, save

    random = np.random.default_rng(0)
    n = 600
    rows = pa.table({
        "brand": random.choice(["National", "Private"], n), "price": random.gamma(2, 2, n),
        "level": random.gamma(3, 3, n) + 0.5, "id": np.arange(n),
    })  # fmt: skip
    units = rows["level"].to_numpy() * (2 + (rows["brand"].to_numpy() == "Private")) + random.normal(size=n)
    prepared = prepare(rows.append_column("units", pa.array(units)), target="units", scale="level", ids=["id"])
    fitted = fit(prepared, family="linear", seed=1)
    save(fitted, evaluate(fitted, prepared), tmp_path / "model")
    export(project, tmp_path / "model", name="demand", exporter=exporter)
    scored = load(project, "demand").predict(rows)
    assert scored["prediction"].to_numpy() == pytest.approx(fitted.predict(rows), rel=1e-5, abs=1e-5)
