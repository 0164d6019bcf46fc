"""A saved model is the same model, in equal bytes for an equal seed, and a changed file is never opened."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.errors import BadInput, UnknownName
from workbench.experiments import evaluate, fit, load, prepare, save
from workbench.records.files import sha256_file
from workbench.records.model import TrainedModel

RNG = np.random.default_rng(2)
DATA = pa.table({"a": RNG.normal(size=400), "kind": RNG.choice(["x", "y"], 400), "t": RNG.integers(0, 2, 400)})
FAMILIES = ("linear", "histgb", "mlp")


def trained(family: str, folder: Path) -> tuple[TrainedModel, np.ndarray]:
    prepared = prepare(DATA, target="t")
    fitted = fit(prepared, family=family, seed=5)
    return save(fitted, evaluate(fitted, prepared), folder, datasets={"shop": "ab12"}), fitted.predict(DATA)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_loaded_model_predicts_the_very_same(family: str, tmp_path: Path):
    _, expected = trained(family, tmp_path)
    loaded = load(tmp_path)
    np.testing.assert_array_equal(loaded.predict(DATA), expected)
    assert loaded.holdout.equals(prepare(DATA, target="t").part("test").table)


@pytest.mark.parametrize("family", FAMILIES)
def test_equal_seeds_give_equal_bytes(family: str, tmp_path: Path):
    first, _ = trained(family, tmp_path / "a")
    second, _ = trained(family, tmp_path / "b")
    assert first == second
    assert sha256_file(tmp_path / "a") == sha256_file(tmp_path / "b")


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_equal_seeds_give_equal_bytes_in_another_process(family: str, tmp_path: Path):
    pq.write_table(DATA, tmp_path / "data.parquet")
    code = (
        "import sys, pyarrow.parquet as pq; from workbench.experiments import evaluate, fit, prepare, save\n"
        "p = prepare(pq.read_table(sys.argv[1]), target='t'); f = fit(p, family=sys.argv[2], seed=5)\n"
        "save(f, evaluate(f, p), sys.argv[3], datasets={'shop': 'ab12'})"
    )
    arguments = [str(tmp_path / "data.parquet"), family, str(tmp_path / "there")]
    subprocess.run([sys.executable, "-c", code, *arguments], check=True, cwd=Path(__file__).parents[2])
    trained(family, tmp_path / "here")
    assert sha256_file(tmp_path / "here") == sha256_file(tmp_path / "there")


def test_the_papers_name_data_files_and_figures(tmp_path: Path):
    record, _ = trained("linear", tmp_path)
    assert TrainedModel.load(tmp_path / "model.json") == record
    assert record.datasets == {"shop": "ab12"}
    assert set(record.files) == {"model.skops", "holdout.parquet"}
    assert record.files["model.skops"].sha256 == sha256_file(tmp_path / "model.skops")
    assert record.evaluation("test") is not None


@pytest.mark.parametrize("name", ["model.skops", "holdout.parquet"])
def test_a_changed_file_is_refused_before_it_is_opened(name: str, tmp_path: Path):
    trained("linear", tmp_path)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes() + b" ")
    with pytest.raises(BadInput, match="not the file that was saved"):
        load(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path):
    trained("mlp", tmp_path)
    (tmp_path / "model.pt").unlink()
    with pytest.raises(BadInput, match=r"model\.pt is missing"):
        load(tmp_path)


def test_a_folder_without_papers_holds_no_model(tmp_path: Path):
    with pytest.raises(UnknownName, match="no trained_model"):
        load(tmp_path)


def test_no_file_is_a_pickle(tmp_path: Path):
    trained("histgb", tmp_path)
    names = zipfile.ZipFile(tmp_path / "model.skops").namelist()
    assert {Path(name).suffix for name in names} == {".npy", ".json"}
