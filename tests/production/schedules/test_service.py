"""One schedule served in this process, by a clock that is set by hand."""

import json
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from tests.production.schedules.conftest import MIDNIGHT, ended_run, write_schedule
from workbench.errors import BadInput, MachineError
from workbench.findings import Finding, Outcome
from workbench.production.schedules.history import History
from workbench.production.schedules.manage import pause, unpause
from workbench.production.schedules.service import Service
from workbench.records.run import Failure, Process, State

GONE = Process(host="elsewhere", boot_id="b", pid=1, started=1.0)


def events(project, *kinds):
    path = project.state / "schedules" / "nightly.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [line for line in lines if line["event"] in kinds]


def told(project):
    """What the command of `tells` was given, in order."""
    path = project.root / "told.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


TELLS = "sh -c 'cat >> told.jsonl'"
TELLS_ALL = {"on_finish": TELLS, "on_failure": TELLS, "on_late": TELLS}


def test_it_runs_at_its_time_and_not_again(service, clock, runs, clocked):
    nightly = service(**TELLS_ALL)
    clock.on(hours=3, seconds=-1)
    nightly.serve()
    assert runs.at == []
    clock.on(seconds=2)
    nightly.serve()
    nightly.serve()
    clock.on(hours=5)
    nightly.serve()
    assert runs.at == [MIDNIGHT + timedelta(hours=3, seconds=1)]
    (ended,) = events(clocked, "ended")
    assert (ended["run"], ended["state"], ended["due"]) == ("run-1", "done", "2026-11-23T03:00:00Z")
    (event,) = told(clocked)
    assert (event["event"], event["schedule"], event["run"], event["due"]) == (
        "finish",
        "nightly",
        "run-1",
        "2026-11-23T03:00:00+00:00",
    )
    assert [e["event"] for e in clocked.audit.entries()] == ["project.init", "schedule.fire"]


def test_after_days_without_a_worker_one_run_is_made_up_for_and_the_others_are_told(service, clock, runs, clocked):
    nightly = service(**TELLS_ALL)
    clock.on(days=4, hours=12)
    nightly.serve()
    assert len(runs.at) == 1
    assert [(e["first"], e["last"], e["count"]) for e in events(clocked, "missed")] == [
        ("2026-11-23T03:00:00Z", "2026-11-26T03:00:00Z", 4)
    ]
    assert [(e["due"], e["why"]) for e in events(clocked, "fired")] == [("2026-11-27T03:00:00Z", "made up")]
    assert [e["event"] for e in told(clocked)] == ["late", "finish"]
    assert told(clocked)[0]["why"] == "4 due times passed without a run, the first at 2026-11-23 03:00 UTC"
    clock.on(hours=1)
    nightly.serve()
    assert len(runs.at) == 1
    assert "schedule.missed" in [e["event"] for e in clocked.audit.entries()]


def test_so_many_are_made_up_for_as_was_asked(service, clock, runs):
    nightly = service(catch_up=3)
    clock.on(days=9, hours=12)
    nightly.serve()
    assert len(runs.at) == 3


def test_none_is_made_up_for_when_none_was_asked(service, clock, runs, clocked):
    nightly = service(catch_up=0)
    clock.on(days=1, hours=12)
    nightly.serve()
    assert runs.at == []
    clock.now = datetime(2026, 11, 25, 3, 0, 5, tzinfo=UTC)
    nightly.serve()
    assert len(runs.at) == 1


def test_a_clock_that_jumps_forward_by_a_year_starts_one_run(service, clock, runs):
    every_minute = service(cron="* * * * *")
    clock.on(days=365)
    every_minute.serve()
    every_minute.serve()
    assert len(runs.at) == 1


def test_a_clock_that_is_put_back_starts_nothing_twice(service, clock, runs, clocked):
    hourly = service(cron="0 * * * *")
    fired = []
    for _ in range(6):
        clock.on(hours=1)
        hourly.serve()
    assert len(runs.at) == 6
    clock.on(hours=-4)  # the same hours come again
    hourly.watching = clock.now
    for _ in range(4):
        clock.on(hours=1)
        hourly.serve()
    assert len(runs.at) == 6
    clock.on(hours=1)
    hourly.serve()
    fired = [e["due"] for e in events(clocked, "fired")]
    assert len(fired) == len(set(fired)) == 7


def test_a_clock_that_was_ahead_for_a_while_does_not_put_a_schedule_to_sleep(service, clock, runs):
    hourly = service(cron="0 * * * *")
    clock.on(hours=1)
    hourly.serve()
    clock.on(days=365)
    hourly.serve()
    clock.on(days=-365)
    hourly.serve()
    clock.on(hours=1)
    hourly.serve()
    assert len(runs.at) == 3


def test_a_schedule_made_while_the_clock_was_ahead_runs_once_it_is_right(clocked, clock, runs):
    clock.on(days=365)
    write_schedule(clocked, cron="0 * * * *")
    clock.on(days=-365)
    hourly = Service(clocked, "nightly", clock.now, run=runs)
    clock.on(hours=1)
    hourly.serve()
    assert len(runs.at) == 1


@pytest.mark.parametrize("day", [datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC)])
def test_a_night_in_which_the_clocks_change_has_one_run(clocked, clock, runs, day):
    clock.now = day - timedelta(hours=6)
    write_schedule(clocked, cron="30 2 * * *", tz="Europe/Berlin")
    nightly = Service(clocked, "nightly", clock.now, run=runs)
    for _ in range(24 * 6):  # from 18:00 UTC on, a look every 10 minutes
        clock.on(minutes=10)
        nightly.serve()
    assert len(runs.at) == 1


def test_what_is_due_while_the_run_before_is_going_is_skipped_and_told_once(service, clock, runs, clocked):
    hourly = service(cron="0 * * * *", on_late=TELLS)

    def hours_pass():
        runs.during = lambda: None
        for _ in range(3):
            clock.on(hours=1)
            Service(clocked, "nightly", clock.now, run=runs).serve()

    runs.during = hours_pass
    clock.on(hours=1)
    hourly.serve()
    assert len(runs.at) == 1
    assert len(events(clocked, "skipped")) == 3
    assert [(e["event"], e["why"]) for e in told(clocked)] == [("late", "the run before it is still going")]
    clock.on(hours=1)
    hourly.serve()
    assert len(runs.at) == 2


def test_a_failed_run_is_told_without_the_words_of_its_error(clocked, clock):
    write_schedule(clocked, on_finish=TELLS, on_failure=TELLS, parameters={"token": "hush"})
    failure = Failure(cell=4, source="connect('hush')", name="ConnectionError", message="hush was refused")

    def breaks(_project, _schedule):
        return ended_run("r", State.FAILED, failure=failure)

    clock.on(hours=3)
    Service(clocked, "nightly", MIDNIGHT, run=breaks).serve()
    (event,) = told(clocked)
    assert (event["event"], event["state"], event["why"]) == ("failure", "failed", "ConnectionError in cell 4")
    assert "hush" not in (clocked.root / "told.jsonl").read_text()
    assert "hush" not in (clocked.state / "schedules" / "nightly.jsonl").read_text()


def test_a_run_with_a_failing_finding_is_told_as_a_failure(clocked, clock):
    write_schedule(clocked, on_finish=TELLS, on_failure=TELLS)
    finding = Finding(check="c", outcome=Outcome.FAIL, message="the figure is out of its range")
    clock.on(hours=3)
    Service(clocked, "nightly", MIDNIGHT, run=lambda *_: ended_run("r", findings=(finding,))).serve()
    assert [(e["event"], e["state"], e["why"]) for e in told(clocked)] == [("failure", "done", "1 findings fail")]


@pytest.mark.parametrize(
    ("error", "why"), [(BadInput("there is no data", why="w", fix="f"), "there is no data"), (ValueError("x"), "ValueError")]
)
def test_a_run_that_does_not_come_about_is_a_failure_and_the_next_one_is_tried(clocked, clock, error, why):
    write_schedule(clocked, on_failure=TELLS)

    def breaks(_project, _schedule):
        raise error

    nightly = Service(clocked, "nightly", MIDNIGHT, run=breaks)
    for _ in range(2):
        clock.on(hours=3)
        nightly.serve()
        clock.on(hours=21)
    assert [e["why"] for e in told(clocked)] == [why, why]
    assert [e["state"] for e in events(clocked, "ended")] == ["failed", "failed"]


def test_a_paused_schedule_rests_and_nothing_of_that_time_is_missed(service, clock, runs, clocked):
    nightly = service()
    pause(clocked, "nightly")
    clock.on(days=3)
    nightly.serve()
    unpause(clocked, "nightly")
    nightly.serve()
    assert (runs.at, events(clocked, "missed")) == ([], [])
    clock.on(hours=3)
    nightly.serve()
    assert len(runs.at) == 1


def test_a_person_can_fire_it_at_any_time_but_not_twice_at_once(service, clock, runs, clocked):
    nightly = service(**TELLS_ALL)
    clock.on(hours=1)

    def again():
        runs.during = lambda: None
        with pytest.raises(BadInput, match="is running already"):
            Service(clocked, "nightly", clock.now, run=runs).fire()

    runs.during = again
    assert nightly.fire().run_id == "run-1"
    assert [(e["due"], e["why"]) for e in events(clocked, "fired")] == [(None, "asked")]
    assert [e["event"] for e in told(clocked)] == ["finish"]
    clock.on(hours=2)
    nightly.serve()
    assert len(runs.at) == 2  # it was not the one that is due at three


def test_a_run_that_takes_too_long_is_told_as_late_once(service, clock, runs, clocked):
    nightly = service(on_late=TELLS, late_after_s=600)

    def time_passes():
        for _ in range(4):
            clock.on(minutes=5)
            nightly.tend()

    runs.during = time_passes
    clock.on(hours=3)
    nightly.serve()
    assert [(e["event"], e["why"]) for e in told(clocked)] == [("late", "it has not ended 900 s after it was due")]


def test_a_run_that_ended_too_late_between_two_looks_is_late_too(service, clock, runs, clocked):
    nightly = service(on_late=TELLS, late_after_s=600)
    runs.during = lambda: clock.on(minutes=30)
    clock.on(hours=3)
    nightly.serve()
    assert [e["event"] for e in told(clocked)] == ["late"]


def claimed_by(project, process, clock):
    history = History(project.state / "schedules" / "nightly.jsonl")
    due = MIDNIGHT + timedelta(hours=3)
    with history.locked():
        history.append("fired", time=clock.now, key=due.isoformat(), due=due, why="due", process=process)


def test_what_a_killed_worker_had_begun_is_told_as_lost_and_not_run_again(service, clock, runs, clocked):
    nightly = service(**TELLS_ALL)
    clock.on(hours=3)
    claimed_by(clocked, GONE, clock)
    nightly.alive = lambda process: process != GONE
    nightly.tend()
    nightly.serve()
    assert runs.at == []
    assert [(e["event"], e["state"], e["why"]) for e in told(clocked)] == [("failure", "lost", "its worker is gone")]


def test_the_run_that_a_killed_worker_had_begun_is_told_as_it_ended(service, clock, runs, clocked):
    nightly = service(**TELLS_ALL)
    clock.on(hours=3)
    claimed_by(clocked, GONE, clock)
    nightly.alive = lambda process: process != GONE
    run_id = "20261123T030001Z-t-12345678"
    record = ended_run(run_id, schedule="nightly").model_copy(update={"created": clock.now, "state": State.RUNNING})
    record.write(clocked.runs / run_id / "record.json")
    nightly.tend()
    clock.on(days=1)
    nightly.serve()
    assert len(events(clocked, "skipped")) == 1  # it has not ended yet
    record.model_copy(update={"state": State.CANCELLED}).write(clocked.runs / run_id / "record.json")
    nightly.tend()
    assert [(e["run"], e["state"]) for e in events(clocked, "ended")] == [(run_id, "cancelled")]
    clock.on(days=1)
    nightly.serve()
    assert len(runs.at) == 1


def test_of_a_process_on_another_host_one_day_is_waited_for_a_sign(service, clock, runs, clocked):
    nightly = service()
    clock.on(hours=3)
    claimed_by(clocked, GONE, clock)
    nightly.tend()
    assert events(clocked, "ended") == []
    clock.on(hours=25)
    nightly.tend()
    assert [e["state"] for e in events(clocked, "ended")] == ["lost"]


def test_two_services_of_one_schedule_run_each_due_time_once(service, clock, runs, clocked):
    one, other = service(), Service(clocked, "nightly", MIDNIGHT, run=runs)
    for _ in range(5):
        clock.on(hours=24)
        one.serve()
        other.serve()
    assert len(runs.at) == 5


def test_who_lost_the_lease_claims_nothing(service, clock, runs):
    @contextmanager
    def lost():
        raise MachineError("lost", why="w", fix="f")
        yield

    nightly = service()
    nightly.fence = lost
    clock.on(hours=3)
    with pytest.raises(MachineError):
        nightly.serve()
    assert runs.at == []


class FullDisk(History):
    """A history on a disk that is full while `full`."""

    full = False

    def append(self, event, **facts):
        if self.full:
            raise MachineError(f"cannot write {self.path}", why="the disk is full", fix="free some space")
        return super().append(event, **facts)


def test_an_ending_that_a_full_disk_refuses_is_told_at_once_and_written_later(service, clock, runs, clocked):
    nightly = service(**TELLS_ALL)
    nightly.history = FullDisk(nightly.history.path)

    def disk_fills():
        nightly.history.full = True

    runs.during = disk_fills
    clock.on(hours=3)
    nightly.fire()
    assert [e["event"] for e in told(clocked)] == ["finish"]
    assert events(clocked, "ended") == []
    nightly.history.full = False
    nightly.tend()
    assert [e["run"] for e in events(clocked, "ended")] == ["run-1"]
    assert [e["event"] for e in told(clocked)] == ["finish"]


def test_a_claim_that_a_full_disk_refuses_runs_nothing_and_is_tried_again(service, clock, runs):
    nightly = service()
    nightly.history = FullDisk(nightly.history.path)
    nightly.history.full = True
    clock.on(hours=3)
    with pytest.raises(MachineError):
        nightly.serve()
    assert runs.at == []
    nightly.history.full = False
    nightly.serve()
    assert len(runs.at) == 1
