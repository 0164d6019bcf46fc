"""Handles whose work is done in sight: no kernel, no process."""

import threading
import time
from datetime import UTC, datetime

import pytest

from workbench.errors import BadInput, MachineError, RunFailed
from workbench.production.handles.run import RunHandle
from workbench.production.handles.screens import Screen
from workbench.records.run import Failure, Figure, RunRecord, State

RUN = "20261122T120000Z-train-00000001"
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class Seen(Screen):
    """A screen that notes what it was told, and what there was to see then."""

    def __init__(self, draw, plain, stop):
        self.draw, self.plain, self.stop = draw, plain, stop
        self.lines, self.ends = [], []

    def hear(self, line):
        self.lines.append(line)

    def ended(self):
        self.ends.append(self.plain())


@pytest.fixture
def screens():
    return []


@pytest.fixture
def opens(screens):
    def open_one(*asked):
        screens.append(Seen(*asked))
        return screens[-1]

    return open_one


def write(project, state, **more):
    record = RunRecord(
        run_id=RUN, template="train", template_sha256="0" * 64, actor="ana", created=NOON, started=NOON, state=state, **more
    )
    record.write(project.runs / RUN / "record.json")
    return record


def work(until, state=State.DONE, **more):
    """A verb's work: tells of the run, waits, and ends it."""

    def do(project):
        write(project, State.RUNNING)
        project.listener({"event": "run", "run": RUN, "state": "queued"})
        project.listener({"event": "run", "run": RUN, "state": "running", "total": 5})
        assert until.wait(10)
        return write(project, state, finished=NOON, **more)

    return do


def test_a_handle_is_there_at_once_and_its_results_wait(project, opens, screens):
    end = threading.Event()
    run = RunHandle(project, opens=opens).start(work(end, figures=(Figure(name="wape", value=45.4),)))
    assert (run.id, run.state, len(screens)) == (RUN, State.RUNNING, 1)
    assert "<progress" in screens[0].draw()
    threading.Timer(0.2, end.set).start()
    assert run.figures == {"wape": 45.4}
    assert run.state is State.DONE
    assert "<progress" not in screens[0].draw()
    assert screens[0].ends == [f"run {RUN}: done"]


def test_the_screen_is_told_once_of_an_end_that_comes_before_it_opens(project, opens, screens):
    end = threading.Event()
    end.set()
    for _ in range(20):
        RunHandle(project, opens=opens).start(work(end)).wait()
    assert [screen.ends for screen in screens] == [[f"run {RUN}: done"]] * 20


def test_what_is_refused_before_it_has_a_name_is_raised_in_the_cell_and_shows_nothing(project, opens, screens):
    def refuse(_project):
        raise BadInput("no", why="because", fix="mend it")

    with pytest.raises(BadInput, match="no"):
        RunHandle(project, opens=opens).start(refuse)
    assert screens == []


def test_a_run_that_failed_raises_where_its_results_are_asked_for_and_tells_its_failure(project, opens, screens):
    end = threading.Event()
    end.set()
    failure = Failure(cell=4, source="1 / x", name="ZeroDivisionError", message="division by zero")
    run = RunHandle(project, opens=opens).start(work(end, State.FAILED, failure=failure))
    assert run.failure == failure
    for ask in (run.wait, lambda: run.figures, lambda: run.artifacts):
        with pytest.raises(RunFailed) as caught:
            ask()
        assert caught.value.what == f"the run {RUN} failed"
        assert caught.value.why == "cell 4: ZeroDivisionError: division by zero"
    assert "1 / x" in screens[0].draw()


def test_a_machine_that_broke_under_way_is_told_on_the_card_and_where_it_is_waited_for(project, opens, screens):
    def break_down(project):
        write(project, State.QUEUED)
        project.listener({"event": "run", "run": RUN, "state": "queued"})
        raise MachineError("cannot write log.txt", why="the disk is full", fix="free some space")

    run = RunHandle(project, opens=opens).start(break_down)
    with pytest.raises(MachineError, match="cannot write"):
        run.wait()
    assert run.state is State.FAILED
    assert "the disk is full" in screens[0].draw()
    assert screens[0].ends == [f"run {RUN}: failed"]


def test_a_run_that_goes_on_elsewhere_is_followed_by_its_files(project, opens):
    write(project, State.RUNNING)

    def elsewhere():
        time.sleep(0.3)
        write(project, State.DONE, finished=NOON, figures=(Figure(name="n", value=1),))

    run = RunHandle(project, RUN, opens=opens)
    assert run.state is State.RUNNING
    threading.Thread(target=elsewhere).start()
    assert run.figures == {"n": 1}


def test_to_stop_what_has_just_ended_is_no_error_on_its_card(project, opens, screens):
    end = threading.Event()
    end.set()
    run = RunHandle(project, opens=opens).start(work(end)).wait()
    screens[0].stop()
    with pytest.raises(BadInput, match="cannot be stopped"):
        run.cancel()
