"""Schedules without notebooks: a record that is written in sight, a clock that is set by hand, a run that takes no time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from workbench.production.schedules.record import Schedule
from workbench.production.schedules.service import Service
from workbench.project import Project
from workbench.records.run import RunRecord, State

MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that goes only when it is set."""

    now: datetime = MIDNIGHT

    def __call__(self) -> datetime:
        return self.now

    def on(self, **by: float) -> None:
        self.now += timedelta(**by)


@dataclass
class Runs:
    """Stands for the execution of runs: keeps when each was started, and ends them as `state` says."""

    clock: Clock
    state: State = State.DONE
    during: Callable[[], None] = lambda: None
    at: list[datetime] = field(default_factory=list)

    def __call__(self, project: Project, schedule: Schedule) -> RunRecord:
        self.at.append(self.clock.now)
        self.during()
        return ended_run(f"run-{len(self.at)}", self.state)


def ended_run(run_id: str, state: State = State.DONE, **more: Any) -> RunRecord:
    return RunRecord(run_id=run_id, template="t", template_sha256="", actor="ana", created=MIDNIGHT, state=state, **more)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def runs(clock: Clock) -> Runs:
    return Runs(clock)


@pytest.fixture
def clocked(project: Project, clock: Clock) -> Project:
    """The project, whose clock is `clock`."""
    return replace(project, clock=clock)


def write_schedule(project: Project, name: str = "nightly", **fields: Any) -> Schedule:
    """A schedule's file; due at 03:00 UTC every day unless said otherwise. Six fields in `cron` begin with seconds."""
    now = project.clock()
    given = {"what": "template", "target": "t", "cron": "0 3 * * *", "tz": "UTC", "created": now, "since": now, "actor": "ana"}
    return project.save(Schedule(name=name, **{**given, **fields}), name)


@pytest.fixture
def service(clocked: Project, runs: Runs) -> Callable[..., Service]:
    """`service(catch_up=2)` writes the schedule 'nightly' and gives its service."""

    def make(**fields: Any) -> Service:
        write_schedule(clocked, **fields)
        return Service(clocked, "nightly", clocked.clock(), run=runs)

    return make
