"""Prune: says first, spares what something needs, and removes whole folders."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from workbench.errors import BadInput
from workbench.machine import this_process
from workbench.production.ledger import Ledger
from workbench.production.mirror import pending
from workbench.production.prune import prune
from workbench.records.pipeline import PipelineRecord, Step
from workbench.records.run import RunRecord, State

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def put(project, name, template="t", days=0, **fields):
    made = NOON - timedelta(days=days)
    record = RunRecord(
        run_id=f"{made:%Y%m%dT%H%M%SZ}-{template}-{name:>08}",
        template=template,
        template_sha256="c",
        actor="ana",
        created=made,
        **({"state": State.DONE} | fields),
    )
    record.write(project.runs / record.run_id / "record.json")
    (project.runs / record.run_id / "big.bin").write_bytes(b"x" * 1000)
    return record.run_id


def gone(report):
    return [run.run_id[-8:].lstrip("0") for run in report.runs]


def test_it_says_what_would_go_and_touches_nothing(project):
    for name, days in (("a", 0), ("b", 1), ("c", 2)):
        put(project, name, days=days)
    before = sorted(project.state.rglob("*"))
    report = prune(project, keep=1)
    assert (gone(report), report.kept, report.done) == (["b", "c"], 1, False)
    assert report.size_bytes > 2000
    assert [p for p in sorted(project.state.rglob("*")) if "ledger" not in p.name] == before


def test_yes_removes_the_folders_and_the_ledger_forgets_them(project):
    kept = put(project, "a")
    put(project, "b", days=1)
    report = prune(project, keep=1, yes=True)
    assert (gone(report), report.done) == (["b"], True)
    assert [p.name for p in project.runs.iterdir()] == [kept] == Ledger(project).ids()
    last = list(project.audit.entries())[-1]
    assert (last["event"], last["facts"]["runs"]) == ("run.prune", [report.runs[0].run_id])


def test_the_newest_of_each_template_stay(project):
    for template in ("t", "u"):
        for days in range(3):
            put(project, f"{template}{days}", template=template, days=days)
    assert gone(prune(project, keep=2)) == ["u2", "t2"]
    assert gone(prune(project, keep=0, template="u")) == ["u0", "u1", "u2"]


def test_only_old_ones_go(project):
    for days in range(4):
        put(project, f"d{days}", days=days)
    assert gone(prune(project, keep=0, older_than=2)) == ["d2", "d3"]


def test_what_is_needed_stays(project):
    going_on = put(project, "a", days=9, state=State.RUNNING, process=this_process())
    in_pipeline = put(project, "b", days=9)
    in_model = put(project, "c", days=9)
    put(project, "d", days=9)
    PipelineRecord(
        pipeline_id="20261122T120000Z-p-00000000",
        name="p",
        actor="ana",
        created=NOON,
        steps=(Step(name="s", template="t", run_id=in_pipeline, state=State.DONE),),
    ).write(project.state / "pipelines" / "20261122T120000Z-p-00000000" / "record.json")
    manifest = project.models / "m" / "1" / "manifest.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text(json.dumps({"trained": f".workbench/runs/{in_model}/model"}))
    report = prune(project, keep=0, yes=True)
    assert (gone(report), report.needed) == (["d"], 3)
    assert {p.name for p in project.runs.iterdir()} == {going_on, in_pipeline, in_model}


def test_what_the_mirror_has_not_copied_yet_stays(project):
    waiting = put(project, "a", days=9)
    (project.state / "mirror").mkdir()
    (project.state / "mirror" / waiting).touch()
    assert pending(project) == [waiting]
    assert gone(prune(project, keep=0)) == []


def test_what_a_killed_prune_left_is_taken_away_by_the_next(project):
    left = project.runs / ".20261101T120000Z-t-0000000a.gone"
    left.mkdir(parents=True)
    (left / "record.json").write_text("{}")
    assert prune(project, keep=0).runs == ()
    assert left.exists()  # nothing is touched without --yes
    prune(project, keep=0, yes=True)
    assert not left.exists()


def test_a_record_that_cannot_be_read_is_not_ours_to_judge(project):
    run_id = put(project, "a", days=9)
    (project.runs / run_id / "record.json").write_text("{")
    assert prune(project, keep=0, yes=True).runs == ()


def test_a_negative_number_is_refused(project):
    with pytest.raises(BadInput):
        prune(project, keep=-1)
