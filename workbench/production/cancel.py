"""Stop a run, or a whole sweep, from another terminal."""

from __future__ import annotations

import contextlib
import os
import signal
import time

from workbench.errors import BadInput, UnknownName, unknown
from workbench.machine import is_alive
from workbench.production.executor import GRACE_S, POLL_S
from workbench.production.ledger import Ledger
from workbench.production.run_folder import BEGUN
from workbench.production.runs import CANCEL, run_folder
from workbench.production.sweeps.report import report
from workbench.production.sweeps.result import SweepReport
from workbench.production.sweeps.spec import find_sweep, sweep_ids
from workbench.project import Project, look
from workbench.records.files import write_atomic
from workbench.records.run import RunRecord, State

ENDS_WITHIN_S = GRACE_S + 5.0


def cancel(project: Project, name: str) -> RunRecord | SweepReport:
    """Stop NAME, a run or a sweep by its id or the end of it. A sweep's driver stops its runs within a second."""
    with contextlib.suppress(UnknownName):
        return _cancel_run(project, name)
    try:
        folder = find_sweep(project, name)
    except UnknownName:
        known = [*sweep_ids(project), *Ledger(project).ids()[:1000]]
        raise unknown("run or sweep", name, known, fix="workbench production runs, or … sweeps") from None
    write_atomic(folder.cancelled, b"")
    project.audit.append("sweep.cancel", sweep=folder.path.name)
    return report(project, folder)


def _cancel_run(project: Project, name: str) -> RunRecord:
    folder = run_folder(project, name)
    record = look(folder)
    if record.state.ended:
        raise BadInput(f"{record.run_id} cannot be stopped", why=f"it is {record.state.value}", fix="workbench production runs")
    write_atomic(folder / CANCEL, b"")  # first: its driver must see why it ended
    project.audit.append("run.cancel", run=record.run_id)
    alone = record.state is State.RUNNING and not (folder / BEGUN).exists()
    if alone and record.process is not None and is_alive(record.process):
        with contextlib.suppress(ProcessLookupError):  # papermill itself executes it, and does not look for marks
            os.kill(record.process.pid, signal.SIGINT)
    waited_s = 0.0
    while not (record := look(folder)).state.ended and waited_s < ENDS_WITHIN_S:
        time.sleep(POLL_S)
        waited_s += POLL_S
    return record
