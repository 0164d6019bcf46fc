"""Your own file the whole way through the real command line: register, confirm, train, export, score.

Three data sets that have nothing to do with the sample, one for each task. The figures are exact to four digits where they
are counts of the split, and ranges where a new version of scikit-learn or torch may move them.
"""

import json
import subprocess
import sys
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

pytestmark = pytest.mark.slow


def workbench(folder, *words, exits=0):
    """What `workbench … --json` prints, once it ended with the code that was expected."""
    command = [sys.executable, "-m", "workbench", *map(str, words), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    assert done.returncode == exits, done.stdout + done.stderr
    return json.loads(done.stdout)


def run(root, template, *, exits=0, **parameters):
    """The record of a run, with its figures and findings by name."""
    words = [word for name, value in parameters.items() for word in ("-p", f"{name}={value}")]
    record = workbench(root, "production", "run", template, *words, exits=exits)
    figures = {f["name"]: f["value"] for f in record["figures"]}
    findings = {f["check"]: f["outcome"] for f in record["findings"]}
    return SimpleNamespace(record=record, state=record["state"], figures=figures, findings=findings)


def left(done, name):
    """The path of an artifact from the project's folder, which is how the next run is told of it."""
    (path,) = (a["path"] for a in done.record["artifacts"] if a["name"] == name)
    return f".workbench/runs/{done.record['run_id']}/{path}"


def registered(root, file):
    """The dataset of a file, put into force."""
    drafted = workbench(root, "access", "register", file)
    assert (drafted["dataset"], drafted["status"], drafted["kept"]) == (file.stem, "draft", False)
    assert workbench(root, "access", "confirm", file.stem)["contract"]["status"] == "active"
    return drafted


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A CSV with a yes/no target, a Parquet file with three classes as text, a CSV with a number to predict."""
    folder = tmp_path_factory.mktemp("files")
    tumours = load_breast_cancer(as_frame=True).frame.rename(columns=lambda name: name.replace(" ", "_"))
    tumours.to_csv(folder / "tumours.csv", index=False)
    tumours.drop(columns="target").to_parquet(folder / "patients.parquet", index=False)
    wine = load_wine(as_frame=True)
    wine.frame.assign(target=wine.target_names[wine.target]).to_parquet(folder / "wine.parquet", index=False)
    load_diabetes(as_frame=True, scaled=False).frame.to_csv(folder / "progress.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A project made on the command line, without the sample."""
    folder = tmp_path_factory.mktemp("own")
    assert workbench(folder, "init", "my")["datasets"] == 0
    return folder / "my"


@pytest.fixture(scope="module")
def tumours(files, root):
    return registered(root, files / "tumours.csv")


def test_a_misspelt_choice_is_refused_before_anything_runs(root, tumours):
    refused = workbench(
        root, "production", "run", "train", "-p", "dataset=tumours", "-p", "target=target", "-p", "family=lineer", exits=2
    )
    assert refused["error"] == {
        "what": "'train' cannot run with these parameters",
        "why": "family = 'lineer': it should be 'linear', 'histgb' or 'mlp'",
        "fix": "workbench production show train",
    }
    assert not list((root / ".workbench").glob("runs/*"))


def test_a_run_that_fails_ends_with_3_and_names_what_is_wrong(root, tumours):
    failed = run(root, "train", dataset="tumours", target="diagnosis", exits=3)
    assert failed.state == "failed"
    assert failed.record["failure"]["name"] == "UnknownName"
    assert "no column named 'diagnosis'" in failed.record["failure"]["message"]


@pytest.fixture(scope="module")
def linear(root, tumours):
    return run(root, "train", dataset="tumours", target="target", family="linear")


def test_a_binary_target_is_learnt_and_beats_the_share_of_its_classes(linear, tumours):
    assert tumours["profile"]["rows"] == 569
    assert linear.state == "done"
    assert [linear.figures[f"rows_{split}"] for split in ("train", "validate", "test")] == [370, 86, 113]
    assert linear.figures["baseline_pr_auc"] == pytest.approx(71 / 113)
    assert 0.99 <= linear.figures["test_pr_auc"] <= 1
    assert linear.figures["verdict"] == "model"
    assert set(linear.findings.values()) == {"pass"}


def test_its_export_is_proven_and_scores_rows_that_have_no_target(root, files, linear):
    exported = run(root, "export", trained=left(linear, "model"), name="tumours")
    assert exported.figures["largest_difference"] < 1e-6
    assert {check: exported.findings[f"export.parity.{check}"] for check in ("held_out", "missing", "plus_infinity")} == {
        "held_out": "pass",
        "missing": "pass",
        "plus_infinity": "not_applicable",  # scikit-learn refuses infinity, so there is nothing to compare with
    }
    assert {f["outcome"] for f in workbench(root, "export", "verify", "tumours")["findings"]} == {"pass"}

    registered(root, files / "patients.parquet")
    score = run(root, "score", model="tumours", dataset="patients")
    scores = pq.read_table(root / left(score, "scores"))
    assert score.figures["rows"] == scores.num_rows == 569
    assert scores.schema.field("probability").type in (pa.float32(), pa.float64())
    assert 0.60 <= score.figures["mean_score"] <= 0.65  # 357 of 569 are 1


@pytest.mark.parametrize(
    ("file", "family", "task", "metric", "baseline", "low", "high", "most"),
    [
        pytest.param("wine.parquet", "linear", "multiclass", "accuracy", 14 / 36, 0.94, 1, 1e-6, id="classes, scikit-learn"),
        pytest.param("progress.csv", "mlp", "regression", "wape", 44.28, 26, 30, 1e-3, id="a number, torch"),
    ],
)
def test_the_task_is_told_from_the_target_learnt_and_proven(root, files, file, family, task, metric, baseline, low, high, most):
    registered(root, files / file)
    dataset = file.partition(".")[0]
    trained = run(root, "train", dataset=dataset, target="target", family=family)
    assert json.loads((root / left(trained, "model") / "model.json").read_text())["task"] == task
    assert trained.figures[f"baseline_{metric}"] == pytest.approx(baseline, abs=0.005)
    assert low <= trained.figures[f"test_{metric}"] <= high
    assert trained.figures["verdict"] == "model"
    exported = run(root, "export", trained=left(trained, "model"), name=dataset)
    assert exported.findings["export.parity.held_out"] == "pass"
    # a network takes infinity and must stay equal on it; scikit-learn refuses it, so there is nothing to compare
    assert exported.findings["export.parity.plus_infinity"] == ("pass" if family == "mlp" else "not_applicable")
    assert exported.figures["largest_difference"] < most


def test_all_of_it_is_in_the_audit_log_whose_chain_holds(root, linear):
    assert {f["outcome"] for f in workbench(root, "audit", "verify")["findings"]} == {"pass"}
    events = {line[2] for line in workbench(root, "audit", "list", "--limit", 500)["lines"]}
    assert {"project.init", "access.register", "access.confirm", "access.read", "run.start", "run.finish"} <= events
