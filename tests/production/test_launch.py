"""Real runs of real notebooks: each starts a child process and a kernel."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.conftest import hears_ctrl_c
from workbench.errors import BadInput, UnknownName
from workbench.production.executor import Tail
from workbench.production.launch import run
from workbench.production.results import MIME
from workbench.project import look
from workbench.records.run import State

pytestmark = pytest.mark.slow

BODY = """
from workbench import production
production.seed_everything(seed)
production.record("twice", weeks * 2, unit="weeks", headline=True)
(production.folder() / "table.txt").write_text("x" * weeks)
production.artifact("table", production.folder() / "table.txt")
"""


def test_a_run_leaves_a_folder_that_tells_everything(project, template):
    template("hello", "weeks: int = 8  # how far back [4..52]\nseed: int = 0  # random seed", BODY)
    record = run(project, "hello", parameter={"weeks": "9"})
    folder = project.runs / record.run_id
    assert (record.state, record.parameters, record.seed) == (State.DONE, {"weeks": 9, "seed": 0}, 0)
    assert (record.headline.shown(), record.artifact("table").size_bytes) == ("18 weeks", 9)
    assert (record.cells_done, record.cells_total, record.actor) == (5, 5, "ana")
    assert sorted(p.name for p in folder.iterdir()) == [
        "environment.txt",
        "events.jsonl",
        "input.ipynb",
        "log.txt",
        "output.ipynb",
        "record.json",
        "table.txt",
    ]
    assert (folder / "input.ipynb").read_bytes() == (project.root / "templates" / "hello.ipynb").read_bytes()
    states = [e["state"] for e in map(json.loads, (folder / "events.jsonl").read_text().splitlines()) if e["event"] == "run"]
    assert states == ["running", "done"]
    outputs = [o for c in json.loads((folder / "output.ipynb").read_text())["cells"] for o in c.get("outputs", ())]
    assert sum(MIME in o["data"] for o in outputs) == 2
    assert [e["event"] for e in project.audit.entries()] == ["project.init", "run.start", "run.finish"]


def test_equal_runs_have_one_key_and_another_parameter_another(project, template):
    template("hello", "weeks: int = 8  # how far back\nseed: int = 0  # random seed", BODY)
    keys = [run(project, "hello", parameter={"weeks": w}).run_key for w in ("8", "8", "9")]
    assert keys[0] == keys[1] != keys[2]


def test_a_wrong_parameter_starts_nothing(project, template):
    template("hello", "weeks: int = 8  # how far back [4..52]", BODY)
    with pytest.raises(BadInput):
        run(project, "hello", parameter={"weeks": "99"})
    with pytest.raises(UnknownName):
        run(project, "hello", parameter={"wekes": "9"})
    assert not project.runs.exists()


def test_a_failing_cell_is_kept_with_its_source_and_traceback(project, template):
    template("broken", "x: int = 0  # divide by it", "1 / x")
    failure = run(project, "broken").failure
    assert (failure.name, failure.message, failure.source, failure.cell) == (
        "ZeroDivisionError",
        "division by zero",
        "1 / x",
        4,
    )
    assert "\x1b" not in "".join(failure.traceback)


def test_a_users_mistake_inside_a_notebook_shows_its_letter(project, template):
    template("lost", "x: int = 0  # nothing", "from workbench.project import find\nfind(explicit='/nowhere')")
    failure = run(project, "lost").failure
    assert failure.name == "UnknownName"
    assert failure.traceback[-1].endswith("fix: workbench init /nowhere")


def test_a_kernel_that_dies_is_a_failed_run_and_says_so(project, template):
    template("dies", "x: int = 0  # nothing", "import os\nos.kill(os.getpid(), 9)")
    record = run(project, "dies")
    assert (record.state, record.failure.name) == (State.FAILED, "DeadKernelError")
    assert "ran out of memory" in record.failure.message


def test_the_working_directory_is_the_project(project, template):
    template(
        "where", "x: int = 0  # nothing", "from workbench import production\nimport os\nproduction.record('cwd', os.getcwd())"
    )
    assert run(project, "where").figures[0].value == str(project.root)


def start_and_kill(project, wait_for):
    """Start the template 'sleeps' in the background and give its folder once `wait_for` stands in its events."""
    command = [sys.executable, "-m", "workbench", "--project", str(project.root), "production", "run", "sleeps"]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=hears_ctrl_c)
    for _ in range(600):
        folders = list(project.runs.glob("*-sleeps-*"))
        events = folders[0] / "events.jsonl" if folders else None
        if events and events.exists() and wait_for in events.read_text():
            return child, folders[0]
        time.sleep(0.1)
    raise AssertionError("the run did not start")


def kernels(folder):
    """The processes that carry this run's folder in their environment."""
    needle = f"WORKBENCH_RUN_FOLDER={folder}".encode()
    found = []
    for environment in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if needle in environment.read_bytes():
                found.append(int(environment.parent.name))
    return found


def gone(folder, seconds=15):
    for _ in range(seconds * 10):
        if not kernels(folder):
            return True
        time.sleep(0.1)
    return False


def test_a_run_that_is_killed_is_lost_at_the_next_look_and_leaves_no_kernel(project, template):
    template("sleeps", "x: int = 0  # nothing", "import time\ntime.sleep(120)")
    launcher, folder = start_and_kill(project, '"index": 4, "state": "running"')
    os.kill(look(folder).process.pid, signal.SIGKILL)
    launcher.wait(30)
    assert launcher.returncode == 3
    assert look(folder).state is State.LOST
    assert gone(folder)


def test_ctrl_c_cancels_the_run_and_leaves_no_kernel(project, template):
    template("sleeps", "x: int = 0  # nothing", "import time\ntime.sleep(120)")
    launcher, folder = start_and_kill(project, '"index": 4, "state": "running"')
    launcher.send_signal(signal.SIGINT)
    assert launcher.wait(30) == 3
    record = look(folder)
    assert (record.state, record.failure.cell) == (State.CANCELLED, 4)
    assert gone(folder)


def test_two_runs_at_once_do_not_meet(project, template):
    template("hello", "weeks: int = 8  # how far back\nseed: int = 0  # random seed", BODY)
    records = []
    threads = [
        threading.Thread(target=lambda w=w: records.append(run(project, "hello", parameter={"weeks": w}))) for w in ("5", "6")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(r.figures[0].value for r in records) == [10, 12]
    assert [f.outcome for f in project.audit.verify()] == ["pass"]


def test_a_tail_gives_only_whole_lines(tmp_path):
    path = tmp_path / "e.jsonl"
    tail = Tail(path)
    assert list(tail.new()) == []
    path.write_text('{"a": 1}\n{"b"')
    assert list(tail.new()) == [{"a": 1}]
    path.write_text('{"a": 1}\n{"b": 2}\n')
    assert list(tail.new()) == [{"b": 2}]
