"""The verbs that make, list, pause and remove schedules. They change files; a worker notices that within a second."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import JsonValue

from workbench.errors import BadInput, UserError, unknown
from workbench.findings import Finding, Outcome
from workbench.production import templates
from workbench.production.inputs import check_inputs
from workbench.production.launch import limits
from workbench.production.notify import check_target
from workbench.production.pipelines.plan import plan
from workbench.production.schedules.calendar import Calendar, check_cron, machine_zone
from workbench.production.schedules.planned import planned
from workbench.production.schedules.record import (
    Planned,
    Schedule,
    ScheduleList,
    folder,
    names,
    read_or_none,
    read_schedule,
    shown_hook,
)
from workbench.production.schedules.service import Service
from workbench.production.schedules.target import Ended, notebook_name
from workbench.production.validation import validate
from workbench.project import Project
from workbench.project.worker import alive_worker
from workbench.records.files import given_path
from workbench.records.pipeline import PipelineRecord
from workbench.records.run import Limits, RunRecord

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}")
N = TypeVar("N", int, float)
MOST = 100  # runs made up for at most


def schedule(
    project: Project,
    target: str,
    *,
    cron: str,
    tz: str | None = None,
    name: str | None = None,
    parameter: Mapping[str, str] | None = None,
    catch_up: int = 1,
    timeout: float | None = None,
    cell_timeout: float | None = None,
    memory: str | None = None,
    on_finish: str | None = None,
    on_failure: str | None = None,
    on_late: str | None = None,
    late_after: float | None = None,
) -> Planned:
    """Run TARGET (a template, a pipeline, or the path of a notebook) by the calendar. A worker does it; see `worker`.

    cron: minute, hour, day of the month, month, day of the week; "0 6 * * 1" is at 06:00 on Mondays.
    tz: the time zone of these hours, as in Europe/Berlin; the machine's when left out.
    name: the schedule's name; the target's when left out. A schedule of that name and target is replaced.
    parameter: `name=value`, checked now and at every run.
    catch_up: how many missed runs are made up for when a worker is back; the latest ones.
    timeout: seconds that a run may take.
    cell_timeout: seconds that one cell may take.
    memory: what all processes of a run may hold together, as in 2GiB.
    on_finish: whom to tell that a run ended well: a webhook's URL or a command, or secret://NAME of one.
    on_failure: whom to tell that it failed, was lost, or has a failing finding.
    on_late: whom to tell that due times were missed, one was skipped, or a run takes too long.
    late_after: seconds after its time when a run that has not ended is called late.
    """
    what, target = _target(project, target)
    values = _parameters(project, what, target, parameter or {})
    now = project.clock()
    asked = Schedule(
        name=_name(name if name is not None else Path(target).stem),
        what=what,
        target=target,
        parameters=values,
        cron=check_cron(cron),
        tz=tz or machine_zone(),
        catch_up=_within("--catch-up", catch_up, 0, MOST),
        limits=_limits(what, limits(timeout, cell_timeout, memory)),
        on_finish=on_finish or "",
        on_failure=on_failure or "",
        on_late=on_late or "",
        late_after_s=None if late_after is None else _within("--late-after", late_after, 1, 366 * 86400),
        created=now,
        since=now,
        actor=project.actor,
    )
    Calendar(asked.cron, asked.tz)
    for hook in filter(None, (on_finish, on_failure, on_late)):
        check_target(hook)
    return _save(project, asked)


def _save(project: Project, asked: Schedule) -> Planned:
    earlier = read_or_none(project, asked.name)
    if earlier is not None and (earlier.what, earlier.target) != (asked.what, asked.target):
        raise BadInput(
            f"there is a schedule '{asked.name}' already",
            why=f"it runs {earlier.what} '{earlier.target}'",
            fix=f"give this one a --name, or: workbench production unschedule {asked.name}",
        )
    hooks = {f"on_{kind}": shown_hook(getattr(asked, f"on_{kind}")) for kind in ("finish", "failure", "late")}
    project.audit.append(
        "schedule.create",
        schedule=asked.name,
        what=asked.what,
        target=asked.target,
        cron=asked.cron,
        tz=asked.tz,
        replaced=earlier is not None,
        **{kind: hook for kind, hook in hooks.items() if hook},
    )
    project.save(asked, asked.name)
    note = "" if earlier is None else f"it replaces the one that was due by '{earlier.cron}' in {earlier.tz}"
    return planned(project, asked, note=note)


def schedules(project: Project) -> ScheduleList:
    """List the schedules: when each runs next, what came of its last run, and whether a worker is alive."""
    found: list[Planned] = []
    problems: list[Finding] = []
    for name in names(project):
        try:
            found.append(planned(project, read_schedule(project, name)))
        except UserError as error:  # one broken file must not hide the others
            problems.append(
                Finding(check="schedule.file", outcome=Outcome.WARN, message=f"{error.what}: {error.why}", fix=error.fix)
            )
    worker = alive_worker(project)
    return ScheduleList(schedules=tuple(found), worker="" if worker is None else worker.where, problems=tuple(problems))


def pause(project: Project, name: str) -> Planned:
    """Let the schedule NAME rest: nothing runs until `unpause`, and nothing counts as missed."""
    return _change(project, name, "schedule.pause", paused=True)


def unpause(project: Project, name: str) -> Planned:
    """Let the schedule NAME run again, from its next time on."""
    return _change(project, name, "schedule.unpause", paused=False, since=project.clock())


def _change(project: Project, name: str, event: str, *, paused: bool, **changes: Any) -> Planned:
    before = read_schedule(project, name)
    if before.paused == paused:
        return planned(project, before, note="it was paused already" if paused else "it was not paused")
    project.audit.append(event, schedule=name)
    return planned(project, project.save(before.model_copy(update={"paused": paused, **changes}), name))


def unschedule(project: Project, name: str) -> Planned:
    """Remove the schedule NAME. A run that is going goes on; what its runs left, and their list, is kept."""
    gone = planned(project, read_schedule(project, name), note="it is removed")
    project.audit.append("schedule.remove", schedule=name)
    (folder(project) / f"{name}.json").unlink(missing_ok=True)
    return gone.model_copy(update={"next": (), "schedule": gone.schedule.model_copy(update={"paused": True})})


def fire(project: Project, name: str) -> RunRecord | PipelineRecord:
    """Run the schedule NAME now, here, and wait for it; with its parameters and limits, and whom it tells."""
    read_schedule(project, name)
    ended: Ended = Service(project, name, project.clock()).fire()
    return ended


def _target(project: Project, target: str) -> tuple[Literal["template", "pipeline"], str]:
    """What it is, and its name; for a notebook or pipeline file given by its path, also where it lies."""
    pipelines = {path.stem for path in (project.root / "pipelines").glob("*.toml")}
    known = templates.paths(project)
    if target.endswith(".toml") and Path(target).stem in pipelines:
        return "pipeline", Path(target).stem
    if target.endswith(".ipynb"):
        return "template", target if "://" in target else _in_project(project, given_path(target))
    if target in pipelines and target in known:
        raise BadInput(
            f"'{target}' is a template and a pipeline",
            why="both have this name",
            fix=f"schedule pipelines/{target}.toml, or {known[target]}",
        )
    if target in pipelines:
        return "pipeline", target
    if target in known:
        return "template", target
    raise unknown("template or pipeline", target, [*known, *pipelines], fix="workbench production templates")


def _in_project(project: Project, path: Path) -> str:
    """A worker stands in the project's folder, wherever the person stood."""
    whole = path.resolve()
    return str(whole.relative_to(project.root)) if whole.is_relative_to(project.root) else str(whole)


def _parameters(project: Project, what: str, target: str, given: Mapping[str, str]) -> dict[str, JsonValue]:
    """What was given, as values; checked with the code that checks a run."""
    if what == "pipeline":
        if given:
            raise BadInput(f"'{target}' takes no parameters", why="it is a pipeline", fix=f"edit pipelines/{target}.toml")
        plan(project, target)
        return {}
    name, _, known = templates.load(project, notebook_name(project, target))
    values = validate(known, given, name, text=True)
    check_inputs(project, known, values)
    return {key: values[key] for key in given}


def _limits(what: str, asked: Limits) -> Limits:
    if what == "pipeline" and asked != Limits():
        raise BadInput("a pipeline takes no limits", why="each of its runs would need its own", fix="leave them out")
    return asked


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise BadInput(
            f"'{name[:80]}' cannot name a schedule", why="letters, digits, _ . and - make a name", fix="--name nightly"
        )
    return name


def _within(option: str, value: N, low: float, high: float) -> N:
    if not low <= value <= high:
        raise BadInput(f"{option} {value} is out of bounds", why=f"it must be {low:g} to {high:g}", fix=f"{option} {low:g}")
    return value
