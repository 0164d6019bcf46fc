"""What a run of a pipeline leaves behind: its steps, as far as they got."""

from __future__ import annotations

import shlex
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from workbench.findings import Finding
from workbench.records.base import Record
from workbench.records.run import Failure, Figure, Part, Process, State, failure_text
from workbench.records.view import View


class Skip(StrEnum):
    """What kept a step from running."""

    WHEN = "when"  # its `when` did not hold, or it takes something from a step of which that is true: nobody called for it
    REQUIRE = "require"  # its `require` did not hold, or it comes after a step of which that is true: it must not run


class Step(Part):
    """One step of a pipeline run, as far as it got. One that is skipped stays queued."""

    name: str
    template: str
    run_id: str = ""  # of a sweep: its best run, when there is a goal
    sweep: str = ""  # the sweep's id, when the step is one
    state: State = State.QUEUED
    seconds: float | None = None
    headline: Figure | None = None
    findings: tuple[Finding, ...] = ()
    reused: bool = False  # taken over: an equal run had the result already, or `--from` begins behind it
    skipped: Skip | None = None
    reason: str = ""  # why it was skipped: the condition and the figures

    @property
    def settled(self) -> bool:
        """Is it done, or was it not called for?"""
        return self.state is State.DONE or self.skipped is Skip.WHEN

    @property
    def status(self) -> str:
        """Its state as a person reads it."""
        return "skipped" if self.skipped else self.state.value + (" (earlier)" if self.reused else "")


class PipelineRecord(Record):
    """One run of a pipeline: its steps in the order in which they may begin. Written after every change."""

    kind: ClassVar[str] = "pipeline"
    version: ClassVar[int] = 2

    pipeline_id: str
    name: str
    title: str = ""
    notice: str = ""
    actor: str
    state: State = State.RUNNING
    process: Process | None = None
    created: datetime
    finished: datetime | None = None
    steps: tuple[Step, ...] = ()
    failure: Failure | None = None
    report: str = ""  # path of the report, relative to the project

    @classmethod
    def upgrade(cls, data: dict[str, Any], version: int) -> dict[str, Any]:
        """Version 2 added fields of steps that all have a default."""
        return data

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(f for step in self.steps for f in step.findings)

    def view(self) -> View:
        rows = tuple(
            (
                step.name,
                step.status,
                "" if step.seconds is None else f"{step.seconds:.1f}",
                step.reason
                or ("" if step.headline is None else f"{step.headline.label or step.headline.name}: {step.headline.shown()}"),
            )
            for step in self.steps
        )
        return View(
            title=self.title or self.name,
            facts=(("report", self.report),) if self.report else (),
            columns=("step", "status", "seconds", "figure"),
            rows=rows,
            findings=self.findings,
            text="" if self.failure is None else failure_text(self.failure),
            next=self._next(),
        )

    def _next(self) -> tuple[str, ...]:
        """Go on from the first step that has no result: not always the one that failed, since steps run side by side."""
        ended_badly = self.state in (State.FAILED, State.LOST, State.CANCELLED)
        first = next((s.name for s in self.steps if not s.settled), None)
        if not ended_badly or first is None:
            return ()
        return (f"workbench production pipeline {shlex.quote(self.name)} --from {shlex.quote(first)}",)
