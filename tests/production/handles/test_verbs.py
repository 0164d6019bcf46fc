"""Real runs, as a person starts them from Python."""

import json
import subprocess
import sys
import time

import pytest

from tests.conftest import code, write_notebook
from workbench import production
from workbench.errors import BadInput, RunFailed, UnknownName
from workbench.project import look
from workbench.records.run import State

pytestmark = pytest.mark.slow

CELL = "weeks: int = 8  # how far back [4..52]\nfamily: str = 'linear'\nseed: int = 0"
BODY = """
from workbench import production
production.record("wape", 40 + weeks + len(family), unit="%", headline=True)
(production.folder() / "table.txt").write_text("x")
production.artifact("table", production.folder() / "table.txt")
"""


def test_the_names_are_functions_also_when_modules_of_their_names_are_loaded():
    import workbench.production.pipelines.pipeline
    import workbench.production.runs  # noqa: F401

    assert [getattr(production, name).__name__ for name in ("run", "runs", "pipeline")] == ["run", "runs", "pipeline"]


def test_the_package_loads_nothing_of_weight():
    heavy = {"pydantic", "pandas", "IPython", "ipywidgets", "sqlite3"}
    program = f"import sys, workbench.production; print({heavy} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "set()\n"


def test_a_run_is_started_with_pythons_values_and_an_equal_one_is_taken_over(project, template):
    template("train", CELL, BODY)
    run = production.run("train", weeks=9, project=project)
    assert (run.figures, run.parameters["weeks"]) == ({"wape": 55}, 9)
    assert run.artifacts == {"table": run.folder / "table.txt"}
    assert json.loads(run.output.read_text())["cells"]
    again = production.run("train", parameters={"weeks": 9}, project=project.root)
    assert (again.id, again.record.reused) == (run.id, True)
    assert "taken over from an earlier, equal run" in again._repr_html_()
    assert production.runs(project=project).frame()["wape"].tolist() == [55]


def test_a_wrong_call_starts_nothing(project, template):
    template("train", CELL, BODY)
    template("timed", "timeout: int = 3\nseed: int = 0", "pass")
    with pytest.raises(UnknownName, match="did you mean 'weeks'"):
        production.run("train", weks=9, project=project)
    with pytest.raises(BadInput, match="valid integer"):
        production.run("train", weeks="9", project=project)
    with pytest.raises(BadInput, match="'timeout' may mean two things"):
        production.run("timed", timeout=5, project=project)
    with pytest.raises(UnknownName, match="no state named 'don'"):
        production.runs(state="don", project=project)
    with pytest.raises(BadInput, match="names a value twice"):
        production.sweep("train", {"weeks": [5, 5]}, project=project)
    assert not project.runs.exists()


def test_a_sweep_gives_a_frame_of_all_points_and_its_best_run(project, template):
    template("train", CELL, BODY)
    sweep = production.sweep("train", {"family": ["mlp", "linear"], "weeks": range(5, 7)}, minimize="wape", project=project)
    frame = sweep.frame()
    assert frame[["family", "weeks", "wape", "state"]].values.tolist() == [
        ["mlp", 5, 48, "done"],
        ["mlp", 6, 49, "done"],
        ["linear", 5, 51, "done"],
        ["linear", 6, 52, "done"],
    ]
    assert (sweep.best.parameters["family"], sweep.best.figures) == ("mlp", {"wape": 48})
    assert production.get(sweep.id[-8:], project=project).frame().equals(frame)
    assert "✓ train: 4 runs, 4 done" in sweep._repr_html_()


def test_a_run_can_be_stopped(project, template):
    template("sleeps", "x: int = 0", "import time\ntime.sleep(120)")
    run = production.run("sleeps", project=project)
    while run.state is State.QUEUED:
        time.sleep(0.1)
    run.cancel()
    with pytest.raises(RunFailed, match="was cancelled"):
        run.wait()
    assert run.state is State.CANCELLED


def test_a_run_that_was_started_elsewhere_is_found_and_waited_for(project, template):
    template("train", CELL, "import time\ntime.sleep(2)", BODY)
    command = [sys.executable, "-m", "workbench", "--project", str(project.root), "production", "run", "train"]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not (found := production.runs(state="running", project=project).runs):
            assert child.poll() is None
            time.sleep(0.1)
        run = production.get(found[0].run_id, project=project)
        assert run.state is State.RUNNING
        assert run.figures == {"wape": 54}
    finally:
        child.wait(30)


TWO = """
title = "Two"

[steps.fit]
template = "train"

[steps.use]
template = "score"
inputs = {table = "fit.table"}
"""


def test_a_pipeline_gives_its_steps_and_their_runs(project, template):
    template("train", CELL, BODY)
    template("score", "table: str = None\nseed: int = 0", "from workbench import production\nproduction.record('n', 1)")
    (project.root / "pipelines").mkdir(exist_ok=True)
    (project.root / "pipelines" / "two.toml").write_text(TWO)
    pipeline = production.pipeline("two", project=project)
    assert pipeline.wait().steps[["step", "status", "figure", "value"]].values.tolist()[0] == ["fit", "done", "wape", 54]
    assert pipeline.step("use").figures == {"n": 1}
    assert production.get(pipeline.id, project=project).state is State.DONE
    with pytest.raises(UnknownName):
        production.pipeline("tow", project=project)


def test_a_name_that_fits_nothing_is_answered_with_what_there_is(project):
    with pytest.raises(UnknownName, match="no run, sweep or pipeline named 'x'"):
        production.get("x", project=project)


PARENT = """
from workbench import production
child = production.run("child", data="data.csv", fresh=True)
production.record("child", child.id)
production.record("told", child.wait().figures["told"])
me = production.current()
production.record("me", me.run_id)
"""
CHILD = """
from workbench import production
me = production.current()
production.record("told", f"{me.run_id} {me.template} {me.inputs} {me.attempt} {me.folder.name} {me.project.name}")
"""


def test_a_run_that_starts_a_run_stays_itself_and_so_does_the_other(project, template):
    (project.root / "data.csv").write_text("a\n1\n")
    template("child", "from pathlib import Path\ndata: Path = 'data.csv'\nseed: int = 0", CHILD)
    template("parent", "x: int = 0", PARENT)
    run = production.run("parent", project=project)
    figures = run.figures
    child = look(project.runs / figures["child"])
    assert figures["me"] == run.id != child.run_id
    assert figures["told"] == f"{child.run_id} child {{'data': 'data.csv'}} 1 {child.run_id} {project.root.name}"
    outputs = [o for cell in json.loads(run.output.read_text())["cells"] for o in cell.get("outputs", ())]
    printed = "".join("".join(o["text"]) for o in outputs if o["output_type"] == "stream")
    assert printed.splitlines() == [f"child: running  {child.run_id}", f"child: done  {child.run_id}"]


def test_papermill_with_our_engine_tells_the_notebook_its_run(project):
    notebook = write_notebook(project.root / "t.ipynb", code("seed: int = 3", "parameters"), code(CHILD))
    command = [sys.executable, "-m", "papermill", "--engine", "workbench", str(notebook), "out.ipynb", "--no-progress-bar"]
    subprocess.run(command, cwd=project.root, check=True, capture_output=True)
    (record,) = production.runs(project=project).runs
    assert record.figures[0].value == f"{record.run_id} t {{}} 1 {record.run_id} {project.root.name}"
