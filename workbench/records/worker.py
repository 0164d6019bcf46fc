"""The scheduler worker that owns a project's schedules: who it is, and when it was last heard of."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from workbench.records.base import Record
from workbench.records.run import Process
from workbench.records.view import View


class WorkerRecord(Record):
    """`.workbench/worker.json`: one worker's lease on the schedules, written anew with each heartbeat.

    token: made anew by each taking of the lease, so that a worker that slept can tell that it is no longer the owner.
    beat: counts up; `lease_s` seconds without a new one and another worker may take over.
    schedules, next_schedule, next_due: what it keeps, as of the last beat.
    """

    kind: ClassVar[str] = "worker"

    token: str
    process: Process
    actor: str
    started: datetime
    beat: int = 0
    heartbeat: datetime
    lease_s: float
    schedules: int = 0
    next_schedule: str = ""
    next_due: datetime | None = None
    stopped: bool = False  # by the command that tells so; a worker that stops removes its file

    @property
    def where(self) -> str:
        """`process 4711 on node-3`."""
        return f"process {self.process.pid} on {self.process.host}"

    def view(self) -> View:
        due = f"{self.next_schedule} at {self.next_due:%Y-%m-%d %H:%M:%S} UTC" if self.next_due and not self.stopped else ""
        facts = (
            ("worker", self.where),
            ("by", self.actor),
            ("since", f"{self.started:%Y-%m-%d %H:%M:%S} UTC"),
            ("last heard of", f"{self.heartbeat:%Y-%m-%d %H:%M:%S} UTC"),
            ("schedules", str(self.schedules)),
            ("next", due),
        )
        title = "the scheduler worker has stopped" if self.stopped else "a scheduler worker is alive"
        return View(title=title, facts=tuple((k, v) for k, v in facts if v))
