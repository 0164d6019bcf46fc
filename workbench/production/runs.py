"""Runs that were: list them, show one, and find out which are lost."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from workbench.errors import BadInput, unknown
from workbench.production.environment import is_alive
from workbench.production.templates import Template, describe, paths
from workbench.project import Project
from workbench.records.run import PipelineRecord, RunList, RunRecord, State


def runs(project: Project, *, template: str | None = None, state: State | None = None, limit: int = 20) -> RunList:
    """List runs, newest first.

    template, state: only those; limit: at most so many.
    """
    if limit < 1:
        raise BadInput(f"cannot list {limit} runs", why="the limit must be at least 1", fix="--limit 20")
    found = []
    for folder in sorted(project.runs.glob("*/record.json"), reverse=True):
        record = look(folder.parent)
        if template in (None, record.template) and state in (None, record.state):
            found.append(record)
        if len(found) == limit:
            break
    return RunList(runs=tuple(found))


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
    record = RunRecord.load(folder / "record.json")
    if record.state.ended or record.process is None or is_alive(record.process) is not False:
        return record
    record = RunRecord.load(folder / "record.json")  # it may have ended between the two looks
    if not record.state.ended:
        record = record.model_copy(update={"state": State.LOST, "finished": datetime.now(UTC)})
        record.write(folder / "record.json")
    return record


def look_pipeline(folder: Path) -> PipelineRecord:
    """The same for a pipeline's record."""
    record = PipelineRecord.load(folder / "record.json")
    if record.state.ended or record.process is None or is_alive(record.process) is not False:
        return record
    record = record.model_copy(update={"state": State.LOST, "finished": datetime.now(UTC)})
    record.write(folder / "record.json")
    return record
