"""Execute prepared runs: each a process of its own, watched until its end."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError
from workbench.production.interface import RunRef, RunSpec
from workbench.production.mirror import mirror_run
from workbench.production.reconcile import clean_up
from workbench.production.run_folder import BEGUN
from workbench.production.spawn import Nursery, Running, Spawn, spawn
from workbench.project import Project, look
from workbench.records.files import cannot_write
from workbench.records.run import RunRecord, State

POLL_S = 0.1
GRACE_S = 10.0  # between asking a run to stop and killing it
LATE_S = 15.0  # a run that is over its time stops itself; so much later we do it


def execute(project: Project, folder: Path, *, stopped: Callable[[], bool] = lambda: False, spawn: Spawn = spawn) -> RunRecord:
    """Execute a prepared run and wait for its end; returns its record. stopped: asked now and then whether to break it off.

    Executed once: for a folder whose run has begun already, the record is returned as it stands.
    """
    if not _begin(folder):
        return look(folder)
    record = RunRecord.load(folder / "record.json")
    child = spawn(project, folder, record)
    try:
        _wait(project, folder, child, record, stopped)
    except KeyboardInterrupt:
        _stop(child)
        raise
    finally:
        if child.poll() is None:
            _stop(child)
        if child.returncode not in (0, 1):  # it could not do so itself
            with contextlib.suppress(WorkbenchError):
                look(folder)
            clean_up(folder)
    record = look(folder)
    (folder / BEGUN).unlink(missing_ok=True)  # from here on its record says that it has ended
    problem = mirror_run(project, folder)
    return record if problem is None else record.model_copy(update={"findings": (*record.findings, problem)})


def _begin(folder: Path) -> bool:
    """True for the one caller that may execute this run."""
    if look(folder).state is not State.QUEUED:
        return False
    try:
        os.close(os.open(folder / BEGUN, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return False
    except OSError as error:
        raise cannot_write(folder / BEGUN, error) from error
    if look(folder).state is not State.QUEUED:  # another one has executed it between our look and our mark
        (folder / BEGUN).unlink(missing_ok=True)
        return False
    return True


def _wait(project: Project, folder: Path, child: Running, record: RunRecord, stopped: Callable[[], bool]) -> None:
    tail = Tail(folder / "events.jsonl")
    deadline = None if record.limits.run_s is None else time.monotonic() + record.limits.run_s + LATE_S
    while child.poll() is None:
        for event in tail.new():
            project.listener(event)
        if stopped() or (deadline is not None and time.monotonic() > deadline):
            return
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


def _stop(child: Running) -> None:
    """Ask the run to stop (it closes its kernel and its record), then kill what is left."""
    child.send_signal(signal.SIGTERM)
    try:
        child.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


class LocalExecutor:
    """Runs on this machine, at most `workers` at once: a thread each, which waits for the run's own process."""

    def __init__(self, project: Project, workers: int) -> None:
        self.project = project
        self.threads = ThreadPoolExecutor(workers, thread_name_prefix="run")
        self.nursery = Nursery()
        self.cancelled: set[str] = set()

    def submit(self, spec: RunSpec, /) -> Future[RunRef]:
        return self.threads.submit(self._execute, spec)

    def _execute(self, spec: RunSpec) -> RunRef:
        folder = self.project.runs / spec.run_id
        record = execute(self.project, folder, stopped=lambda: spec.run_id in self.cancelled, spawn=self.nursery)
        return RunRef(run_id=spec.run_id, state=record.state)

    def cancel(self, run_id: str) -> None:
        self.cancelled.add(run_id)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self.threads.shutdown(wait=wait, cancel_futures=cancel_futures)
        self.nursery.close()
