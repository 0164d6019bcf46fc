"""What was trained can be listed and shown, with the way back to its code and data."""

from __future__ import annotations

from dataclasses import replace

import pytest

from workbench.errors import UnknownName
from workbench.experiments import list_runs, show, track
from workbench.project import Project
from workbench.records.run import Input, RunRecord
from workbench.tracking import Store


@pytest.fixture
def spool_only(project: Project) -> Store:
    """The project's store, from which nothing is sent: listing needs the spool only."""
    return replace(Store.of(project.state), sender=lambda _store: None)


def test_a_new_project_has_no_trainings(project: Project):
    assert list_runs(project).runs == ()


def test_a_training_is_listed_and_shown_by_the_first_characters_of_its_id(project: Project, spool_only: Store):
    with track(project, experiment="demand", name="histgb", store=spool_only) as run:
        run.metrics({"loss": 0.1, "test_wape": 45.72})
    (listed,) = list_runs(project).view().rows
    assert (listed[0], listed[1:4], listed[5]) == (run.id[:8], ("demand", "histgb", "finished"), "test_wape 45.72")
    shown = show(project, run.id[:6])
    assert shown.run.tags["mlflow.user"] == "ana"
    assert shown.view().rows == (("loss", "0.1"), ("test_wape", "45.72"))


def test_an_unknown_training_is_refused(project: Project):
    with pytest.raises(UnknownName, match="no training named 'abc'"):
        show(project, "abc")


def test_a_training_leads_back_to_its_run(project: Project, spool_only: Store):
    record = RunRecord(
        run_id="r1",
        template="train",
        template_sha256="aa",
        environment_sha256="bb",
        actor="ana",
        created=project.clock(),
        inputs=(Input(name="transactions", sha256="cc"),),
    )
    record.write(project.runs / "r1" / "record.json")
    with track(project, experiment="demand", name="histgb", run_id="r1", store=spool_only):
        pass
    tags = list_runs(project).runs[0].tags
    assert {name: value for name, value in tags.items() if name.startswith("workbench.")} == {
        "workbench.run": "r1",
        "workbench.template": "train",
        "workbench.template_sha256": "aa",
        "workbench.environment_sha256": "bb",
        "workbench.data.transactions": "cc",
    }


def test_a_run_that_is_not_there_is_refused(project: Project):
    with pytest.raises(UnknownName, match="no run named 'r9'"), track(project, experiment="d", name="n", run_id="r9"):
        pass
