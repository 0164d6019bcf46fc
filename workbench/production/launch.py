"""Ask for a run and wait for it. A run is a child process of its own in a folder of its own, so that nothing it does
(working directory, memory, a crash) reaches the caller, and two runs never meet.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ByteSize, TypeAdapter, ValidationError

from workbench.errors import BadInput, MachineError, UnknownName, UserError, WorkbenchError
from workbench.machine import this_process
from workbench.production import cache
from workbench.production.call_key import call_key
from workbench.production.environment import git_commit
from workbench.production.executor import execute
from workbench.production.inputs import check_inputs
from workbench.production.ledger import Ledger
from workbench.production.notebook import Notebook
from workbench.production.reconcile import reconcile
from workbench.production.run_folder import new_run_folder
from workbench.production.secrecy import secrets
from workbench.production.templates import load, origin, resolve
from workbench.production.validation import validate
from workbench.project import Project, look
from workbench.records.files import write_atomic
from workbench.records.run import Limits, RunRecord, State


@dataclass(frozen=True)
class Asked:
    """What a caller asks of a run beside its parameters. fresh: not an earlier result; the fields of RunRecord otherwise."""

    limits: Limits = field(default_factory=Limits)
    fresh: bool = False
    reproduces: str = ""
    sweep: str = ""
    position: int | None = None
    attempt: int = 1
    schedule: str = ""
    hash_seed: str = ""  # PYTHONHASHSEED; empty: the caller's, else 0


def run(
    project: Project,
    template: str,
    *,
    parameter: Mapping[str, str] | None = None,
    fresh: bool = False,
    timeout: float | None = None,
    cell_timeout: float | None = None,
    memory: str | None = None,
) -> RunRecord:
    """Run TEMPLATE (a name, or the path or URL of a notebook) once and wait for it; an equal run's result is taken over.

    parameter: `name=value`, checked against the template's types and ranges before anything starts.
    fresh: run it even if an equal run (code, parameters, data, environment, seed) has a result already.
    timeout, cell_timeout: seconds that the run, or one cell, may take.
    memory: what all processes of the run may hold together, as in 2GiB.
    """
    name, notebook, known = load(project, template)
    values = validate(known, parameter or {}, name, text=True)
    reconcile(project)
    check_inputs(project, known, values)
    return start(project, template, notebook, values, asked=Asked(limits=limits(timeout, cell_timeout, memory), fresh=fresh))


def limits(run_s: float | None, cell_s: float | None, memory: str | None) -> Limits:
    """Limits as a person writes them. Raises BadInput for one that is not positive or no size."""
    for name, value in (("--timeout", run_s), ("--cell-timeout", cell_s)):
        if value is not None and not value > 0:
            raise BadInput(
                f"{name} {value:g} gives a run no time", why="it counts seconds", fix=f"{name} 3600, or leave it out"
            )
    try:
        size = None if memory is None else TypeAdapter(ByteSize).validate_python(memory)
    except ValidationError:
        raise BadInput(f"--memory {memory} is no size", why="it is a number and a unit", fix="--memory 2GiB") from None
    return Limits(run_s=run_s, cell_s=cell_s, memory_bytes=size)


def start(
    project: Project, template: str, notebook: Notebook, values: Mapping[str, Any], *, asked: Asked = Asked()
) -> RunRecord:
    """Run a template with values that are already checked, and wait. Returns its closed record, failed or not.

    Unless a fresh run is asked for, the record may be that of an equal earlier run: its `reused` is true then.
    """
    key = call_key(project, notebook, values)
    if not asked.fresh:
        earlier = cache.find(project, notebook, values, key=key)
        if earlier is not None:
            project.audit.append("run.cached", run=earlier.run_id, template=earlier.template)
            project.listener({"event": "cached", "run": earlier.run_id})
            return earlier.model_copy(update={"reused": True})
    folder = prepare(project, template, notebook, values, asked=asked, key=key)
    project.listener({"event": "run", "run": folder.name, "state": State.QUEUED})
    return closed(folder, lambda prepared: execute(project, prepared))


def closed(folder: Path, read: Callable[[Path], RunRecord] = look) -> RunRecord:
    """The record of a run that has been executed. Raises MachineError when there is none, or it has no ending."""
    try:
        record = read(folder)
    except UnknownName as error:
        raise MachineError(
            f"the run {folder.name} left no record", why=error.why, fix="find out who removed its folder, and run it again"
        ) from error
    if not record.state.ended:
        raise MachineError(
            f"the run {record.run_id} ended without a record",
            why=f"its process has ended while the record says {record.state.value}",
            fix=f"read {folder / 'log.txt'}",
        )
    return record


def prepare(
    project: Project,
    template: str,
    notebook: Notebook,
    values: Mapping[str, Any],
    *,
    asked: Asked = Asked(),
    key: str | None = None,
) -> Path:
    """Make the folder of a run: the frozen template, and a record that says queued. Raises UserError for its secrets.

    key: the call key, where it is known already.
    """
    secrets.check(values, notebook.raw)
    folder = new_run_folder(project.runs, _found(project, template)[0])
    try:
        write_atomic(folder / "input.ipynb", notebook.raw)
        ledger, key = Ledger(project), key or call_key(project, notebook, values)
        record = _queued(project, template, notebook, values, folder, asked)
        record = record.model_copy(update={"generation": ledger.next_generation(key)})
        record.write(folder / "record.json")
        ledger.note(record, key)
    except WorkbenchError:
        shutil.rmtree(folder, ignore_errors=True)  # no record says what it is
        raise
    return folder


def _queued(
    project: Project, template: str, notebook: Notebook, values: Mapping[str, Any], folder: Path, asked: Asked
) -> RunRecord:
    seed = values.get("seed")
    now = datetime.now(UTC)
    name, place, source = _found(project, template)
    return RunRecord(
        run_id=folder.name,
        template=name,
        source=source,
        template_sha256=notebook.code_sha256,
        parameters=dict(values),
        seed=seed if isinstance(seed, int) else None,
        reproduces=asked.reproduces,
        sweep=asked.sweep,
        position=asked.position,
        attempt=asked.attempt,
        schedule=asked.schedule,
        limits=asked.limits,
        hash_seed=asked.hash_seed or os.environ.get("PYTHONHASHSEED", "0"),
        actor=project.actor,
        created=now,
        started=now,  # the interpreter's and papermill's own start are part of what a run costs
        process=this_process(),  # until the child writes its own: if we die before, the run is lost
        git_commit=git_commit(place.resolve()) if place else None,
    )


def _found(project: Project, template: str) -> tuple[str, Path | None, str]:
    """A template's name, its file where it has one, and where it comes from; of a frozen one the file may be gone."""
    try:
        name, place = resolve(project, template)
        return name, place if isinstance(place, Path) and place.exists() else None, origin(project, template)
    except UserError:
        return template, None, ""
