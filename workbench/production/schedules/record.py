"""A schedule as it lies in the project, and as a person sees it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import JsonValue

from workbench.errors import UnknownName, unknown
from workbench.findings import Finding, Outcome
from workbench.production.secrecy.secrets import PREFIX
from workbench.project import Project
from workbench.records.base import Record
from workbench.records.run import Limits
from workbench.records.view import View


class Schedule(Record):
    """`.workbench/schedules/<name>.json`.

    parameters: those that were given; the template's own defaults hold for the others, as they are when it runs.
    catch_up: how many runs at most are made up for, after a time without a worker.
    on_finish, on_failure, on_late: a URL that is sent the event, or a command that is given it, or the secret:// that stands
        for one; empty for none.
    late_after_s: seconds after which a run that has not ended counts as late, from when it was due; None: never.
    since: from when it counts. Due times before it (it was paused, or not there yet) are not missed.
    """

    kind: ClassVar[str] = "schedule"

    name: str
    what: Literal["template", "pipeline"]
    target: str
    parameters: dict[str, JsonValue] = {}
    cron: str
    tz: str
    paused: bool = False
    catch_up: int = 1
    limits: Limits = Limits()
    on_finish: str = ""
    on_failure: str = ""
    on_late: str = ""
    late_after_s: float | None = None
    created: datetime
    since: datetime
    actor: str


class Planned(Record):
    """A schedule, and what can be said of it now: when it runs next, and what came of the last time."""

    kind: ClassVar[str] = "planned_schedule"

    schedule: Schedule
    reading: str
    next: tuple[str, ...] = ()
    last: str = ""
    worker: str = ""  # the one that is alive; empty for none
    note: str = ""

    @property
    def findings(self) -> tuple[Finding, ...]:
        return () if self.schedule.paused else no_worker(self.worker)

    def view(self) -> View:
        s = self.schedule
        hooks = (("on finish", s.on_finish), ("on failure", s.on_failure), ("on late", s.on_late))
        facts = (
            ("runs", f"{s.what} {s.target}"),
            ("with", ", ".join(f"{name}={value}" for name, value in s.parameters.items())),
            ("when", f"{self.reading} ({s.cron}, {s.tz})"),
            ("next", ", ".join(self.next) if not s.paused else "paused"),
            ("made up for", f"at most {s.catch_up} of the runs that were missed"),
            *((name, shown_hook(hook)) for name, hook in hooks),
            ("late after", "" if s.late_after_s is None else f"{s.late_after_s:g} s"),
            ("last", self.last),
            ("by", s.actor),
            ("worker", self.worker),
            ("note", self.note),
        )
        following = ("workbench production worker --detach",) if not self.worker and not s.paused else ()
        return View(
            title=f"schedule {s.name}", facts=tuple((k, v) for k, v in facts if v), findings=self.findings, next=following
        )


class ScheduleList(Record):
    """The schedules of a project, and whether a worker is alive that runs them."""

    kind: ClassVar[str] = "schedule_list"

    schedules: tuple[Planned, ...]
    worker: str = ""
    problems: tuple[Finding, ...] = ()

    @property
    def findings(self) -> tuple[Finding, ...]:
        active = any(not planned.schedule.paused for planned in self.schedules)
        return (*self.problems, *(no_worker(self.worker) if active else ()))

    def view(self) -> View:
        rows = tuple(
            (
                p.schedule.name,
                p.schedule.target,
                f"{p.reading} ({p.schedule.tz})",
                "paused" if p.schedule.paused else next(iter(p.next), "never"),
                p.last,
            )
            for p in self.schedules
        )
        return View(
            title=f"{len(rows)} schedules",
            facts=(("worker", self.worker or "none is alive"),),
            columns=("schedule", "runs", "when", "next", "last"),
            rows=rows,
            findings=self.findings,
        )


def no_worker(worker: str) -> tuple[Finding, ...]:
    """The warning that nothing will run, unless a worker is alive."""
    if worker:
        return ()
    message = "no worker is alive: nothing runs by itself"
    return (
        Finding(check="schedule.worker", outcome=Outcome.WARN, message=message, fix="workbench production worker --detach"),
    )


def shown_hook(hook: str) -> str:
    """A hook as it may be printed: of a URL only where it goes, for the rest of a webhook's address is its password."""
    url = "://" in hook.split(" ", 1)[0] and not hook.startswith(PREFIX)
    return f"{urlsplit(hook).scheme}://{urlsplit(hook).hostname}/…" if url else hook


def folder(project: Project) -> Path:
    """Where the schedules lie."""
    return project.folder(Schedule)


def names(project: Project) -> list[str]:
    """The schedules' names."""
    return sorted(path.stem for path in folder(project).glob("*.json"))


def read_schedule(project: Project, name: str) -> Schedule:
    """A schedule by its name. Raises UnknownName, or BadInput for a file that is none."""
    known = names(project)
    if name not in known:
        raise unknown("schedule", name, known, fix="workbench production schedules")
    return Schedule.load(folder(project) / f"{name}.json")


def read_or_none(project: Project, name: str) -> Schedule | None:
    """The same, None for one that is not there (any more)."""
    try:
        return Schedule.load(folder(project) / f"{name}.json")
    except UnknownName:
        return None
