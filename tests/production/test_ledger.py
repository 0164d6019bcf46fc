"""The ledger: decisions that exactly one wins, and an index that folders can always rebuild."""

import multiprocessing
from datetime import UTC, datetime

import pytest

from workbench.machine import this_process
from workbench.production.call_key import recorded_call_key
from workbench.production.ledger import Ledger
from workbench.records.run import RunRecord, State


def put(project, name, **fields):
    """A run's folder with a record."""
    given = {"state": State.DONE, "run_key": "k", "accepted": True} | fields
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    record = RunRecord(
        run_id=f"20261122T120000Z-t-{name:>08}", template="t", template_sha256="c", actor="ana", created=now, **given
    )
    record.write(project.runs / record.run_id / "record.json")
    return record


def dead():
    return this_process().model_copy(update={"started": 1.0})


def ids(ledger, **asked):
    return [run_id[-8:].lstrip("0") for run_id in ledger.ids(**asked)]


def test_of_two_equal_results_the_first_is_accepted_for_ever(project):
    ledger = Ledger(project)
    first, second = (put(project, name, state=State.RUNNING, accepted=None, process=this_process()) for name in "ab")
    assert [ledger.accept(one, "call") for one in (first, second, first)] == [True, False, True]
    assert ledger.accepted_runs("call") == [first.run_id]


def test_another_generation_accepts_another_result(project):
    ledger = Ledger(project)
    assert ledger.next_generation("call") == 1
    assert ledger.accept(put(project, "a"), "call")
    assert ledger.next_generation("call") == 2
    assert ledger.accept(put(project, "b", generation=2), "call")
    assert [run_id[-1] for run_id in ledger.accepted_runs("call")] == ["b", "a"]


def test_a_holder_that_died_before_it_wrote_its_record_has_accepted_nothing(project):
    ledger = Ledger(project)
    assert ledger.accept(put(project, "a", state=State.RUNNING, accepted=None, process=dead()), "call")
    assert ledger.accept(put(project, "b", state=State.RUNNING, accepted=None, process=this_process()), "call")


def test_a_holder_whose_folder_was_removed_gives_its_place_away(project):
    ledger = Ledger(project)
    gone = put(project, "a")
    assert ledger.accept(gone, "call")
    for path in (project.runs / gone.run_id).iterdir():
        path.unlink()
    (project.runs / gone.run_id).rmdir()
    assert ledger.accept(put(project, "b", state=State.RUNNING, accepted=None, process=this_process()), "call")


def accept_in_another_process(project, record, start, answers):
    start.wait()
    answers.put(Ledger(project).accept(record, "call"))


def test_of_eight_processes_that_finish_at_once_one_is_accepted(project):
    records = [put(project, str(i), state=State.RUNNING, accepted=None, process=this_process()) for i in range(8)]
    context = multiprocessing.get_context("fork")
    start, answers = context.Event(), context.SimpleQueue()
    started = [context.Process(target=accept_in_another_process, args=(project, r, start, answers)) for r in records]
    for process in started:
        process.start()
    start.set()
    for process in started:
        process.join()
    assert sorted(answers.get() for _ in records) == [False] * 7 + [True]


def test_a_deleted_ledger_is_built_anew_from_the_folders(project):
    ledger = Ledger(project)
    record = put(project, "a", environment_sha256="e")
    put(project, "b", state=State.FAILED, accepted=None, sweep="s", position=3, attempt=2)
    ledger.note(record, recorded_call_key(record))
    assert ids(ledger) == ["b", "a"]
    before = list(ledger.places("s"))
    ledger.file.path.unlink()
    assert (ids(ledger), list(ledger.places("s"))) == (["b", "a"], before)
    assert ledger.accepted_runs(recorded_call_key(record)) == [record.run_id]
    assert not ledger.accept(put(project, "c", state=State.RUNNING, accepted=None), "call")


@pytest.mark.parametrize("garbage", [b"", b"no database", b"SQLite format 3\0" + b"x" * 200])
def test_a_ledger_that_is_no_database_is_built_anew(project, garbage):
    ledger = Ledger(project)
    put(project, "a")
    ledger.file.path.write_bytes(garbage)
    assert ids(ledger) == ["a"]


def test_folders_that_come_and_go_by_hand_are_noticed(project):
    ledger = Ledger(project)
    put(project, "a")
    assert ids(ledger) == ["a"]
    copied = put(project, "b", generation=2)
    assert ids(ledger) == ["b", "a"]
    for path in (project.runs / copied.run_id).iterdir():
        path.unlink()
    (project.runs / copied.run_id).rmdir()
    assert ids(ledger) == ["a"]
    assert ledger.find("0b") == []


def test_a_run_is_found_by_its_end_and_no_sign_is_a_wildcard(project):
    ledger = Ledger(project)
    put(project, "a1")
    put(project, "b1")
    assert [len(ledger.find(end)) for end in ("1", "a1", "_1", "%", "A1", "'")] == [2, 1, 0, 0, 0, 0]


def test_runs_are_listed_by_template_and_state(project):
    ledger = Ledger(project)
    put(project, "a")
    put(project, "b", state=State.FAILED)
    assert ids(ledger, states=(State.FAILED,)) == ["b"]
    assert ids(ledger, template="other") == []


def test_a_position_is_claimed_by_one_and_free_again_when_its_owner_is_gone(project):
    ledger = Ledger(project)
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()

    def claim():
        answers.put(ledger.claim("s", 7))

    child = context.Process(target=claim)
    child.start()
    child.join()
    assert answers.get() is True
    assert ledger.claim("s", 7) is True  # the child is gone
    child = context.Process(target=claim)
    child.start()
    child.join()
    assert answers.get() is False  # this process lives
    ledger.release("s", 7)
    assert ledger.claim("s", 7)


@pytest.mark.parametrize(("silent_s", "free"), [(5.0, False), (-5.0, True)])
def test_a_claim_of_another_host_is_taken_over_when_its_lease_is_over(project, silent_s, free):
    import sqlite3
    import time

    ledger = Ledger(project)
    assert ledger.claim("s", 0)
    elsewhere = this_process().model_copy(update={"host": "elsewhere"}).model_dump_json()
    with sqlite3.connect(ledger.file.path) as db:
        db.execute("UPDATE claims SET owner = ?, lease_until = ?", (elsewhere, time.time() + silent_s))
    assert ledger.claim("s", 0) is free


def test_setting_the_clock_takes_no_claim_from_a_living_owner(project):
    import sqlite3

    ledger = Ledger(project)
    assert ledger.claim("s", 0)
    parent = this_process()
    with sqlite3.connect(ledger.file.path) as db:
        db.execute("UPDATE claims SET lease_until = 0.0")  # as after a jump of fifty years
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()
    child = context.Process(target=lambda: answers.put((this_process() != parent, ledger.claim("s", 0))))
    child.start()
    child.join()
    assert answers.get() == (True, False)


def test_a_position_whose_run_still_goes_on_is_not_claimed_though_the_ledger_was_lost(project):
    ledger = Ledger(project)
    put(project, "a", state=State.RUNNING, accepted=None, sweep="s", position=0, process=this_process())
    assert ledger.claim("s", 0) is False
    put(project, "b", state=State.RUNNING, accepted=None, sweep="s", position=1, process=dead())
    ledger.file.rebuild()
    assert ledger.claim("s", 1) is True


def test_reconcile_names_the_runs_whose_process_is_gone(project):
    ledger = Ledger(project)
    put(project, "a", state=State.RUNNING, accepted=None, process=dead())
    put(project, "b", state=State.RUNNING, accepted=None, process=this_process())
    assert [record.run_id[-1] for record in ledger.reconcile()] == ["a"]
    assert ids(ledger, states=(State.LOST,)) == ["a"]
    assert ledger.reconcile() == []


def test_a_done_attempt_decides_a_place_whatever_came_after(project):
    ledger = Ledger(project)
    put(project, "a", state=State.DONE, sweep="s", position=0, attempt=1)
    put(project, "b", state=State.LOST, accepted=None, sweep="s", position=0, attempt=2)
    put(project, "c", state=State.FAILED, accepted=None, sweep="s", position=1, attempt=1)
    put(project, "d", state=State.LOST, accepted=None, sweep="s", position=1, attempt=2)
    ledger.file.rebuild()
    assert [(p.position, p.state.value, p.run_id[-1], p.attempts) for p in ledger.places("s")] == [
        (0, "done", "a", 2),
        (1, "lost", "d", 2),
    ]
