"""Real worker processes on one project. Their runs take no kernel: each appends a line that says who ran it, and for when."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from tests.conftest import hears_ctrl_c
from tests.production.schedules.conftest import write_schedule
from workbench.production.schedules.manage import pause, unpause, unschedule
from workbench.project import Project
from workbench.project.worker import alive_worker

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
EVERY_SECOND = {"cron": "* * * * * *"}  # seconds come first; only a record may have six fields

# clock.txt says by how many seconds the clock of this process is wrong
WORKER = """
import logging, os, sys, time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tests.production.schedules.conftest import ended_run
from workbench.production.schedules.worker import Worker
from workbench.project import open_project

root, run_s, lease_s = Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
wrong = root / "clock.txt"

def clock():
    return datetime.now(UTC) + timedelta(seconds=float(wrong.read_text()) if wrong.exists() else 0)

def run(project, schedule):
    with open(root / "ran.txt", "a") as file:
        file.write(f"{os.getpid()}\\n")
    time.sleep(run_s)
    return ended_run(f"by-{os.getpid()}")

logging.basicConfig(level=logging.INFO)
Worker(replace(open_project(root), clock=clock), run=run, lease_s=lease_s, tick_s=0.2).work(standby=True)
"""


@contextmanager
def worker(project, *, run_s=0.0, lease_s=30.0):
    """A worker that stands by while another is the owner. Its log is `.log`."""
    command = [sys.executable, "-c", WORKER, str(project.root), str(run_s), str(lease_s)]
    path = project.root / f"worker-{time.monotonic_ns()}.log"
    with open(path, "wb") as log:
        child = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, preexec_fn=hears_ctrl_c)
    child.log = path
    try:
        yield child
    finally:
        child.send_signal(signal.SIGCONT)
        child.kill()
        child.wait()


def eventually(what, seconds=30.0):
    """What `what` returns once it is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"did not come true in {seconds:g} s")


@pytest.fixture
def real(project: Project) -> Project:
    """The project by the real clock."""
    return replace(project, clock=lambda: datetime.now(UTC))


def owner(project):
    found = alive_worker(project)
    return found and found.process.pid


def lines(project, event, name="nightly"):
    path = project.state / "schedules" / f"{name}.jsonl"
    raw = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    return [line for line in map(json.loads, (r for r in raw if r.endswith(b"\n"))) if line["event"] == event]


def fired_by(project):
    return [(line["due"], line["process"]["pid"]) for line in lines(project, "fired")]


def audited(project, event):
    return [e["facts"] for e in project.audit.entries() if e["event"] == event]


def nothing_twice(project):
    """Each due time was claimed once, and nothing ran that was not claimed (who is killed may have claimed and not run)."""
    due = [due for due, _ in fired_by(project)]
    assert len(due) == len(set(due))
    assert len((project.root / "ran.txt").read_text().split()) <= len(due)


def test_of_two_workers_one_runs_everything_once(real):
    write_schedule(real, **EVERY_SECOND)
    with worker(real) as one, worker(real) as two:
        eventually(lambda: len(fired_by(real)) >= 4)
        assert (one.poll(), two.poll()) == (None, None)
        assert {pid for _, pid in fired_by(real)} == {owner(real)}
    nothing_twice(real)
    due = [datetime.fromisoformat(due) for due, _ in fired_by(real)]
    assert all((b - a).total_seconds() > 0.9 for a, b in pairwise(due))


def test_a_killed_owner_is_replaced_in_seconds_and_nothing_runs_twice(real):
    write_schedule(real, **EVERY_SECOND)
    with worker(real) as one, worker(real) as two:
        first = eventually(lambda: owner(real))
        eventually(lambda: len(fired_by(real)) >= 2)
        second = two.pid if first == one.pid else one.pid
        os.kill(first, signal.SIGKILL)
        killed = time.monotonic()
        eventually(lambda: second in {pid for _, pid in fired_by(real)})
        assert time.monotonic() - killed < 15  # far less than the lease of 30 s
    nothing_twice(real)
    assert [f["why"] for f in audited(real, "worker.takeover")] == ["its process is gone"]


def test_an_owner_that_slept_loses_the_lease_and_runs_nothing_when_it_wakes(real):
    write_schedule(real, **EVERY_SECOND)
    with worker(real, lease_s=2) as one, worker(real, lease_s=2) as two:
        first = eventually(lambda: owner(real))
        sleeper, other = (one, two) if first == one.pid else (two, one)
        eventually(lambda: len(fired_by(real)) >= 2)
        sleeper.send_signal(signal.SIGSTOP)
        eventually(lambda: other.pid in {pid for _, pid in fired_by(real)})
        so_far = len(fired_by(real))
        sleeper.send_signal(signal.SIGCONT)
        eventually(lambda: "another worker has taken over" in sleeper.log.read_text())
        eventually(lambda: len(fired_by(real)) >= so_far + 3)
        assert {pid for _, pid in fired_by(real)[so_far:]} == {other.pid}
        assert sleeper.poll() is None  # it stands by
    nothing_twice(real)
    assert audited(real, "worker.takeover")[0]["why"] == "its lease ran out"


def test_what_was_going_when_the_owner_was_killed_is_told_as_lost_and_the_next_one_runs(real):
    told = "sh -c 'cat >> told.jsonl'"
    write_schedule(real, **EVERY_SECOND, on_failure=told)
    with worker(real, run_s=60) as one:
        (first,) = eventually(lambda: fired_by(real))
        one.kill()
    with worker(real):
        eventually(lambda: len(lines(real, "ended")) >= 2)
        (event,) = eventually(lambda: [json.loads(x) for x in (real.root / "told.jsonl").read_text().splitlines()])
    assert (event["state"], datetime.fromisoformat(event["due"])) == ("lost", datetime.fromisoformat(first[0]))
    nothing_twice(real)


def test_changes_of_the_files_are_noticed_while_the_worker_runs(real):
    with worker(real):
        eventually(lambda: owner(real))
        write_schedule(real, **EVERY_SECOND)
        eventually(lambda: fired_by(real))
        pause(real, "nightly")
        eventually(lambda: alive_worker(real).next_schedule == "")
        rested = len(fired_by(real))
        time.sleep(2)
        assert len(fired_by(real)) == rested
        unpause(real, "nightly")
        eventually(lambda: len(fired_by(real)) > rested)
        unschedule(real, "nightly")
        eventually(lambda: alive_worker(real).schedules == 0)
    nothing_twice(real)
    assert lines(real, "missed") == []  # neither before it was there nor while it was paused


def test_a_clock_that_is_set_ahead_by_days_and_back_again_starts_one_run(real):
    write_schedule(real, cron=f"{(datetime.now(UTC).minute + 30) % 60} * * * *")
    with worker(real):
        eventually(lambda: owner(real))
        (real.root / "clock.txt").write_text(str(3 * 86400))
        eventually(lambda: lines(real, "ended"))
        assert [line["count"] for line in lines(real, "missed")] == [71]
        (real.root / "clock.txt").write_text("0")
        time.sleep(2)
    assert len(fired_by(real)) == 1


def test_sigterm_lets_what_is_going_end_and_gives_the_schedules_free(real):
    write_schedule(real, **EVERY_SECOND)
    with worker(real, run_s=2) as one:
        eventually(lambda: fired_by(real))
        one.send_signal(signal.SIGINT)
        eventually(lambda: owner(real) is None)
        one.wait(30)
    assert [line["state"] for line in lines(real, "ended")] == ["done"]
    assert audited(real, "worker.stop") == [{}]
    nothing_twice(real)
