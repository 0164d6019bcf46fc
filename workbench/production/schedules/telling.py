"""Tell a schedule's webhooks and commands of what happened, and note whether they could be told."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from workbench.errors import WorkbenchError
from workbench.production.notify import Event, notify
from workbench.production.schedules.history import History
from workbench.production.schedules.record import Schedule, shown_hook
from workbench.production.schedules.target import Outcome
from workbench.project import Project

log = logging.getLogger("workbench.worker")

Kind = Literal["finish", "failure", "late"]


@dataclass(frozen=True)
class Notice:
    """Something to tell: of which schedule, and to whom (a URL or a command; empty for nobody)."""

    schedule: Schedule
    kind: Kind
    event: Event

    @property
    def to(self) -> str:
        hooks = {"finish": self.schedule.on_finish, "failure": self.schedule.on_failure, "late": self.schedule.on_late}
        return hooks[self.kind]


def late(project: Project, schedule: Schedule, due: datetime, why: str) -> Notice:
    """It did not run when it was due, or has not ended in time."""
    text = f"{project.config.name}: schedule {schedule.name} is late, {why}"
    return Notice(schedule, "late", {**_facts(project, schedule, due), "event": "late", "text": text, "why": why})


def ended(project: Project, schedule: Schedule, due: datetime | None, outcome: Outcome, seconds: float | None) -> Notice:
    """It ended: well, or with a failure or a failing finding."""
    kind: Kind = "finish" if outcome.well else "failure"
    why = outcome.error or (f"{outcome.findings} findings fail" if outcome.findings else "")
    text = f"{project.config.name}: schedule {schedule.name} {outcome.state.value}" + (f", {why}" if why else "")
    event: Event = {
        **_facts(project, schedule, due),
        "event": kind,
        "text": text,
        "run": outcome.run,
        "state": outcome.state.value,
        "seconds": seconds,
        "figures": [{"name": f.name, "value": f.value, "unit": f.unit} for f in outcome.figures],
        "why": why,
    }
    return Notice(schedule, kind, event)


def _facts(project: Project, schedule: Schedule, due: datetime | None) -> Event:
    """What every event holds. No parameters: they may be nobody's business."""
    return {
        "project": project.config.name,
        "schedule": schedule.name,
        "target": schedule.target,
        "due": None if due is None else due.isoformat(),
    }


def send(project: Project, notice: Notice, history: History, *, act: Callable[[Callable[[], None]], None]) -> None:
    """Have it told (`act` chooses the thread), and note in the history how that went; a failure is audited too."""
    if notice.to:
        act(lambda: _send(project, notice, history))


def _send(project: Project, notice: Notice, history: History) -> None:
    error = notify(notice.to, notice.event, folder=str(project.root))
    try:
        if error:
            log.warning("%s: on_%s could not be told: %s", notice.schedule.name, notice.kind, error)
            project.audit.append(
                "schedule.untold", schedule=notice.schedule.name, kind=notice.kind, to=shown_hook(notice.to), error=error
            )
        with history.locked():
            history.append("told", time=project.clock(), kind=notice.kind, error=error)
    except WorkbenchError as full:
        log.error("%s: %s", notice.schedule.name, full.what)
