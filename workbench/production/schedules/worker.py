"""The worker: the process that runs the schedules of one project. `workbench production worker`

It reads the schedules' files again as they change, once a second, and holds the lease that makes it the only one. It keeps
nothing that is not in these files, so it may be killed at any time and started again elsewhere.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta
from typing import NoReturn

from workbench.errors import MachineError, UnknownName, WorkbenchError
from workbench.machine import is_alive
from workbench.production.schedules.calendar import Calendar
from workbench.production.schedules.lease import LEASE_S, Lease, LeaseLost, owned
from workbench.production.schedules.record import Schedule, folder
from workbench.production.schedules.service import Run, Service
from workbench.production.schedules.target import run_target
from workbench.project import Project
from workbench.records.run import Process
from workbench.records.worker import WorkerRecord

log = logging.getLogger("workbench.worker")

TICK_S = 1.0
JUMP = timedelta(seconds=2)  # by so much the clock on the wall may differ from the running time between two ticks

Signature = tuple[int, int, int]


class Worker:
    """Runs a project's schedules as long as it holds the lease. at_once: how many runs may go on together."""

    def __init__(
        self, project: Project, *, run: Run = run_target, at_once: int = 4, lease_s: float = LEASE_S, tick_s: float = TICK_S
    ) -> None:
        self.project, self.run, self.at_once, self.tick_s = project, run, at_once, tick_s
        self.lease = Lease(project, lease_s=lease_s)
        self.services: dict[str, Service] = {}
        self.presumed_gone: set[Process] = set()
        self.stopping = False
        self.stopped: WorkerRecord | None = None  # what it was, once it has stopped in order

    def work(self, *, standby: bool = False) -> NoReturn:
        """Own the schedules until stopped by a KeyboardInterrupt, then wait for the runs that are going.

        standby: wait while another worker owns them, now and whenever the lease is lost. Raises BadInput else.
        """
        while True:
            self._await_lease(standby)
            owning = _Owning(self)
            try:
                owning.go_on()
            except LeaseLost as lost:
                log.warning("%s: %s", lost.what, lost.why)
                owning.alarms.stop(wait=False)
                if not standby:
                    raise
            except KeyboardInterrupt:
                log.info("stopping: no further run is started, and those that are going may end")
                self.stopping, was = True, self.lease.mine
                self.lease.release()
                self.project.audit.append("worker.stop")
                owning.alarms.stop(wait=True)
                self.stopped = was
                raise

    def _await_lease(self, standby: bool) -> None:
        told = False
        while True:
            taken, other = self.lease.take()
            if taken:
                break
            assert other is not None
            if not standby:
                raise owned(other)
            if not told:
                log.info("standing by: %s is the owner", other.where)
                told = True
            time.sleep(self.tick_s)
        if other is None:
            self.project.audit.append("worker.start", lease_s=self.lease.lease_s)
        else:
            why = "its process is gone" if is_alive(other.process) is False else "its lease ran out"
            self.project.audit.append("worker.takeover", owner=other.where, why=why)
            self.presumed_gone.add(other.process)  # also if it only sleeps: its lease is over
            log.warning("took over from %s: %s", other.where, why)
        log.info("running the schedules of %s", self.project.config.name)

    def alive(self, process: Process) -> bool | None:
        """Is a process that has fired something still to be waited for?"""
        return False if process in self.presumed_gone else is_alive(process)


class _Owning:
    """What there is while a worker is the owner: alarms, and what it has read of the schedules."""

    def __init__(self, worker: Worker) -> None:
        from workbench.production.schedules.alarms import Alarms

        self.worker, self.project, self.lease = worker, worker.project, worker.lease
        self.alarms = Alarms(self._ring, at_once=worker.at_once)
        self.signatures: dict[str, Signature] = {}
        self.calendars: dict[str, Calendar] = {}  # of the schedules that are not paused
        self.again: set[str] = set()  # whose last ring came to nothing
        self.watching = self.project.clock()
        self.offset = self._offset()

    def go_on(self) -> NoReturn:
        """Tick until stopped. Raises LeaseLost."""
        while True:
            try:
                self._tick()
            except MachineError as error:  # a full disk: what could not be written is tried again
                log.error("%s (%s)", error.what, error.why)
            time.sleep(self.worker.tick_s)

    def _tick(self) -> None:
        self._look_at_the_clock()
        self._read_schedules()
        next_due, next_schedule = self._next()
        self.lease.beat(schedules=len(self.signatures), next_schedule=next_schedule, next_due=next_due)
        for name in list(self.again):
            self.again.discard(name)
            self.alarms.ring_now(name)
        for name in self.signatures:
            self._service(name).tend()

    def _ring(self, name: str) -> None:
        """An alarm: serve this schedule. In a thread of the alarms."""
        try:
            self._service(name).serve()
        except LeaseLost:
            log.info("%s: not ours any more", name)
        except MachineError as error:
            log.error("%s: %s (%s)", name, error.what, error.why)
            self.again.add(name)
        except WorkbenchError as error:
            log.error("%s: %s (%s)", name, error.what, error.why)

    def _service(self, name: str) -> Service:
        found = self.worker.services.get(name)
        if found is None:
            found = Service(self.project, name, self.watching, run=self.worker.run, alive=self.worker.alive)
            found = self.worker.services.setdefault(name, found)
        found.fence, found.act = self.lease.holding, self.alarms.send
        return found

    def _read_schedules(self) -> None:
        found = {}
        for path in sorted(folder(self.project).glob("*.json")):
            try:
                seen = path.stat()
            except FileNotFoundError:
                continue
            found[path.stem] = (seen.st_mtime_ns, seen.st_size, seen.st_ino)
        for name in self.signatures.keys() - found.keys():
            self._forget(name)
        for name, signature in found.items():
            if self.signatures.get(name) != signature:
                self._read(name)
        self.signatures = found

    def _read(self, name: str) -> None:
        self._forget(name)
        try:
            schedule = Schedule.load(folder(self.project) / f"{name}.json")
            if schedule.paused:
                return
            self.calendars[name] = Calendar(schedule.cron, schedule.tz)
        except UnknownName:
            return
        except WorkbenchError as error:
            log.error("%s (%s)", error.what, error.why)
            return
        self.alarms.set(name, self.calendars[name])
        log.info("%s: %s %s, runs %s", name, schedule.cron, schedule.tz, schedule.target)

    def _forget(self, name: str) -> None:
        self.calendars.pop(name, None)
        self.alarms.remove(name)

    def _next(self) -> tuple[datetime | None, str]:
        now = self.project.clock()
        coming = [(due, name) for name, calendar in self.calendars.items() if (due := calendar.after(now)) is not None]
        return min(coming, default=(None, ""))

    def _offset(self) -> timedelta:
        return timedelta(seconds=self.project.clock().timestamp() - time.monotonic())

    def _look_at_the_clock(self) -> None:
        """A clock that was set, or a machine that slept: look at every schedule anew."""
        offset = self._offset()
        jumped, self.offset = offset - self.offset, offset
        if abs(jumped) <= JUMP:
            return
        log.warning("the clock jumped by %.0f s", jumped.total_seconds())
        self.watching = self.project.clock()
        for name in self.calendars:
            if jumped < timedelta(0):
                self._service(name).watching = self.watching
            self.alarms.ring_now(name)
