"""The driver of a sweep, with an executor that ends runs as the test says: what is tried again, what is left, what is kept."""

import threading
from concurrent.futures import Future
from datetime import UTC, datetime

import pytest

from tests.conftest import code, write_notebook
from workbench.errors import MachineError
from workbench.production.interface import Executor, RunRef
from workbench.production.ledger import Ledger
from workbench.production.notebook import read_notebook
from workbench.production.runs import CANCEL
from workbench.production.sweeps.design import Axis, Design
from workbench.production.sweeps.drive import Driver
from workbench.production.sweeps.report import report
from workbench.production.sweeps.spec import Sweep, SweepFolder
from workbench.project import look
from workbench.records.run import Failure, FailureKind, Figure, RunRecord, State

CELL = Failure(kind=FailureKind.CELL, cell=1, source="x", name="ValueError", message="no")
DIED = Failure(kind=FailureKind.INFRASTRUCTURE, cell=1, source="x", name="DeadKernelError", message="died")
LIMIT = Failure(kind=FailureKind.LIMIT, cell=1, source="x", name="RunTimeout", message="slow")


class Scripted(Executor):
    """Ends each run at once: `script(position, attempt)` gives a Failure, a State, or an error to raise."""

    def __init__(self, project, script):
        self.project, self.script = project, script
        self.executed, self.held, self.cancelled = [], {}, []

    def submit(self, spec):
        folder = self.project.runs / spec.run_id
        record = RunRecord.load(folder / "record.json")
        ending = self.script(record.position, record.attempt)
        self.executed.append((record.position, record.attempt))
        future = Future()
        if ending is None:
            self.held[spec.run_id] = (future, folder, record)
        elif isinstance(ending, Exception):
            future.set_exception(ending)
        else:
            self.end(future, folder, record, ending)
        return future

    def end(self, future, folder, record, ending):
        failure = ending if isinstance(ending, Failure) else None
        state = State.FAILED if failure else ending
        figures = (Figure(name="score", value=float(record.position), headline=True),)
        now = datetime.now(UTC)
        record.model_copy(update={"state": state, "failure": failure, "figures": figures, "finished": now}).write(
            folder / "record.json"
        )
        future.set_result(RunRef(run_id=record.run_id, state=state))

    def cancel(self, run_id):
        self.cancelled.append(run_id)
        self.end(*self.held.pop(run_id), State.CANCELLED)

    def shutdown(self, wait=True, *, cancel_futures=False):
        pass


@pytest.fixture
def sweep(project, monkeypatch):
    """`sweep(4, retries=1)` makes the folder of a sweep with that many points."""
    monkeypatch.setattr("workbench.production.sweeps.drive.BACK_OFF_S", 0.01)
    monkeypatch.setattr("workbench.production.sweeps.drive.FOREIGN_S", 0.01)

    def make(count, **fields):
        folder = SweepFolder(project, "20261122T120000Z-t-00000000")
        write_notebook(folder.path / "template.ipynb", code("n: int = 0", "parameters"), code("print(n)"))
        given = {"workers": 2, "fresh": True} | fields
        Sweep(
            sweep_id=folder.path.name,
            template="t",
            template_sha256=read_notebook(folder.path / "template.ipynb").code_sha256,
            design=Design(form="grid", axes=(Axis(name="n", values=tuple(range(count))),), count=count),
            actor="ana",
            created=datetime(2026, 11, 22, tzinfo=UTC),
            **given,
        ).write(folder.path / "spec.json")
        return folder

    return make


def drive(project, folder, script, **more):
    executor = Scripted(project, script)
    Driver(project, folder, executor, workers=folder.spec.workers, **more).drive()
    return executor


def states(project, folder):
    return [(p.position, p.state.value, p.attempts) for p in Ledger(project).places(folder.path.name)]


def test_every_point_runs_once(project, sweep):
    folder = sweep(5)
    executor = drive(project, folder, lambda *_: State.DONE)
    assert executor.executed == [(i, 1) for i in range(5)]
    assert states(project, folder) == [(i, "done", 1) for i in range(5)]
    assert report(project, folder).state is State.DONE


@pytest.mark.parametrize(
    ("ending", "retry_on", "tries"),
    [
        (CELL, (), 1),
        (CELL, ("ValueError",), 3),
        (LIMIT, (), 1),
        (LIMIT, ("RunTimeout",), 3),
        (DIED, (), 3),
        (State.LOST, (), 3),
    ],
)
def test_what_the_machine_broke_is_tried_again_and_an_error_only_by_name(project, sweep, ending, retry_on, tries):
    folder = sweep(1, retries=2, retry_on=retry_on)
    executor = drive(project, folder, lambda *_: ending)
    assert executor.executed == [(0, n) for n in range(1, tries + 1)]


def test_a_try_that_succeeds_ends_the_trying(project, sweep):
    folder = sweep(1, retries=5)
    drive(project, folder, lambda _, attempt: State.DONE if attempt == 2 else DIED)
    assert states(project, folder) == [(0, "done", 2)]


def test_resume_does_what_is_open_and_nothing_that_is_done(project, sweep):
    folder = sweep(4, retries=0)
    drive(project, folder, lambda position, _: {0: State.DONE, 1: CELL, 2: DIED, 3: State.CANCELLED}[position])
    again = drive(project, folder, lambda *_: State.DONE)
    assert again.executed == [(2, 1), (3, 1)]  # an error of the notebook would only come again
    last = drive(project, folder, lambda *_: State.DONE, failed=True)
    assert last.executed == [(1, 1)]


def test_a_run_that_a_person_cancelled_is_left_alone(project, sweep):
    folder = sweep(1)

    def cancelled(position, attempt):
        (run,) = project.runs.iterdir()
        (run / CANCEL).touch()
        return State.CANCELLED

    drive(project, folder, cancelled)
    assert drive(project, folder, lambda *_: State.DONE).executed == []
    assert drive(project, folder, lambda *_: State.DONE, failed=True).executed == [(0, 1)]


def test_a_full_disk_stops_the_sweep_and_says_so(project, sweep):
    folder = sweep(8)
    full = MachineError("cannot write x", why="the disk is full", fix="free some space")
    executor = Scripted(project, lambda position, _: full if position == 3 else State.DONE)
    with pytest.raises(MachineError, match="the disk is full"):
        Driver(project, folder, executor, workers=1).drive()
    assert len(executor.executed) == 4
    rest = drive(project, folder, lambda *_: State.DONE)
    assert [position for position, _ in rest.executed] == list(range(3, 8))


def test_cancelling_a_sweep_stops_its_runs_and_starts_no_more(project, sweep):
    folder = sweep(9)
    executor = Scripted(project, lambda *_: None)
    driver = threading.Thread(target=Driver(project, folder, executor, workers=2).drive)
    driver.start()
    while len(executor.held) < 2:
        pass
    folder.cancelled.touch()
    driver.join(10)
    assert (len(executor.cancelled), [p for p, _ in executor.executed]) == (2, [0, 1])
    assert report(project, folder).state is State.CANCELLED


def test_a_point_that_waits_for_another_try_is_free_again_when_the_driver_ends(project, sweep, monkeypatch):
    monkeypatch.setattr("workbench.production.sweeps.drive.BACK_OFF_S", 60.0)
    folder = sweep(2)
    executor = Scripted(project, lambda position, _: DIED if position == 0 else None)
    driver = threading.Thread(target=Driver(project, folder, executor, workers=1).drive)
    driver.start()
    while not executor.held:
        pass
    folder.cancelled.touch()
    driver.join(10)
    folder.cancelled.unlink()
    assert drive(project, folder, lambda *_: State.DONE).executed == [(0, 1), (1, 1)]  # in the same process


def test_two_drivers_share_a_queue_and_run_each_point_once(project, sweep):
    folder = sweep(10)
    executors = [Scripted(project, lambda *_: State.DONE) for _ in range(2)]
    threads = [threading.Thread(target=Driver(project, folder, e, workers=2).drive) for e in executors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    done = [position for e in executors for position, _ in e.executed]
    assert set(done) == set(range(10))
    assert report(project, folder).states == {"done": 10}


def test_a_run_folder_that_vanishes_is_run_again(project, sweep):
    import shutil

    folder = sweep(2)
    drive(project, folder, lambda *_: State.DONE)
    gone = next(iter(Ledger(project).places(folder.path.name)))
    shutil.rmtree(project.runs / gone.run_id)
    assert report(project, folder).states == {"done": 1, "queued": 1}
    Ledger(project).reconcile()
    assert drive(project, folder, lambda *_: State.DONE).executed == [(gone.position, 1)]


def test_the_frozen_template_is_used_whatever_becomes_of_the_file(project, sweep):
    folder = sweep(1)
    drive(project, folder, lambda *_: State.DONE)
    (run,) = project.runs.iterdir()
    assert (run / "input.ipynb").read_bytes() == (folder.path / "template.ipynb").read_bytes()
    assert look(run).template_sha256 == folder.spec.template_sha256


def test_the_best_run_is_a_finished_one(project, sweep):
    from workbench.production.sweeps.spec import Goal

    folder = sweep(3, goal=Goal(figure="score", direction="minimize"), retries=0)
    drive(project, folder, lambda position, _: CELL if position == 0 else State.DONE)
    found = report(project, folder, keep=True)
    assert next(row.position for row in found.rows if row.run_id == found.best) == 1
    lines = (folder.path / "results.csv").read_text().splitlines()
    assert (lines[0], len(lines)) == ("position,run,state,cached,attempts,seconds,problem,n,score", 4)
    assert "<svg" in (folder.path / "report.html").read_text()
