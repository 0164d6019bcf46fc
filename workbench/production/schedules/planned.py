"""What can be said of a schedule now: when it runs next, and what came of the last time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice

from workbench.production.schedules.calendar import Calendar
from workbench.production.schedules.history import History, Line
from workbench.production.schedules.record import Planned, Schedule, folder
from workbench.project import Project
from workbench.project.worker import alive_worker


def planned(project: Project, found: Schedule, *, note: str = "") -> Planned:
    """A schedule with what can be said of it now. Raises BadInput for one that a hand has broken."""
    calendar = Calendar(found.cron, found.tz)
    due = [] if found.paused else list(islice(_from(calendar, project.clock()), 3))
    worker = alive_worker(project)
    return Planned(
        schedule=found,
        reading=calendar.reading(),
        next=tuple(calendar.wall(moment) for moment in due),
        last=_last(project, found, calendar),
        worker="" if worker is None else worker.where,
        note=note,
    )


def _from(calendar: Calendar, moment: datetime) -> Iterator[datetime]:
    while (due := calendar.after(moment)) is not None:
        yield due
        moment = due


def _last(project: Project, found: Schedule, calendar: Calendar) -> str:
    history = History(folder(project) / f"{found.name}.jsonl")
    history.refresh()
    return "" if history.last is None else _told(history.last, calendar)


def _told(line: Line, calendar: Calendar) -> str:
    when = calendar.wall(line.time)
    match line.event:
        case "fired":
            return f"running since {when}"
        case "ended":
            return f"{line.state} {when}" + (f": {line.error}" if line.error else "")
        case "skipped":
            return f"skipped {when}: the run before it was still going"
    return f"missed {line.count} until {when}"
