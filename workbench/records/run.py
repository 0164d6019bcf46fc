"""What a run leaves behind: its record, the figures and artifacts it declared, the error that ended it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, JsonValue

from workbench.findings import Finding
from workbench.records.base import Record
from workbench.records.view import View


class State(StrEnum):
    """Where a run stands. Lost: its process is gone and left no ending. Unknown hosts stay as they were written."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    LOST = "lost"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self not in (State.QUEUED, State.RUNNING)


class Part(BaseModel):
    """A frozen part of a record."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)  # most processes use few of the models


class Figure(Part):
    """One number or word that a run declares as its result; at most one of a run is the headline."""

    name: str
    value: float | int | str | bool | None
    unit: str = ""
    label: str = ""
    headline: bool = False

    def shown(self) -> str:
        """`45.9 %`: the value as a person reads it."""
        if isinstance(self.value, float):
            text = f"{self.value:,.4g}" if abs(self.value) < 10_000 else f"{self.value:,.0f}"
        elif isinstance(self.value, int) and not isinstance(self.value, bool):
            text = f"{self.value:,}"
        else:
            text = str(self.value)
        return f"{text} {self.unit}" if self.unit else text


class Artifact(Part):
    """A file or folder that a run hands on. `path` is relative to the run folder."""

    name: str
    path: str
    sha256: str
    size_bytes: int


class Input(Part):
    """What a run read: a governed dataset or a file, with the hash of its content."""

    name: str
    sha256: str
    contract_version: str = ""
    purpose: str = ""


class FailureKind(StrEnum):
    """What kind of thing ended a run: only INFRASTRUCTURE may go better the next time by itself."""

    CELL = "cell"  # the notebook's own error, a cell over its time included
    INFRASTRUCTURE = "infrastructure"  # the kernel or the process died, the disk was full, the kernel did not start
    LIMIT = "limit"  # the run took more time or memory than it was given
    STOPPED = "stopped"  # by a person or a scheduler


class Failure(Part):
    """The cell that ended a run: its source, and the error as the kernel told it (no terminal colours)."""

    kind: FailureKind = FailureKind.CELL
    cell: int | None
    source: str
    name: str
    message: str
    traceback: tuple[str, ...] = ()


class Process(Part):
    """Which process runs it. Together these find out later whether it is still alive."""

    host: str
    boot_id: str
    pid: int
    started: float  # seconds as the operating system tells them, since the boot or the epoch


class Limits(Part):
    """What a run may take; None is no limit. Memory is the resident size of all its processes together."""

    run_s: float | None = None
    cell_s: float | None = None
    memory_bytes: int | None = None


class RunRecord(Record):
    """One run of one template. Written at start, as cells finish (at most once a second), and at the end."""

    kind: ClassVar[str] = "run"
    version: ClassVar[int] = 2

    run_id: str
    run_key: str = ""  # sha256 of code, parameters, environment, inputs, seed; set at the end, when the inputs are known
    generation: int = 1  # equal runs that were asked for anew (`--fresh`, reproduce) count up
    accepted: bool | None = None  # is it *the* result of its key and generation? None: not decided
    reused: bool = False  # in an answer: an earlier, equal run's record stands for a new one; never on disk
    reproduces: str = ""  # the run that this one repeats
    sweep: str = ""  # the sweep it belongs to, and its place in it
    position: int | None = None
    attempt: int = 1
    schedule: str = ""  # the schedule that started it
    limits: Limits = Limits()
    template: str
    template_sha256: str
    source: str = ""  # where the template came from: a URL, or a path (`templates.origin`)
    parameters: dict[str, JsonValue] = {}
    seed: int | None = None
    state: State = State.QUEUED
    actor: str
    engine: str = "workbench"
    kernel: str = ""
    process: Process | None = None
    created: datetime
    started: datetime | None = None
    finished: datetime | None = None
    cells_done: int = 0
    cells_total: int = 0
    environment_sha256: str = ""
    policy_sha256: str = ""  # of policy.toml as the run found it
    hash_seed: str = ""  # PYTHONHASHSEED of its processes
    output_sha256: str = ""  # of output.ipynb, once it has ended
    git_commit: str | None = None
    inputs: tuple[Input, ...] = ()
    figures: tuple[Figure, ...] = ()
    artifacts: tuple[Artifact, ...] = ()
    findings: tuple[Finding, ...] = ()
    failure: Failure | None = None
    cpu_s: float | None = None
    peak_rss_bytes: int | None = None

    @classmethod
    def upgrade(cls, data: dict[str, Any], version: int) -> dict[str, Any]:
        """Version 2 added fields that all have a default."""
        return data

    @property
    def wall_s(self) -> float | None:
        """Seconds from start to end; None while it has not ended."""
        return (self.finished - self.started).total_seconds() if self.started and self.finished else None

    @property
    def headline(self) -> Figure | None:
        """The one figure that matters."""
        return next((f for f in self.figures if f.headline), None)

    def artifact(self, name: str) -> Artifact | None:
        return next((a for a in self.artifacts if a.name == name), None)

    def view(self) -> View:
        wall = "" if self.wall_s is None else f"{self.wall_s:.1f} s"
        facts = [
            ("template", self.template),
            ("state", self.state.value + (" (an earlier, equal run)" if self.reused else "")),
            ("time", wall),
            ("cells", f"{self.cells_done} of {self.cells_total}"),
            ("by", self.actor),
            *((f.label or f.name, f.shown()) for f in self.figures),
            *((f"artifact {a.name}", f".workbench/runs/{self.run_id}/{a.path}") for a in self.artifacts),
        ]
        text = "" if self.failure is None else failure_text(self.failure)
        if self.state is State.LOST:
            text = f"its process is gone and left no ending; what it printed stands in log.txt of the run's folder\n\n{text}"
        return View(
            title=f"run {self.run_id}",
            facts=tuple((k, v) for k, v in facts if v),
            findings=self.findings,
            text=text,
        )


def failure_text(failure: Failure) -> str:
    """A failure as a person reads it: where, the cell's source, the traceback."""
    where = "the kernel" if failure.cell is None else f"cell {failure.cell}"
    source = "\n".join(f"    {line}" for line in failure.source.splitlines())
    trace = "\n".join(failure.traceback) or f"{failure.name}: {failure.message}"
    return f"{where} failed\n\n{source}\n\n{trace}".strip()


class RunList(Record):
    """Runs, newest first; findings name the records that cannot be read."""

    kind: ClassVar[str] = "run_list"

    runs: tuple[RunRecord, ...]
    findings: tuple[Finding, ...] = ()

    def view(self) -> View:
        rows = tuple(
            (
                run.run_id,
                run.state.value,
                "" if run.wall_s is None else f"{run.wall_s:.1f}",
                "" if run.headline is None else f"{run.headline.label or run.headline.name}: {run.headline.shown()}",
            )
            for run in self.runs
        )
        columns = ("run", "state", "seconds", "figure")
        return View(title=f"{len(rows)} runs", columns=columns, rows=rows, findings=self.findings)
