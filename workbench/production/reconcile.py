"""After a crash: what a run that could not close itself has left behind, and which runs those are."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.production.journal import NAME as JOURNAL
from workbench.production.journal import recover
from workbench.production.ledger import Ledger
from workbench.production.processes import end_leftovers
from workbench.production.run_folder import BEGUN
from workbench.production.sockets import leftover_sockets
from workbench.project import Project, look
from workbench.records.run import RunRecord, State


def reconcile(project: Project) -> list[RunRecord]:
    """Bring the ledger in line with the run folders, and clean up after runs that are lost; returns those."""
    lost = Ledger(project).reconcile()
    for record in lost:
        clean_up(project.runs / record.run_id)
        project.audit.append("run.lost", run=record.run_id, template=record.template)
    return lost


def seen(folder: Path) -> RunRecord:
    """The record of a run as it can be known now; one that is lost keeps what its cells gave. Raises what `look` raises."""
    record = look(folder)
    if record.state is State.LOST and (folder / JOURNAL).exists():
        clean_up(folder)
    return record


def clean_up(folder: Path) -> None:
    """End the processes of a run that is over, remove its sockets and half-written files, and recover what its cells gave."""
    end_leftovers(folder.name)
    for sockets in leftover_sockets(folder.name):
        shutil.rmtree(sockets, ignore_errors=True)
    for torn in (*folder.glob(".*.tmp"), folder / BEGUN):
        torn.unlink(missing_ok=True)
    with contextlib.suppress(WorkbenchError):  # a full disk: the journal stays, and can be recovered later
        recover(folder)
