"""Start a run and wait for it. A run is a child process of its own in a folder of its own, so that nothing it does
(working directory, memory, a crash) reaches the caller, and two runs never meet.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.errors import MachineError, UnknownName, WorkbenchError
from workbench.production.environment import git_commit, this_process
from workbench.production.inputs import check_inputs
from workbench.production.notebook import Notebook
from workbench.production.recorder import ADOPT
from workbench.production.run_folder import new_run_folder
from workbench.production.runs import look
from workbench.production.templates import load, resolve
from workbench.production.validation import validate
from workbench.project import Project
from workbench.records.files import cannot_write, write_atomic
from workbench.records.run import RunRecord

POLL_S = 0.1
GRACE_S = 10.0  # between asking a run to stop and killing it


def run(project: Project, template: str, *, parameter: Mapping[str, str] | None = None) -> RunRecord:
    """Run TEMPLATE (a name, or the path of a notebook) once and wait for it.

    parameter: `name=value`, checked against the template's types and ranges before anything starts.
    """
    name, notebook, known = load(project, template)
    values = validate(known, parameter or {}, name, text=True)
    check_inputs(project, known, values)
    return start(project, template, notebook, values)


def start(project: Project, template: str, notebook: Notebook, values: Mapping[str, Any]) -> RunRecord:
    """Run a template with values that are already checked, and wait. Returns its closed record, failed or not."""
    folder = prepare(project, template, notebook, values)
    child = _spawn(project, folder)
    try:
        _wait(project, folder, child)
    except KeyboardInterrupt:
        _stop(child)
        look(folder)
        raise
    try:
        record = look(folder)
    except UnknownName as error:
        raise MachineError(
            f"the run {folder.name} left no record", why=error.why, fix="find out who removed its folder, and run it again"
        ) from error
    if not record.state.ended:
        raise MachineError(
            f"the run {record.run_id} ended without a record",
            why=f"its process ended with {child.returncode} while the record says {record.state.value}",
            fix=f"read {folder / 'log.txt'}",
        )
    return record


def prepare(project: Project, template: str, notebook: Notebook, values: Mapping[str, Any]) -> Path:
    """Make the folder of a run: the frozen template, and a record that says queued."""
    name, path = resolve(project, template)
    folder = new_run_folder(project.runs, name)
    try:
        write_atomic(folder / "input.ipynb", notebook.raw)
        _queued(project, name, notebook, values, folder.name, git_commit(path.resolve())).write(folder / "record.json")
    except WorkbenchError:
        shutil.rmtree(folder, ignore_errors=True)  # no record says what it is
        raise
    return folder


def _queued(
    project: Project, name: str, notebook: Notebook, values: Mapping[str, Any], run_id: str, commit: str | None
) -> RunRecord:
    seed = values.get("seed")
    now = datetime.now(UTC)
    return RunRecord(
        run_id=run_id,
        template=name,
        template_sha256=notebook.code_sha256,
        parameters=dict(values),
        seed=seed if isinstance(seed, int) else None,
        actor=project.actor,
        created=now,
        started=now,  # the interpreter's and papermill's own start are part of what a run costs
        process=this_process(),  # until the child writes its own: if we die before, the run is lost
        git_commit=commit,
    )


def _spawn(project: Project, folder: Path) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        ADOPT: str(folder),
        "WORKBENCH_PROJECT": str(project.root),
        # equal runs must iterate over sets in equal order; a caller's own choice is kept
        "PYTHONHASHSEED": os.environ.get("PYTHONHASHSEED", "0"),
    }
    try:
        with open(folder / "log.txt", "wb") as log:
            return subprocess.Popen(
                [sys.executable, "-P", "-m", "workbench.production.child", str(folder)],
                cwd=project.root,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches us alone; we stop the child in order
            )
    except OSError as error:
        raise cannot_write(folder / "log.txt", error) from error


def _wait(project: Project, folder: Path, child: subprocess.Popen[bytes]) -> None:
    tail = Tail(folder / "events.jsonl")
    while child.poll() is None:
        for event in tail.new():
            project.listener(event)
        time.sleep(POLL_S)
    for event in tail.new():
        project.listener(event)


class Tail:
    """The new whole lines of a file that another process appends to."""

    def __init__(self, path: Path) -> None:
        self.path, self.offset = path, 0

    def new(self) -> Iterator[Mapping[str, Any]]:
        if not self.path.exists():
            return
        with open(self.path, "rb") as file:
            file.seek(self.offset)
            for line in file:
                if not line.endswith(b"\n"):
                    return  # it is being written: next time
                self.offset += len(line)
                yield json.loads(line)


def _stop(child: subprocess.Popen[bytes]) -> None:
    """Ask the run to stop (it closes its kernel and its record), then kill what is left."""
    child.send_signal(signal.SIGTERM)
    try:
        child.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
