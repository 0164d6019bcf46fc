from datetime import UTC, datetime

import pytest

from workbench.errors import BadInput, UnknownName
from workbench.machine import this_process
from workbench.production.runs import runs
from workbench.production.show import show
from workbench.project import look
from workbench.records.run import RunRecord, State

DAY = datetime(2026, 1, 1, tzinfo=UTC)


def write(project, run_id, **changes):
    record = RunRecord(run_id=run_id, template="t", template_sha256="0", actor="ana", created=DAY, **changes)
    record.write(project.runs / run_id / "record.json")
    return project.runs / run_id


def test_runs_are_listed_newest_first_and_filtered(project):
    write(project, "20260101T000000Z-t-aaaaaaaa", state=State.DONE)
    write(project, "20260102T000000Z-t-bbbbbbbb", state=State.FAILED)
    assert [r.run_id[-8:] for r in runs(project).runs] == ["bbbbbbbb", "aaaaaaaa"]
    assert [r.run_id[-8:] for r in runs(project, state=State.DONE).runs] == ["aaaaaaaa"]
    assert runs(project, template="other").runs == ()
    assert len(runs(project, limit=1).runs) == 1


def test_a_limit_of_nothing_is_refused(project):
    with pytest.raises(BadInput):
        runs(project, limit=0)


def test_a_running_run_whose_process_is_gone_is_lost(project):
    me = this_process()
    alive = write(project, "a", state=State.RUNNING, process=me)
    gone = write(project, "b", state=State.RUNNING, process=me.model_copy(update={"started": 1.0}))
    elsewhere = write(project, "c", state=State.RUNNING, process=me.model_copy(update={"host": "elsewhere"}))
    ended = write(project, "d", state=State.DONE, process=me.model_copy(update={"started": 1.0}))
    assert [look(f).state for f in (alive, gone, elsewhere, ended)] == [State.RUNNING, State.LOST, State.RUNNING, State.DONE]
    assert RunRecord.load(gone / "record.json").state is State.LOST


def test_a_run_is_shown_by_the_end_of_its_id(project):
    write(project, "20260101T000000Z-t-aaaaaaaa", state=State.DONE)
    write(project, "20260102T000000Z-t-bbbbaaaa", state=State.DONE)
    assert show(project, "bbbbaaaa").run_id == "20260102T000000Z-t-bbbbaaaa"
    with pytest.raises(BadInput, match="fits 2 runs"):
        show(project, "aaaa")
    with pytest.raises(UnknownName):
        show(project, "cccc")


def test_show_takes_a_template_too(project, template):
    template("mine", "x: int = 1  # a number")
    assert show(project, "mine").name == "mine"


def test_a_record_of_an_unknown_version_is_told_and_not_guessed(project):
    folder = write(project, "20260101T000000Z-t-aaaaaaaa", state=State.DONE)
    path = folder / "record.json"
    path.write_text(path.read_text().replace('"version": 2', '"version": 9'))
    with pytest.raises(BadInput, match="newer workbench"):
        look(folder)
    write(project, "20260102T000000Z-t-bbbbbbbb", state=State.DONE)
    listed = runs(project)
    assert [run.run_id for run in listed.runs] == ["20260102T000000Z-t-bbbbbbbb"]
    assert ["newer workbench" in f.message for f in listed.findings] == [True]
