"""Runs that were: list them, show one, and find out which are lost."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from workbench.errors import BadInput, MachineError, UserError, unknown
from workbench.findings import Finding, Outcome
from workbench.production.environment import is_alive
from workbench.production.templates import Template, describe, paths
from workbench.project import Project
from workbench.records.run import PipelineRecord, RunList, RunRecord, State

R = TypeVar("R", RunRecord, PipelineRecord)


def runs(project: Project, *, template: str | None = None, state: State | None = None, limit: int = 20) -> RunList:
    """List runs, newest first.

    template, state: only those; limit: at most so many.
    """
    if limit < 1:
        raise BadInput(f"cannot list {limit} runs", why="the limit must be at least 1", fix="--limit 20")
    found: list[RunRecord] = []
    problems: list[Finding] = []
    for path in sorted(project.runs.glob("*/record.json"), reverse=True):
        try:
            record = look(path.parent)
        except UserError as error:  # one broken record must not hide the others
            problems.append(
                Finding(check="run.record", outcome=Outcome.WARN, message=f"{error.what}: {error.why}", fix=error.fix)
            )
            continue
        if template in (None, record.template) and state in (None, record.state):
            found.append(record)
        if len(found) == limit:
            break
    return RunList(runs=tuple(found), findings=tuple(problems))


def show(project: Project, name: str) -> Template | RunRecord:
    """Show NAME: a template with its parameters, or a run by its id or the end of it."""
    if name in paths(project) or name.endswith(".ipynb"):
        return describe(project, name)
    ids = [path.parent.name for path in project.runs.glob("*/record.json")]
    fitting = [run_id for run_id in ids if run_id.endswith(name)]
    if len(fitting) > 1:
        raise BadInput(f"'{name}' fits {len(fitting)} runs", why=", ".join(sorted(fitting)[:5]), fix="give more of the id")
    if not fitting:
        raise unknown("template or run", name, [*paths(project), *ids], fix="workbench production templates, or … runs")
    return look(project.runs / fitting[0])


def look(folder: Path) -> RunRecord:
    """The record in a run's folder, as true as it can be known now: a run whose process is gone is lost, and says so."""
    return _look(RunRecord, folder / "record.json")


def look_pipeline(folder: Path) -> PipelineRecord:
    """The same for a pipeline's record."""
    return _look(PipelineRecord, folder / "record.json")


def _look(kind: type[R], path: Path) -> R:
    record = kind.load(path)
    if _gone(record):
        record = kind.load(path)  # it may have ended, or been handed to its child, between the two looks
    if not _gone(record):
        return record
    heard_of = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    record = record.model_copy(update={"state": State.LOST, "finished": heard_of})
    with contextlib.suppress(MachineError):  # lost all the same in a project that one may only read
        record.write(path)
    return record


def _gone(record: RunRecord | PipelineRecord) -> bool:
    """Has it no ending, and its process is known to be no more?"""
    return not record.state.ended and record.process is not None and is_alive(record.process) is False
