from workbench.findings import Outcome
from workbench.project import list_audit, status, verify_audit
from workbench.records.run import RunRecord, State


def test_status_counts_what_is_there(project):
    for run_id, state in (("a", State.DONE), ("b", State.DONE), ("c", State.FAILED)):
        record = RunRecord(run_id=run_id, template="t", template_sha256="0", actor="ana", created=project.clock(), state=state)
        record.write(project.runs / run_id / "record.json")
    (project.root / "pipelines" / "weekly.toml").write_text("")
    shown = status(project)
    assert (shown.runs, shown.pipelines, shown.datasets) == ({"done": 2, "failed": 1}, ("weekly",), 0)
    assert ("runs", "2 done, 1 failed") in shown.view().facts


def test_the_audit_log_is_listed_and_verified(project):
    project.audit.append("access.read", dataset="<b>")
    assert [line[1:] for line in list_audit(project, limit=1).lines] == [("ana", "access.read", '{"dataset": "<b>"}')]
    assert [f.outcome for f in verify_audit(project).findings] == [Outcome.PASS]
    path = project.audit.path
    path.write_text(path.read_text().replace("access.read", "access.reed"))
    assert [f.outcome for f in verify_audit(project).findings] == [Outcome.FAIL]
