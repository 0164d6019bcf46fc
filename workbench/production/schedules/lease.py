"""Which worker is the owner of a project's schedules: one at a time, by a lease that it has to renew.

The lease is a file with a token and a count of heartbeats, changed under a lock only. Whoever waits for it looks whether the
count goes on, by its own monotonic clock: so neither a clock that jumps nor two machines whose clocks differ can confuse it.
An owner on the same machine whose process is gone is replaced at once.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from filelock import FileLock

from workbench.errors import BadInput, UnknownName, WorkbenchError
from workbench.machine import is_alive, this_process
from workbench.project import Project
from workbench.project.worker import LEASE
from workbench.records.files import cannot_write
from workbench.records.worker import WorkerRecord

LEASE_S = 30.0
BEATS = 6  # heartbeats in the time of a lease


class LeaseLost(WorkbenchError):
    """Another worker is the owner now."""


def owned(owner: WorkerRecord) -> BadInput:
    """The letter for a second worker that was not asked to stand by."""
    return BadInput(
        "a worker runs these schedules already",
        why=f"{owner.where}, since {owner.started:%Y-%m-%d %H:%M:%S} UTC",
        fix="workbench production worker --standby, to take over when it is gone; or --stop, to end it",
    )


class Lease:
    """One worker's hold on the schedules, or its wish for it."""

    def __init__(self, project: Project, *, lease_s: float = LEASE_S) -> None:
        self.project, self.lease_s = project, lease_s
        self.path = project.state / LEASE
        self.mine: WorkerRecord | None = None
        self._seen: tuple[str, int, float] | None = None  # token, beat, and when we first saw them
        self._beaten_s = 0.0

    def take(self) -> tuple[bool, WorkerRecord | None]:
        """(True, whom we took it over from, if anybody), or (False, the owner)."""
        with self._locked():
            owner = self._read()
            if owner is not None and not self._is_over(owner):
                return False, owner
            now = self.project.clock()
            mine = WorkerRecord(
                token=secrets.token_hex(8),
                process=this_process(),
                actor=self.project.actor,
                started=now,
                heartbeat=now,
                lease_s=self.lease_s,
            )
            mine.write(self.path)
            self.mine, self._beaten_s = mine, time.monotonic()
            return True, owner

    def beat(self, *, schedules: int, next_schedule: str = "", next_due: datetime | None = None) -> None:
        """Renew it when it is time to, or when there is something new to say. Raises LeaseLost, MachineError."""
        mine = self._held()
        facts = {"schedules": schedules, "next_schedule": next_schedule, "next_due": next_due}
        if time.monotonic() - self._beaten_s < self.lease_s / BEATS and facts == mine.model_dump(include=set(facts)):
            return
        with self.holding():
            self.mine = mine.model_copy(update={"beat": mine.beat + 1, "heartbeat": self.project.clock(), **facts})
            self.mine.write(self.path)
            self._beaten_s = time.monotonic()

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Hold the lease's lock: nobody takes it over meanwhile. Raises LeaseLost when somebody has."""
        mine = self._held()
        with self._locked():
            owner = self._read()
            if owner is not None and owner.token != mine.token:
                raise LeaseLost(
                    "another worker has taken over the schedules",
                    why=f"{owner.where} holds the lease since {owner.started:%Y-%m-%d %H:%M:%S} UTC",
                    fix="nothing: this worker stands by",
                )
            yield

    def release(self) -> None:
        """Give it up, if it is still ours."""
        try:
            with self.holding():
                self.path.unlink(missing_ok=True)
        except (LeaseLost, OSError):
            pass
        self.mine = None

    def _held(self) -> WorkerRecord:
        if self.mine is None:
            raise LeaseLost("this worker holds no lease", why="it was given up", fix="start a worker")
        return self.mine

    def _is_over(self, owner: WorkerRecord) -> bool:
        if is_alive(owner.process) is False:
            return True
        seen = (owner.token, owner.beat)
        if self._seen is None or self._seen[:2] != seen:
            self._seen = (*seen, time.monotonic())
        return time.monotonic() - self._seen[2] > owner.lease_s

    def _read(self) -> WorkerRecord | None:
        try:
            return WorkerRecord.load(self.path)
        except UnknownName:
            return None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(f"{self.path}.lock")
            lock.acquire()
        except OSError as error:
            raise cannot_write(self.path, error) from error
        try:
            yield
        finally:
            lock.release()
