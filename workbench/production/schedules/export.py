"""The same schedule for another scheduler: a crontab line, a GitHub workflow, or an Airflow DAG.

Each of them starts our runs, so the run's folder and the audit log are the same. What they do not have is said in the file and
as a finding: who is told, and how many missed runs are made up for.
"""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import JsonValue

from workbench import __version__
from workbench.errors import BadInput
from workbench.findings import Finding, Outcome
from workbench.production.schedules.calendar import Calendar, machine_zone, same_hours
from workbench.production.schedules.record import Schedule, read_schedule
from workbench.production.schedules.target import notebook_name
from workbench.production.templates import resolve
from workbench.project import Project
from workbench.records.base import Record
from workbench.records.files import given_path, write_atomic
from workbench.records.view import View

_SHORTEST_S = 300  # GitHub starts nothing more often


class Exported(Record):
    """A schedule as another scheduler reads it. findings: what is different there."""

    kind: ClassVar[str] = "exported_schedule"

    schedule: str
    to: str
    text: str
    path: str = ""  # where it was written; empty for nowhere
    findings: tuple[Finding, ...] = ()

    def view(self) -> View:
        return View(
            title=f"schedule {self.schedule} for {self.to}",
            facts=(("written to", self.path),) if self.path else (),
            text="" if self.path else self.text,
            findings=self.findings,
        )


def export(project: Project, name: str, *, to: Literal["cron", "github", "airflow"], out: Path | None = None) -> Exported:
    """Draw the schedule NAME for another scheduler, which then runs it without a worker of ours.

    to: a line for a crontab, a workflow for GitHub Actions, or a DAG for Airflow 3.
    out: the file to write; it is printed when left out.
    """
    schedule = read_schedule(project, name)
    calendar = Calendar(schedule.cron, schedule.tz)
    text, findings = _DRAWN[to](project, schedule, calendar)
    if out is not None:
        write_atomic(given_path(out), text.encode())
    return Exported(
        schedule=name,
        to=to,
        text=text,
        path="" if out is None else str(out),
        findings=(*findings, *_left_out(schedule)),
    )


def _cron(project: Project, schedule: Schedule, calendar: Calendar) -> tuple[str, list[Finding]]:
    _only_standard(schedule, "cron")
    command = (
        f"cd {shlex.quote(str(project.root))} && {shlex.join([sys.executable, '-P', '-m', 'workbench', *_words(schedule)])}"
    )
    log = shlex.quote(f".workbench/schedules/{schedule.name}.log")
    line = f"{schedule.cron} {command} >> {log} 2>&1"
    if "\n" in line or "\r" in line:
        raise BadInput("a crontab cannot hold this schedule", why="a parameter has a line break", fix="export it elsewhere")
    findings = []
    if not same_hours(schedule.tz, machine_zone(), project.clock()):
        findings.append(
            _differs(
                "zone",
                f"only some crons read CRON_TZ (cronie does; Debian's and macOS's do not, and go by {machine_zone()} here)",
                f"man 5 crontab; without it, write the hours as in {machine_zone()}",
            )
        )
    text = _draw("crontab.j2", schedule=schedule, reading=calendar.reading(), line=line.replace("%", r"\%"))
    return text, findings


def _github(project: Project, schedule: Schedule, calendar: Calendar) -> tuple[str, list[Finding]]:
    _only_standard(schedule, "GitHub")
    words = shlex.join(["workbench", *_words(schedule)])
    findings = []
    first = calendar.after(schedule.since)
    second = first and calendar.after(first)
    if first and second and (second - first).total_seconds() < _SHORTEST_S:
        findings.append(_differs("often", "GitHub starts a workflow every 5 minutes at most", "use a worker for this one"))
    folder = _folder_in_repository(project)
    if folder is None:
        findings.append(_differs("repository", "this project is in no git repository", "git init, and push it to GitHub"))
    minutes = None if schedule.limits.run_s is None else max(1, -(-int(schedule.limits.run_s) // 60) + 10)
    text = _draw(
        "github.yml.j2",
        schedule=schedule,
        reading=calendar.reading(),
        command=words.replace("${{", "${{ '${{' }}"),  # else GitHub would read it as an expression of its own
        folder=folder or ".",
        minutes=minutes,
        version=__version__,
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
    )
    return text, findings


def _airflow(project: Project, schedule: Schedule, calendar: Calendar) -> tuple[str, list[Finding]]:
    _only_standard(schedule, "Airflow")
    notebook = ""
    if schedule.what == "template":
        notebook = str(resolve(project, notebook_name(project, schedule.target))[1])
    text = _draw(
        "airflow.py.j2",
        schedule=schedule,
        reading=calendar.reading(),
        project=str(project.root),
        notebook=notebook,
        parameters=_literal(schedule.parameters),
        command=shlex.join([sys.executable, "-P", "-m", "workbench", *_words(schedule)]),
    )
    findings = []
    if schedule.limits.cell_s or schedule.limits.memory_bytes:
        findings.append(
            _differs("limits", "Airflow holds the time of a run only", "use a worker where a cell's time or memory matters")
        )
    return text, findings


def _literal(value: JsonValue | Mapping[str, JsonValue]) -> JsonValue:
    """A value that comes out of Airflow's templating as it went in."""
    if isinstance(value, str):
        return f"{{% raw %}}{value}{{% endraw %}}" if re.search(r"\{[{%#]", value) else value
    if isinstance(value, Mapping):
        return {key: _literal(inner) for key, inner in value.items()}
    return [_literal(inner) for inner in value] if isinstance(value, list) else value


_DRAWN: Mapping[str, Callable[[Project, Schedule, Calendar], tuple[str, list[Finding]]]] = {
    "cron": _cron,
    "github": _github,
    "airflow": _airflow,
}


def _words(schedule: Schedule) -> list[str]:
    """The command that does what the schedule does, after `workbench`."""
    if schedule.what == "pipeline":
        return ["production", "pipeline", schedule.target, "--fresh"]
    words = ["production", "run", schedule.target, "--fresh"]
    for name, value in schedule.parameters.items():
        words += ["-p", f"{name}={value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"]
    for option, limit in (("--timeout", schedule.limits.run_s), ("--cell-timeout", schedule.limits.cell_s)):
        words += [] if limit is None else [option, f"{limit:g}"]
    return words + ([] if schedule.limits.memory_bytes is None else ["--memory", str(schedule.limits.memory_bytes)])


def _draw(page: str, **facts: Any) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("workbench.production.schedules", "pages"),
        autoescape=False,  # neither is HTML: each value is quoted for where it stands
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    # a JSON text is also YAML, and in one line also fit for a comment
    environment.filters |= {"python": repr, "yaml": lambda value: json.dumps(value, ensure_ascii=False)}
    return environment.get_template(page).render(**facts)


def _folder_in_repository(project: Project) -> str | None:
    """Where the project lies in its git repository; None when it is in none."""
    try:
        asked = ["git", "rev-parse", "--show-prefix"]
        done = subprocess.run(asked, cwd=project.root, check=True, capture_output=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode().strip().rstrip("/") or "."


def _only_standard(schedule: Schedule, other: str) -> None:
    _, _, days, _, weekdays = schedule.cron.upper().split()
    if "L" in days or "L" in weekdays or "#" in weekdays:
        raise BadInput(
            f"{other} cannot run '{schedule.cron}'", why="L and # are not standard cron", fix="use a worker for this schedule"
        )


def _left_out(schedule: Schedule) -> list[Finding]:
    hooks = [kind for kind in ("finish", "failure", "late") if getattr(schedule, f"on_{kind}")]
    if not hooks:
        return []
    told = "on " + ", ".join(hooks)
    return [_differs("notices", f"nobody is told {told}", "set it up in the other scheduler")]


def _differs(what: str, message: str, fix: str) -> Finding:
    return Finding(check=f"schedule.export.{what}", outcome=Outcome.WARN, message=message, fix=fix)
