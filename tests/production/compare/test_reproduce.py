"""Real runs that are run again: each starts two kernels."""

import json
from dataclasses import replace

import pytest

from tests.production.compare.conftest import cell, stream
from workbench.cli.show import exit_code
from workbench.errors import BadInput
from workbench.findings import Outcome
from workbench.production.compare.bundle import bundle
from workbench.production.compare.changes import Change
from workbench.production.compare.checks import OutputCheck
from workbench.production.compare.reproduce import ReproduceReport, reproduce
from workbench.production.compare.values import Verdict
from workbench.production.compare.verify import verify
from workbench.production.launch import run
from workbench.project import init, look, open_project
from workbench.records.run import Input, RunRecord, State

PARAMETERS = "from pathlib import Path\n\ndata: Path = 'in.csv'  # what to read\nseed: int = 0  # random seed"
BODY = """
import json, os, random, sys
from pathlib import Path
from workbench import production
production.seed_everything(seed)
rows = Path(data).read_text().split()
print(object(), production.folder(), sorted(set(rows), key=hash))
print("warned", file=sys.stderr)
production.record("rows", len(rows))
production.record("chance", random.random(), headline=True)
(production.folder() / "table.json").write_text(json.dumps({"rows": rows, "folder": str(production.folder())}))
production.artifact("table", production.folder() / "table.json")
"""
CLOCK = """
import os, sys, time
from workbench import production
production.record("clock", time.time())
production.record("near", 1 + os.getpid() * 1e-15)
print(os.getpid())
print(os.getpid(), file=sys.stderr)
"""


@pytest.fixture
def ran(project, template, monkeypatch):
    """A run of a template that is determined by what it stands on, with a hash seed that is not the default one."""
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    (project.root / "in.csv").write_text("ada bob cyd dan eve fay gil hal")
    template("sure", PARAMETERS, BODY)
    done = run(project, "sure")
    monkeypatch.delenv("PYTHONHASHSEED")
    return done


@pytest.mark.slow
def test_a_run_that_is_determined_comes_out_identical_though_its_template_is_gone(project, ran):
    (project.root / "templates" / "sure.ipynb").unlink()
    found = reproduce(project, ran.run_id[-8:])
    assert found.verdict == "identical"
    assert {f.outcome for f in found.findings} == {Outcome.PASS}
    assert {(c.kind, c.name) for c in found.checks} == {
        ("ending", "ending"),
        ("figure", "rows"),
        ("figure", "chance"),
        ("artifact", "table"),
        ("cell", "cell 4 stdout"),
        ("cell", "cell 4 stderr"),
        ("cell", "cell 4 text/plain"),
    }
    folder = project.runs / found.reproduced_by
    again = RunRecord.load(folder / "record.json")
    assert (again.reproduces, again.hash_seed, again.parameters) == (ran.run_id, "7", ran.parameters)
    assert again.generation > look(project.runs / ran.run_id).generation
    assert ReproduceReport.load(folder / "reproduction.json") == found
    assert (folder / "diff.html").read_text().startswith("<!doctype html>")
    assert found.page == f".workbench/runs/{found.reproduced_by}/diff.html"
    (line,) = (e["facts"] for e in project.audit.entries() if e["event"] == "production.reproduce")
    assert line == {"run": ran.run_id, "by": found.reproduced_by, "verdict": "identical"}


@pytest.mark.slow
def test_changed_data_are_named_as_the_cause(project, ran):
    (project.root / "in.csv").write_text("ada bob")
    found = reproduce(project, ran.run_id)
    assert [c.name for c in found.causes if c.section == "data"] == ["in.csv"]
    assert {c.name for c in found.different} == {"rows", "table", "cell 4 stdout"}
    assert exit_code(found, "fail") == 1
    (rows,) = (f for f in found.findings if f.message.startswith("rows"))
    assert (rows.message, rows.fix) == ("rows: 8 → 2 (-6, -75 %)", "see the changes above")


@pytest.mark.slow
def test_what_nothing_determines_is_different_and_the_same_failure_is_the_same(project, template):
    template("clock", "seed: int = 0  # random seed", CLOCK, "1 / seed")
    found = reproduce(project, run(project, "clock").run_id, tolerance=1e-10)
    assert {c.name for c in found.different} == {"clock", "cell 4 stdout"}
    assert found.checks[0].a == found.checks[0].b == "failed in cell 6: ZeroDivisionError: division by zero"
    outcomes = {f.message.partition(":")[0]: f.outcome for f in found.findings}
    assert outcomes == {
        "ending": Outcome.PASS,
        "clock": Outcome.FAIL,
        "near": Outcome.INFO,
        "cell 4 stdout": Outcome.FAIL,
        "cell 4 stderr": Outcome.WARN,
        "cell 6 error": Outcome.PASS,
    }
    assert [c.section for c in found.causes] in ([], ["environment"])  # a checkout that somebody edits meanwhile
    assert "/cells/4/outputs" in found.text


@pytest.mark.slow
def test_a_bundle_is_run_again_in_another_project(project, ran, tmp_path):
    path = bundle(project, ran.run_id, to=tmp_path).path
    init(tmp_path / "other")
    other = replace(open_project(tmp_path / "other"), actor="eve")
    found = verify(path, rerun=True, project=other.root)
    assert found.holds
    assert {f.outcome for f in found.findings} == {Outcome.PASS}
    assert found.page == f".workbench/runs/{found.reproduced_by}/diff.html"
    again = look(other.runs / found.reproduced_by)
    assert (again.state, again.reproduces) == (State.DONE, ran.run_id)
    assert (other.root / str(again.parameters["data"])).read_text() == (project.root / "in.csv").read_text()


def test_a_difference_without_a_cause_says_where_to_look():
    def report(*causes):
        check = OutputCheck(kind="figure", name="x", verdict=Verdict.DIFFERENT, a="1", b="2")
        return ReproduceReport(
            run_id="a", reproduced_by="b", tolerance=1e-9, checks=(check,), causes=causes, page="diff.html", text=""
        )

    assert "a clock, a random number without a seed" in report().findings[0].fix
    found = report(Change(section="environment", name="numpy", a="2.0", b="2.1"))
    assert found.findings[0].fix == "see the changes above"
    assert ("changed since", "environment") in found.view().facts
    assert found.view().rows == (("environment", "numpy", "2.0", "2.1"),)


def test_a_run_without_an_ending_of_its_own_is_refused(project, make):
    for end, state in (("aaaaaaaa", State.RUNNING), ("bbbbbbbb", State.LOST), ("cccccccc", State.CANCELLED)):
        make(end, cell("print(1)", stream("1")), record={"state": state})
        with pytest.raises(BadInput, match="cannot be reproduced"):
            reproduce(project, end)
    assert len(list(project.runs.iterdir())) == 3


def test_a_run_whose_data_are_gone_is_refused_before_anything_starts(project, make):
    make(
        "aaaaaaaa",
        record={"inputs": (Input(name="gone.csv", sha256="0"), Input(name="people", sha256="0", contract_version="1"))},
    )
    with pytest.raises(BadInput, match="cannot be reproduced here") as refused:
        reproduce(project, "aaaaaaaa")
    assert refused.value.why == "it read gone.csv, people, and that is not there any more"
    assert json.loads(project.state.joinpath("audit.jsonl").read_text().splitlines()[-1])["event"] == "project.init"
