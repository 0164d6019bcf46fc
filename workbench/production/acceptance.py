"""The last decision about a run: is its result *the* result of its key and generation?"""

from __future__ import annotations

from workbench.findings import Finding, Outcome
from workbench.production.call_key import recorded_call_key
from workbench.production.ledger import Ledger
from workbench.project import Project
from workbench.records.run import RunRecord, State


def decide(project: Project, record: RunRecord, *, opens_generation: bool) -> RunRecord:
    """The record with the ledger's decision, and the ledger with the record; called before the record is written.

    opens_generation: nobody has prepared this run (papermill was called directly), so it counts as asked for anew.
    """
    ledger, call_key = Ledger(project), recorded_call_key(record)
    if record.state is not State.DONE:
        ledger.note(record, call_key)
        return record
    if opens_generation:
        record = record.model_copy(update={"generation": ledger.next_generation(call_key)})
    accepted = ledger.accept(record, call_key)
    if accepted:
        return record.model_copy(update={"accepted": True})
    second = Finding(
        check="run.accepted",
        outcome=Outcome.INFO,
        message="an equal run of this generation was finished first, and its result is the accepted one",
    )
    return record.model_copy(update={"accepted": False, "findings": (*record.findings, second)})
