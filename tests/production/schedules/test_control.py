"""The worker as a person starts and stops it, with a schedule that runs a real notebook."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.production.schedules.conftest import write_schedule
from workbench.errors import BadInput
from workbench.production.runs import runs
from workbench.production.schedules.control import worker
from workbench.production.schedules.manage import fire, schedule, schedules
from workbench.project.worker import alive_worker
from workbench.records.run import State

pytestmark = pytest.mark.slow


@pytest.fixture
def real(project, template):
    """A project by the real clock, with the template 'hello'."""
    template("hello", "weeks: int = 8  # how far back", "from workbench import production\nproduction.record('w', weeks)")
    return replace(project, clock=lambda: datetime.now(UTC))


def command(project, *words):
    whole = [sys.executable, "-m", "workbench", "--project", str(project.root), "production", *words]
    return subprocess.run(whole, capture_output=True, text=True, cwd="/")


def test_a_detached_worker_outlives_who_started_it_and_runs_what_is_due_until_it_is_stopped(real):
    write_schedule(real, "often", target="hello", cron="*/2 * * * * *", parameters={"weeks": 3})
    started = command(real, "worker", "--detach", "--json")
    assert started.returncode == 0, started.stderr
    pid = json.loads(started.stdout)["process"]["pid"]
    try:
        assert os.getsid(pid) == pid != os.getsid(0)  # no terminal's end reaches it
        assert command(real, "worker", "--detach").returncode == 2
        end = time.monotonic() + 60
        while not (done := runs(real, state=State.DONE).runs) and time.monotonic() < end:
            time.sleep(0.2)
        assert (done[0].schedule, done[0].parameters) == ("often", {"weeks": 3})
        assert schedules(real).worker == f"process {pid} on {alive_worker(real).process.host}"
    finally:
        stopped = command(real, "worker", "--stop")
    assert stopped.returncode == 0, stopped.stderr
    assert alive_worker(real) is None
    assert "running the schedules of" in (real.state / "worker.log").read_text()


def test_a_schedule_that_is_fired_by_hand_runs_anew_and_says_so(real):
    schedule(real, "hello", cron="0 6 * * 1", tz="UTC", parameter={"weeks": "5"}, timeout=50)
    first, second = fire(real, "hello"), fire(real, "hello")
    assert (first.state, first.schedule, first.parameters, first.limits.run_s) == (State.DONE, "hello", {"weeks": 5}, 50)
    assert second.run_id != first.run_id  # an equal run's result is not taken over
    assert schedules(real).schedules[0].last.startswith("done ")


def test_there_must_be_a_worker_to_stop_it_and_a_place_for_a_run(real):
    with pytest.raises(BadInput, match="no worker is alive"):
        worker(real, stop=True)
    with pytest.raises(BadInput, match="cannot run 0 at once"):
        worker(real, at_once=0)
