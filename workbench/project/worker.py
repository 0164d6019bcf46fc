"""Is a scheduler worker alive in this project? Told from its lease file, without asking it."""

from __future__ import annotations

from datetime import timedelta

from workbench.errors import UserError
from workbench.machine import is_alive
from workbench.project.folder import Project
from workbench.records.worker import WorkerRecord

LEASE = "worker.json"


def alive_worker(project: Project) -> WorkerRecord | None:
    """The worker that owns the schedules now; None when there is none.

    One on this machine is alive while its process is; one on another machine while its lease has not run out by our clock.
    """
    try:
        worker = WorkerRecord.load(project.state / LEASE)
    except UserError:
        return None
    alive = is_alive(worker.process)
    if alive is None:
        alive = abs(project.clock() - worker.heartbeat) <= timedelta(seconds=2 * worker.lease_s)
    return worker if alive else None
