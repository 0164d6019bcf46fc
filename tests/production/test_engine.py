"""The papermill engine `workbench`, called by papermill itself as a scheduler would."""

import json
import subprocess
import sys

import pytest

from workbench.production.runs import runs
from workbench.records.run import RunRecord, State

pytestmark = pytest.mark.slow

BODY = "from workbench import production\nproduction.record('twice', 2 * weeks, headline=True)\nprint('said')\nweeks"


def papermill(folder, *words):
    command = [sys.executable, "-m", "papermill", *words, "--no-progress-bar"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


def meaning(path):
    """What an executed notebook says, without times and ids."""
    cells = json.loads(path.read_text())["cells"]
    return [
        (
            c["cell_type"],
            c["source"],
            [{k: v for k, v in o.items() if k != "metadata"} for o in c.get("outputs", ())],
            c["metadata"].get("papermill", {}).get("status"),
        )
        for c in cells
    ]


def test_any_scheduler_that_calls_papermill_leaves_our_record_in_the_project(project, template):
    path = template("hello", "weeks: int = 8  # weeks [4..52]", BODY)
    done = papermill(project.root, "--engine", "workbench", str(path), str(project.root / "out.ipynb"), "-p", "weeks", "9")
    assert done.returncode == 0, done.stderr
    (record,) = runs(project).runs
    assert (record.state, record.parameters, record.headline.value, record.template) == (State.DONE, {"weeks": 9}, 18, "hello")
    assert (
        json.loads((project.runs / record.run_id / "input.ipynb").read_text())["cells"][1]["source"]
        == "weeks: int = 8  # weeks [4..52]"
    )


def test_outside_a_project_the_record_lies_beside_the_output(tmp_path, template):
    path = template("hello", "weeks: int = 8  # weeks [4..52]", BODY)
    done = papermill(tmp_path, "--engine", "workbench", str(path), "out.ipynb", "-p", "weeks", "99")
    assert done.returncode == 0, done.stderr
    record = RunRecord.load(next(tmp_path.glob("*-hello-*/record.json")))
    assert (record.state, [f.outcome for f in record.findings]) == (State.DONE, ["warn"])
    assert "less than or equal to 52" in record.findings[0].message


@pytest.mark.parametrize("wrong", [("weeks", "99"), ("wekes", "9")])
def test_inside_a_project_a_wrong_parameter_is_refused_before_a_kernel_starts(project, template, wrong):
    path = template("hello", "weeks: int = 8  # weeks [4..52]", BODY)
    done = papermill(project.root, "--engine", "workbench", str(path), "out.ipynb", "-p", *wrong)
    assert (done.returncode, project.runs.exists()) == (1, False)
    assert "fix: workbench production show hello" in done.stderr


def test_the_executed_notebook_is_that_of_the_stock_engine(project, template):
    path = template("hello", "weeks: int = 8  # weeks [4..52]", BODY, "1 / 0")
    for engine, out in (("nbclient", "stock.ipynb"), ("workbench", "ours.ipynb")):
        assert papermill(project.root, "--engine", engine, str(path), out).returncode == 1
    assert meaning(project.root / "ours.ipynb") == meaning(project.root / "stock.ipynb")
    (record,) = runs(project).runs
    assert (record.state, record.failure.name) == (State.FAILED, "ZeroDivisionError")


def test_every_template_of_ours_runs_with_plain_papermill_as_far_as_its_first_cell():
    """Stock papermill reads the parameters cell: nothing in it may need our engine."""
    from workbench.production.templates import packaged

    for path in packaged("templates").glob("*.ipynb"):
        done = subprocess.run([sys.executable, "-m", "papermill", "--help-notebook", str(path)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_the_engine_is_light_to_import():
    """papermill loads every registered engine: ours must not make it slower, nor load what only a run needs."""
    code = (
        "import sys, papermill.engines; before = set(sys.modules); import workbench.production.engine;"
        "print(sorted(m for m in set(sys.modules) - before if not m.startswith('workbench')))"
        "; print(sorted(m for m in sys.modules if m.startswith('workbench')))"
    )
    added, ours = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    assert added == "[]"
    assert ours == "['workbench', 'workbench.production', 'workbench.production.engine']"
