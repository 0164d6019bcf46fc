"""What is in a project at a glance, and what its audit log says."""

from __future__ import annotations

import json
from collections import Counter, deque
from pathlib import Path
from typing import ClassVar, TypeVar

from workbench.errors import UserError
from workbench.findings import Finding, Outcome
from workbench.project.folder import Project
from workbench.project.look import look
from workbench.project.worker import alive_worker
from workbench.records.base import Record
from workbench.records.pipeline import PipelineRecord
from workbench.records.run import State
from workbench.records.view import View
from workbench.records.worker import WorkerRecord

R = TypeVar("R", bound=Record)


class ProjectStatus(Record):
    """What is in a project, at a glance."""

    kind: ClassVar[str] = "status"

    name: str
    root: str
    owner: str
    datasets: int
    pipelines: tuple[str, ...]
    runs: dict[str, int]
    last_pipeline: str
    size_bytes: int
    schedules: int = 0
    worker: str = ""  # the scheduler worker that is alive, and what it starts next

    def view(self) -> View:
        runs = ", ".join(f"{n} {state}" for state, n in self.runs.items()) or "none yet"
        return View(
            title=f"project {self.name}",
            facts=(
                ("folder", self.root),
                ("owner", self.owner or "not named"),
                ("datasets", str(self.datasets)),
                ("pipelines", ", ".join(self.pipelines) or "none yet"),
                ("runs", runs),
                ("last pipeline", self.last_pipeline or "none yet"),
                *(
                    (("schedules", f"{self.schedules}: {self.worker or 'no worker is alive, nothing will start'}"),)
                    if self.schedules or self.worker
                    else ()
                ),
                ("state on disk", f"{self.size_bytes / 2**20:.0f} MiB"),
            ),
            next=self._next(),
        )

    def _next(self) -> tuple[str, ...]:
        register = () if self.datasets else ("workbench access register FILE",)
        start = ("workbench production worker --detach",) if self.schedules and not self.worker else ()
        return (*register, *start)


def status(project: Project) -> ProjectStatus:
    """What is in this project: datasets, pipelines, runs, schedules."""
    states = Counter(_state(path) for path in sorted(project.runs.glob("*/record.json")))
    worker = alive_worker(project)
    pipelines = sorted((project.state / "pipelines").glob("*/record.json"))
    last = _readable(PipelineRecord, pipelines[-1]) if pipelines else None
    return ProjectStatus(
        name=project.config.name,
        root=str(project.root),
        owner=project.config.owner,
        datasets=len(list((project.root / "contracts").glob("*.odcs.yaml"))),
        pipelines=tuple(sorted(p.stem for p in (project.root / "pipelines").glob("*.toml"))),
        runs=dict(states),
        last_pipeline="" if last is None else f"{last.name} {last.state.value}, {last.created:%Y-%m-%d %H:%M} UTC",
        size_bytes=sum(p.stat().st_size for p in project.state.rglob("*") if p.is_file()),
        schedules=len(list((project.state / "schedules").glob("*.json"))),
        worker="" if worker is None else f"worker alive, {worker.where}" + _due(worker),
    )


def _due(worker: WorkerRecord) -> str:
    return f", next {worker.next_schedule} at {worker.next_due:%Y-%m-%d %H:%M} UTC" if worker.next_due else ""


def _state(path: Path) -> str:
    """The state in a run's record. Only one without an ending is read whole: there may be thousands."""
    try:
        state = str(json.loads(path.read_bytes())["state"])
        return state if State(state).ended else look(path.parent).state.value
    except (UserError, OSError, ValueError, KeyError, TypeError):
        return "unreadable"


def _readable(kind: type[R], path: Path) -> R | None:
    """The record, or None for one that is broken or newer than this workbench: it must not hide the others."""
    try:
        return kind.load(path)
    except UserError:
        return None


class AuditReport(Record):
    """What the audit log holds, or whether its chain is unbroken."""

    kind: ClassVar[str] = "audit"

    lines: tuple[tuple[str, str, str, str], ...] = ()  # time, actor, event, facts
    findings: tuple[Finding, ...] = ()

    def view(self) -> View:
        columns = ("time", "who", "event", "facts") if self.lines else ()
        return View(title="audit log", columns=columns, rows=self.lines, findings=self.findings)


def verify_audit(project: Project) -> AuditReport:
    """Walk the chain of the audit log and name every line that was changed, removed or torn."""
    if not project.audit.size():
        gone = Finding(
            check="audit.chain",
            outcome=Outcome.FAIL,
            message="there is no line, though `workbench init` wrote the first",
            fix="restore .workbench/audit.jsonl from your backup",
        )
        return AuditReport(findings=(gone,))
    return AuditReport(findings=tuple(project.audit.verify()))


def list_audit(project: Project, *, limit: int = 20) -> AuditReport:
    """Show the last lines of the audit log.

    limit: at most so many.
    """
    last = deque(project.audit.entries(), maxlen=max(limit, 0))
    lines = ((e["time"], e["actor"], e["event"], json.dumps(e["facts"], ensure_ascii=False)) for e in last)
    return AuditReport(lines=tuple(lines))
