"""Pipelines of real notebooks."""

import json
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from tests.conftest import hears_ctrl_c
from workbench.cli.show import exit_code
from workbench.errors import BadInput
from workbench.findings import Outcome
from workbench.production.pipelines.pipeline import pipeline
from workbench.project import look, look_pipeline
from workbench.records.pipeline import Skip
from workbench.records.run import State

pytestmark = pytest.mark.slow

MAKE = """
from workbench import production
production.record("rows", rows, headline=True)
path = production.folder() / "table.txt"
path.write_text("x" * rows)
production.artifact("table", path)
"""
COUNT = """
from pathlib import Path
from workbench import production
assert fail == 0, "asked to fail"
production.record("length", len(Path(table).read_text()), headline=True)
"""
PARAMETERS = "from pathlib import Path\ntable: Path = None  # a file\nfail: int = 0  # stop here"
FILE = """
title = "Two steps <b>"
[steps.count]
template = "count"
inputs.table = "make.table"
parameters.fail = {fail}
expect.length = {{ min = 1, max = {most}, above = "too long?" }}
[steps.make]
template = "make"
parameters.rows = 7
"""


@pytest.fixture
def two_steps(project, template):
    template("make", "rows: int = 3  # how many", MAKE)
    template("count", PARAMETERS, COUNT)

    def write(fail=0, most=7):
        (project.root / "pipelines" / "two.toml").write_text(FILE.format(fail=fail, most=most))
        return project

    return write


def test_outputs_of_one_step_are_inputs_of_the_next(two_steps):
    project = two_steps()
    events = []
    record = pipeline(replace(project, listener=events.append), "two")
    assert [(s.name, s.state, s.headline.value) for s in record.steps] == [("make", State.DONE, 7), ("count", State.DONE, 7)]
    assert record.state is State.DONE
    assert [(f.check, f.outcome) for f in record.findings] == [("count.length", Outcome.PASS)]
    count = look(project.runs / record.steps[1].run_id)
    assert [i.sha256 for i in count.inputs] == [look(project.runs / record.steps[0].run_id).artifacts[0].sha256]
    assert [e["step"] for e in events if e["event"] == "step" and e["state"] == "running"] == ["make", "count"]
    page = (project.root / record.report).read_text()
    assert "Two steps &lt;b&gt;" in page
    assert "<b>" not in page


def test_a_figure_outside_its_range_is_a_finding_with_its_hint(two_steps):
    record = pipeline(two_steps(most=5), "two")
    assert record.state is State.DONE
    assert [(f.outcome, f.message) for f in record.findings] == [(Outcome.FAIL, "7, expected 1 to 5: too long?")]


def test_it_stops_at_the_first_failure_and_goes_on_from_there_after_a_mend(two_steps):
    project = two_steps(fail=1)
    failed = pipeline(project, "two")
    assert (failed.state, failed.failure.name, failed.failure.message) == (State.FAILED, "AssertionError", "asked to fail")
    assert "assert fail == 0" in failed.failure.source
    assert failed.view().next == ("workbench production pipeline two --from count",)
    assert "asked to fail" in (project.root / failed.report).read_text()
    mended = pipeline(two_steps(fail=0), "two", from_="count")
    assert [(s.state, s.reused) for s in mended.steps] == [(State.DONE, True), (State.DONE, False)]
    assert mended.steps[0].run_id == failed.steps[0].run_id


def test_what_ran_before_is_not_run_again_but_for_effects_and_fresh(project, template):
    template("make", "rows: int = 3  # how many", MAKE)
    template("count", PARAMETERS, COUNT)
    tells = template("tell", "n: int = 0  # nothing", "print(n)")
    tells.write_text(tells.read_text().replace('"parameters"', '"parameters", "workbench:effects"'))
    (project.root / "pipelines" / "p.toml").write_text(
        "[steps.make]\ntemplate = 'make'\n[steps.count]\ntemplate = 'count'\ninputs.table = 'make.table'\n"
        "expect.length = { min = 1, max = 2 }\n[steps.tell]\ntemplate = 'tell'"
    )

    def run(**asked):
        record = pipeline(project, "p", **asked)
        return record, {s.name for s in record.steps if s.reused}

    first, reused = run()
    assert reused == set()
    second, reused = run()
    assert reused == {"make", "count"}
    assert [s.run_id for s in second.steps[:2]] == [s.run_id for s in first.steps[:2]]
    assert [s.status for s in second.steps] == ["done (earlier)", "done (earlier)", "done"]
    assert [f.outcome for f in second.findings] == [Outcome.FAIL]  # what is expected is compared anew
    with open(project.runs / first.steps[0].run_id / "output.ipynb", "a") as notebook:
        notebook.write("\n")  # it is not what it was: make has to run again
    third, reused = run()
    assert reused == {"count"}  # the same table, now under another path
    assert third.steps[1].run_id == first.steps[1].run_id
    assert [e["facts"]["run"] for e in project.audit.entries() if e["event"] == "run.cached"][-1] == first.steps[1].run_id
    _, reused = run(fresh=True)
    assert reused == set()


def test_a_sweep_hands_on_its_best_run_and_a_gate_that_closes_is_a_finding(project, template):
    template("make", "rows: int = 3  # how many", MAKE)
    template("count", PARAMETERS, COUNT)
    (project.root / "pipelines" / "p.toml").write_text("""
        [steps.make]
        template = "make"
        sweep.grid.rows = [2, 5]
        sweep.maximize = "rows"
        [steps.count]
        template = "count"
        inputs.table = "make.best.table"
        require = ["make.rows > 4"]
        [steps.ship]
        template = "count"
        inputs.table = "make.best.table"
        require = ["count.length > make.rows"]
    """)
    record = pipeline(project, "p", workers=2)
    make, count, ship = record.steps
    assert (make.headline.value, count.headline.value, record.state) == (5, 5, State.DONE)
    assert (ship.skipped, ship.reason) == (
        Skip.REQUIRE,
        "count.length > make.rows does not hold: count.length is 5, make.rows is 5",
    )
    assert exit_code(record, "fail") == 1
    page = (project.root / "report.html").read_text()
    assert "was not run, nor what comes after it: count.length &gt; make.rows does not hold" in page
    assert re.search(r'class="best"><td>1 · best</td>\s*<td>5</td>', page)
    again = pipeline(project, "p", workers=2)
    assert [s.status for s in again.steps] == ["done (earlier)", "done (earlier)", "skipped"]
    assert again.steps[0].run_id == make.run_id


@pytest.mark.parametrize(("asked", "says"), [({"workers": 0}, "runs nothing"), ({"fresh": True, "from_": "count"}, "at once")])
def test_options_that_make_no_sense_start_nothing(two_steps, asked, says):
    project = two_steps()
    with pytest.raises(BadInput, match=says):
        pipeline(project, "two", **asked)
    assert not (project.state / "pipelines").exists()


def test_going_on_needs_the_steps_before_to_be_done(two_steps):
    with pytest.raises(BadInput, match="cannot go on from 'count'"):
        pipeline(two_steps(), "two", from_="count")


def test_ctrl_c_cancels_the_step_and_the_pipeline_and_can_be_gone_on_from(two_steps, template):
    project = two_steps()
    template("count", PARAMETERS, "import time\ntime.sleep(120)\n" + COUNT)
    command = [sys.executable, "-m", "workbench", "--project", str(project.root), "production", "pipeline", "two"]
    pipe = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    child = subprocess.Popen(command, **pipe, preexec_fn=hears_ctrl_c)
    for _ in range(600):
        events = list(project.runs.glob("*-count-*/events.jsonl"))
        if events and '"index": 4, "state": "running"' in events[0].read_text():
            break
        time.sleep(0.1)
    child.send_signal(signal.SIGINT)
    printed = child.communicate(timeout=60)[0]
    assert (child.returncode, "cancelled; what was finished is kept" in printed) == (3, True)
    record = look_pipeline(next((project.state / "pipelines").iterdir()))
    assert [(s.name, s.state) for s in record.steps] == [("make", State.DONE), ("count", State.CANCELLED)]
    assert record.state is State.CANCELLED
    template("count", PARAMETERS, COUNT)
    assert pipeline(project, "two", from_="count").state is State.DONE


def test_a_pipeline_whose_process_was_killed_is_lost_at_the_next_look_and_its_run_ends_by_itself(two_steps, template):
    project = two_steps()
    template("make", "rows: int = 3  # how many", "import time\ntime.sleep(120)")
    command = [sys.executable, "-m", "workbench", "--project", str(project.root), "production", "pipeline", "two"]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(600):
        if list(project.runs.glob("*/events.jsonl")):
            break
        time.sleep(0.1)
    child.kill()
    child.wait()
    folder = next((project.state / "pipelines").iterdir())
    assert look_pipeline(folder).state is State.LOST
    assert json.loads((folder / "record.json").read_text())["state"] == "lost"
    (run,) = project.runs.iterdir()
    for _ in range(300):
        if look(run).state.ended:
            break
        time.sleep(0.1)
    assert (look(run).state, look(run).failure.name) == (State.CANCELLED, "StarterGone")
