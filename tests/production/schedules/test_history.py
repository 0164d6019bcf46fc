import json
import threading

import pytest

from tests.conftest import NOON, as_nobody, needs_root
from workbench.errors import MachineError
from workbench.machine import this_process
from workbench.production.schedules.history import History
from workbench.records.run import State

DUE = NOON.replace(hour=3)


def fired(history, due=DUE):
    return history.append("fired", time=NOON, key=due.isoformat(), due=due, why="due", process=this_process())


def test_a_history_is_read_again_as_it_was_written(tmp_path):
    history = History(tmp_path / "a.jsonl")
    with history.locked():
        line = fired(history)
        history.append("skipped", time=NOON, due=NOON, behind=line.key)
        history.append("late", time=NOON, key=line.key)
    again = History(tmp_path / "a.jsonl")
    with again.locked():
        assert again.open == {line.key: line}
        assert (again.handled(DUE), again.handled(NOON), again.handled(NOON.replace(hour=4))) == (True, True, False)
        assert (again.told_late(line.key), again.told_skipped(line.key)) == (True, True)
        assert again.marks == [DUE]  # what was skipped is not made up for, but what came before it still is
        again.append("ended", time=NOON, key=line.key, run="r", state=State.DONE)
    with history.locked():
        assert history.open == {}
        assert history.last.run == "r"


def test_of_threads_that_race_for_a_due_time_one_gets_it(tmp_path):
    got = []

    def claim():
        mine = History(tmp_path / "a.jsonl")
        with mine.locked():
            if not mine.handled(DUE):
                got.append(fired(mine))

    threads = [threading.Thread(target=claim) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1


def test_a_claim_that_a_crash_tore_claims_nothing_and_the_next_line_stands_by_itself(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"event": "fired", "time": "2026-11-22T12:0')
    history = History(path)
    with history.locked():
        assert not history.handled(DUE)
        fired(history)
        assert history.handled(DUE)
    assert [json.loads(line)["event"] for line in path.read_text().splitlines()[1:]] == ["fired"]


def test_a_line_of_a_newer_workbench_does_not_stop_us(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(f'{{"event": "danced", "time": "{NOON.isoformat()}", "with": 3}}\n"what"\n')
    history = History(path)
    with history.locked():
        fired(history)
    assert len(history.open) == 1


def test_a_history_that_was_cut_is_read_anew(tmp_path):
    path = tmp_path / "a.jsonl"
    history = History(path)
    with history.locked():
        fired(history)
    path.write_text("")
    with history.locked():
        assert (history.open, history.handled(DUE)) == ({}, False)


@needs_root
def test_a_line_that_cannot_be_written_is_refused(tmp_path):
    history = History(tmp_path / "a.jsonl")
    with history.locked():
        fired(history)
    (tmp_path / "a.jsonl").chmod(0o644)
    (tmp_path / "a.jsonl.lock").chmod(0o666)

    def act():
        with pytest.raises(MachineError), history.locked():
            fired(history, NOON)
        return True

    tmp_path.chmod(0o755)
    for folder in tmp_path.parents:
        if not folder.stat().st_mode & 0o001:
            folder.chmod(0o755)
    assert as_nobody(act)
    assert len(path_lines(tmp_path)) == 1


def path_lines(folder):
    return (folder / "a.jsonl").read_text().splitlines()
