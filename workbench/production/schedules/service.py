"""One schedule at work: claim a due time, run it, record what came of it, tell whom it concerns.

The worker has one service for each schedule; `production fire` makes one for a single run.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from workbench.errors import BadInput, MachineError, WorkbenchError
from workbench.machine import is_alive, this_process
from workbench.production.schedules import telling
from workbench.production.schedules.calendar import Calendar
from workbench.production.schedules.due import ON_TIME, Due, start_of_window, whats_due
from workbench.production.schedules.history import History, Line
from workbench.production.schedules.record import Schedule, folder, read_or_none
from workbench.production.schedules.target import Ended, Outcome, left_by, outcome_of, outcome_of_error, run_target
from workbench.production.schedules.telling import Notice
from workbench.project import Project
from workbench.records.run import Process, State

log = logging.getLogger("workbench.worker")

UNHEARD = timedelta(days=1)  # of a process on another host nothing can be known; after so long it is taken to be gone

Run = Callable[[Project, Schedule], Ended]


@dataclass
class Ending:
    """How a run of ours ended, and whether that was told."""

    outcome: Outcome
    seconds: float
    told: bool = False


def here(act: Callable[[], None]) -> None:
    """Do it in this thread, and wait for it."""
    act()


@dataclass
class Service:
    """Serves one schedule. Several threads may use it at once, and other processes theirs of the same schedule.

    watching: since when the clock has run on without a jump. run: carries out the target.
    fence: held while a due time is claimed; raises when we may not claim any more.
    alive: does a process still run? None: unknown. act: where a notice is sent from.
    """

    project: Project
    name: str
    watching: datetime
    run: Run = run_target
    fence: Callable[[], AbstractContextManager[Any]] = nullcontext
    alive: Callable[[Process], bool | None] = is_alive
    act: Callable[[Callable[[], None]], None] = here
    history: History = field(init=False)
    unwritten: dict[str, Ending] = field(default_factory=dict)  # by key, until the disk has taken them

    def __post_init__(self) -> None:
        self.history = History(folder(self.project) / f"{self.name}.jsonl")

    def serve(self) -> None:
        """Run what is due now, one after the other, until nothing is. Raises what `fence` raises, and MachineError."""
        while (claimed := self._claim()) is not None:
            try:
                self._carry_out(*claimed)
            except WorkbenchError as error:
                log.error("%s: %s (%s)", self.name, error.what, error.why)
            except Exception:
                log.exception("%s: met what it did not foresee", self.name)

    def fire(self) -> Ended:
        """Run it now because a person asks; raises what the run raises. BadInput while a run of it is still going."""
        with self.history.locked():
            schedule = Schedule.load(self.history.path.with_suffix(".json"))
            going = self._going(schedule)
            if going is not None:
                raise BadInput(
                    f"'{self.name}' is running already",
                    why=f"since {going.time:%Y-%m-%d %H:%M:%S} UTC",
                    fix="wait for its end: workbench production schedules",
                )
            line = self._fired(schedule, None, "asked")
        return self._carry_out(schedule, line)

    def tend(self) -> None:
        """Close what a process that is gone has left open, and tell of what is late. Raises MachineError."""
        self._write_endings()
        notices: list[Notice] = []
        with self.history.locked():
            schedule = read_or_none(self.project, self.name) if self.history.open else None
            if schedule is None:
                return
            for line in list(self.history.open.values()):
                notices += self._late(schedule, line)
                if self._gone(line):
                    left = left_by(self.project, schedule, line)
                    if left is None or left.state.ended:
                        outcome = outcome_of(left) if left else Outcome(state=State.LOST, error="its worker is gone")
                        self._ended(line, outcome, None)
                        notices.append(telling.ended(self.project, schedule, line.due, outcome, None))
        self._send(notices)

    def _claim(self) -> tuple[Schedule, Line] | None:
        """Claim the next due time, if there is one to run now; note what is missed or has to be skipped."""
        notices: list[Notice] = []
        claimed = None
        with self.fence(), self.history.locked():
            schedule = read_or_none(self.project, self.name)
            if schedule is None or schedule.paused:
                return None
            due = self._due(schedule)
            if due.missed:
                notices.append(self._missed(schedule, due))
            going = self._going(schedule) if due.fire else None
            if going is not None:
                notices += self._skipped(schedule, due, going)
            elif due.fire:
                on_time = self.project.clock() - due.fire[0] <= ON_TIME
                claimed = schedule, self._fired(schedule, due.fire[0], "due" if on_time else "made up")
        self._send(notices)
        return claimed

    def _due(self, schedule: Schedule) -> Due:
        now = self.project.clock()
        after = start_of_window(now, (schedule.since, *self.history.marks), otherwise=self.watching)
        calendar = Calendar(schedule.cron, schedule.tz)
        return whats_due(calendar, after=after, now=now, catch_up=schedule.catch_up, handled=self.history.handled)

    def _fired(self, schedule: Schedule, due: datetime | None, why: str) -> Line:
        now = self.project.clock()
        self.project.audit.append("schedule.fire", schedule=self.name, due=due and due.isoformat(), why=why)
        log.info("%s: %s at %s, runs %s", self.name, why, f"{due or now:%Y-%m-%d %H:%M:%S} UTC", schedule.target)
        key = due.isoformat() if due else f"asked {now.isoformat()}"
        return self.history.append("fired", time=now, key=key, due=due, why=why, process=this_process())

    def _missed(self, schedule: Schedule, due: Due) -> Notice:
        first, last, count = due.missed[0], due.missed[-1], len(due.missed)
        self.project.audit.append(
            "schedule.missed", schedule=self.name, first=first.isoformat(), last=last.isoformat(), count=count
        )
        self.history.append("missed", time=self.project.clock(), first=first, last=last, count=count)
        why = f"{count} due times passed without a run, the first at {first:%Y-%m-%d %H:%M} UTC"
        log.warning("%s: %s", self.name, why)
        return telling.late(self.project, schedule, last, why)

    def _skipped(self, schedule: Schedule, due: Due, going: Line) -> list[Notice]:
        known = self.history.told_skipped(going.key)
        for moment in due.fire:
            self.history.append("skipped", time=self.project.clock(), due=moment, behind=going.key)
        why = "the run before it is still going"
        log.warning("%s: skipped, %s", self.name, why)
        return [] if known else [telling.late(self.project, schedule, due.fire[-1], why)]

    def _going(self, schedule: Schedule) -> Line | None:
        """A firing that has not ended, as far as can be known."""
        for line in self.history.open.values():
            if line.key in self.unwritten:
                continue
            if not self._gone(line):
                return line
            left = left_by(self.project, schedule, line)
            if left is not None and not left.state.ended:
                return line  # the run is about to notice that its starter is gone
        return None

    def _gone(self, line: Line) -> bool:
        alive = self.alive(line.process) if line.process else False
        return self.project.clock() - line.time > UNHEARD if alive is None else not alive

    def _late(self, schedule: Schedule, line: Line) -> list[Notice]:
        limit_s = schedule.late_after_s
        waited_s = (self.project.clock() - (line.due or line.time)).total_seconds()
        if limit_s is None or waited_s <= limit_s or self.history.told_late(line.key):
            return []
        self.history.append("late", time=self.project.clock(), key=line.key)
        why = f"it has not ended {waited_s:,.0f} s after it was due"
        return [telling.late(self.project, schedule, line.due or line.time, why)]

    def _carry_out(self, schedule: Schedule, line: Line) -> Ended:
        """Run what was claimed; however that ends, it is written and told."""
        started = self.project.clock()
        try:
            ended = self.run(self.project, schedule)
            outcome = outcome_of(ended)
            return ended
        except BaseException as error:
            outcome = outcome_of_error(error)
            raise
        finally:
            self.unwritten[line.key] = Ending(outcome, (self.project.clock() - started).total_seconds())
            try:
                self._write_endings()
            except MachineError as error:  # the next look tries again
                log.error("%s: %s (%s)", self.name, error.what, error.why)

    def _write_endings(self) -> None:
        """Write and tell our endings. Raises MachineError when the disk is full; they are told all the same."""
        if not self.unwritten:
            return
        notices: list[Notice] = []
        try:
            with self.history.locked():
                schedule = read_or_none(self.project, self.name)
                for key, ending in list(self.unwritten.items()):
                    line = self.history.open.get(key)  # another worker may have taken us for gone, and closed it
                    if line is not None:
                        if schedule is not None and not ending.told:
                            notices.append(telling.ended(self.project, schedule, line.due, ending.outcome, ending.seconds))
                            ending.told = True
                        if schedule is not None:
                            notices += self._late(schedule, line)
                        self._ended(line, ending.outcome, ending.seconds)
                    del self.unwritten[key]
        finally:
            self._send(notices)

    def _ended(self, line: Line, outcome: Outcome, seconds: float | None) -> None:
        facts = {"run": outcome.run, "state": outcome.state, "seconds": seconds, "error": outcome.error}
        self.history.append("ended", time=self.project.clock(), key=line.key, due=line.due, **facts)
        log.info("%s: %s %s", self.name, outcome.state.value, outcome.error or outcome.run)

    def _send(self, notices: list[Notice]) -> None:
        for notice in notices:
            telling.send(self.project, notice, self.history, act=self.act)
