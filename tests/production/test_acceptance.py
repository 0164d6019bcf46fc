"""The last decision about a run, and what its record says of it."""

from datetime import UTC, datetime

import pytest

from workbench.production.acceptance import decide
from workbench.production.ledger import Ledger
from workbench.records.run import RunRecord, State


@pytest.fixture
def ended(project):
    """`ended("a")`: a run that has come to its end, with a folder that still says running."""

    def make(name, state=State.DONE):
        record = RunRecord(
            run_id=f"20261122T120000Z-t-{name:>08}",
            template="t",
            template_sha256="c",
            run_key="k",
            actor="ana",
            created=datetime.now(UTC),
            state=State.RUNNING,
        )
        record.write(project.runs / record.run_id / "record.json")
        return record.model_copy(update={"state": state})

    return make


def test_the_first_is_accepted_and_the_second_says_that_it_is_not(project, ended):
    first = decide(project, ended("a"), opens_generation=False)
    first.write(project.runs / first.run_id / "record.json")
    second = decide(project, ended("b"), opens_generation=False)
    assert (first.accepted, first.findings) == (True, ())
    assert (second.accepted, [f.check for f in second.findings]) == (False, ["run.accepted"])


def test_a_run_that_nobody_prepared_opens_a_generation_of_its_own(project, ended):
    for name, generation in (("a", 1), ("b", 2)):
        record = decide(project, ended(name), opens_generation=True)
        record.write(project.runs / record.run_id / "record.json")
        assert (record.accepted, record.generation) == (True, generation)


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED])
def test_a_run_that_is_not_done_is_noted_and_accepted_for_nothing(project, ended, state):
    record = decide(project, ended("a", state), opens_generation=False)
    assert record.accepted is None
    assert Ledger(project).ids(states=(state,)) == [record.run_id]
