"""What a schedule runs, and what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from workbench.errors import UserError, WorkbenchError
from workbench.findings import blocking
from workbench.production.inputs import check_inputs
from workbench.production.launch import Asked, start
from workbench.production.pipelines.pipeline import pipeline
from workbench.production.run_folder import run_folders
from workbench.production.schedules.history import Line
from workbench.production.schedules.record import Schedule
from workbench.production.templates import load
from workbench.production.validation import validate
from workbench.project import Project, look, look_pipeline
from workbench.records.pipeline import PipelineRecord
from workbench.records.run import Failure, Figure, RunRecord, State

Ended = RunRecord | PipelineRecord
R = TypeVar("R", RunRecord, PipelineRecord)


@dataclass(frozen=True)
class Outcome:
    """How one time ended. error: one line without values of parameters; findings: how many fail."""

    state: State
    run: str = ""
    error: str = ""
    figures: tuple[Figure, ...] = ()
    findings: int = 0

    @property
    def well(self) -> bool:
        """Would the command have exited with 0?"""
        return self.state is State.DONE and not self.findings


def run_target(project: Project, schedule: Schedule) -> Ended:
    """Run it once, anew even if an equal run has a result. Checked again: template, policy and data may have changed."""
    if schedule.what == "pipeline":
        return pipeline(project, schedule.target, fresh=True)
    target = notebook_name(project, schedule.target)
    name, notebook, known = load(project, target)
    values = validate(known, schedule.parameters, name)
    check_inputs(project, known, values)
    asked = Asked(limits=schedule.limits, fresh=True, schedule=schedule.name)
    return start(project, target, notebook, values, asked=asked)


def notebook_name(project: Project, target: str) -> str:
    """The target as `templates.load` takes it: a path in a schedule starts at the project's folder."""
    return str(project.root / target) if target.endswith(".ipynb") and "://" not in target else target


def outcome_of(ended: Ended) -> Outcome:
    """What there is to tell of a run's or a pipeline's record."""
    if isinstance(ended, RunRecord):
        run, figures = ended.run_id, ended.figures
    else:
        run, figures = ended.pipeline_id, tuple(s.headline for s in ended.steps if s.headline)
    return Outcome(
        state=ended.state,
        run=run,
        error=_error(ended.failure),
        figures=figures,
        findings=len(blocking(ended.findings)),
    )


def _error(failure: Failure | None) -> str:
    """`ZeroDivisionError in cell 4`: not the message, which may hold data."""
    if failure is None:
        return ""
    return failure.name if failure.cell is None else f"{failure.name} in cell {failure.cell}"


def outcome_of_error(error: BaseException) -> Outcome:
    """The same for a run that did not come about, or was stopped."""
    if isinstance(error, KeyboardInterrupt):
        return Outcome(state=State.CANCELLED, error="stopped by a person")
    return Outcome(state=State.FAILED, error=error.what if isinstance(error, WorkbenchError) else type(error).__name__)


def left_by(project: Project, schedule: Schedule, fired: Line) -> Ended | None:
    """The record that a firing has left although its process could not say so; None when it came to no record."""
    if schedule.what == "pipeline":
        place, name = project.state / "pipelines", schedule.target
        return _newest(place, name, look_pipeline, lambda r: r.name == name and r.process == fired.process, fired)
    name = Path(schedule.target).stem if schedule.target.endswith(".ipynb") else schedule.target
    return _newest(project.runs, name, look, lambda r: r.schedule == schedule.name, fired)


def _newest(place: Path, name: str, look_at: Callable[[Path], R], is_it: Callable[[R], bool], fired: Line) -> R | None:
    for found in sorted(run_folders(place, name), reverse=True):
        try:
            record = look_at(found)
        except UserError:
            continue
        if is_it(record) and record.created >= fired.time - timedelta(seconds=1):
            return record
    return None
