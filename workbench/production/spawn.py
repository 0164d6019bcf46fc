"""Start the process of a run: a new interpreter, or a fork of the nursery where several runs are to come."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any, Protocol

from workbench.production.recorder import ADOPT
from workbench.project import Project
from workbench.records.files import cannot_write
from workbench.records.run import RunRecord


class Running(Protocol):
    """The process of a run, as `subprocess.Popen` has it."""

    pid: int

    @property
    def returncode(self) -> int | None: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def send_signal(self, sig: int) -> None: ...


class Spawn(Protocol):
    """Starts the process of a prepared run. Raises MachineError."""

    def __call__(self, project: Project, folder: Path, record: RunRecord) -> Running: ...


def environment(project: Project, folder: Path, record: RunRecord) -> dict[str, str]:
    """The variables of a run's process."""
    return {
        **os.environ,
        ADOPT: str(folder),
        "WORKBENCH_PROJECT": str(project.root),
        # equal runs must iterate over sets in equal order; a caller's own choice is kept
        "PYTHONHASHSEED": record.hash_seed,
    }


def spawn(project: Project, folder: Path, record: RunRecord) -> Running:
    """A new interpreter. It holds one end of a pipe and ends when we, who hold the other, are gone."""
    try:
        with open(folder / "log.txt", "wb") as log:
            return subprocess.Popen(
                [sys.executable, "-P", "-m", "workbench.production.child", str(folder)],
                cwd=project.root,
                env=environment(project, folder, record),
                stdin=subprocess.PIPE,  # never written to
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches us alone; we stop the child in order
            )
    except OSError as error:
        raise cannot_write(folder / "log.txt", error) from error


class Fork:
    """A run's process that the nursery has forked and waits for."""

    def __init__(self) -> None:
        self.pid = 0
        self.returncode: int | None = None
        self.begun, self.ended = threading.Event(), threading.Event()

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if not self.ended.wait(timeout) or self.returncode is None:
            raise subprocess.TimeoutExpired("run", timeout or 0.0)
        return self.returncode

    def send_signal(self, sig: int) -> None:
        if self.returncode is None and self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, sig)

    def end(self, returncode: int) -> None:
        self.returncode = returncode
        self.begun.set()
        self.ended.set()


class Nursery:
    """Starts runs as forks of one process that has papermill loaded. Used by several threads; started when first needed.

    When the nursery dies, the runs that it was waiting for count as killed, and a new one is started for the next.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None
        self.asked: dict[str, Fork] = {}
        self.forks: dict[int, Fork] = {}

    def __call__(self, project: Project, folder: Path, record: RunRecord) -> Running:
        fork = Fork()
        line = {
            "run": record.run_id,
            "folder": str(folder),
            "cwd": str(project.root),
            "log": str(folder / "log.txt"),
            "environment": environment(project, folder, record),
        }
        try:
            (folder / "log.txt").touch()
            with self.lock:
                pipe = self._pipe()
                self.asked[record.run_id] = fork
                pipe.write(json.dumps(line).encode() + b"\n")
                pipe.flush()
        except OSError as error:
            raise cannot_write(folder / "log.txt", error) from error
        fork.begun.wait()
        return fork

    def _pipe(self) -> IO[bytes]:
        if self.process is None or self.process.poll() is not None:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "workbench.production.nursery"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
            )
            threading.Thread(target=self._listen, args=(self.process,), daemon=True, name="nursery").start()
        assert self.process.stdin is not None
        return self.process.stdin

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        mine: set[int] = set()
        for line in process.stdout:
            told: dict[str, Any] = json.loads(line)
            with self.lock:
                if "run" in told:
                    fork = self.asked.pop(told["run"])
                    fork.pid = told["pid"]
                    self.forks[fork.pid] = fork
                    mine.add(fork.pid)
                    fork.begun.set()
                elif told["pid"] in self.forks:
                    self.forks.pop(told["pid"]).end(told["status"])
        with self.lock:
            orphans = [self.forks.pop(pid) for pid in mine & self.forks.keys()]
            unheard, self.asked = list(self.asked.values()), {}
        for fork in orphans:
            fork.send_signal(signal.SIGTERM)
            fork.end(-signal.SIGKILL)
        for fork in unheard:
            fork.end(-signal.SIGKILL)

    def close(self) -> None:
        """End it; runs that are still on their way stop as well."""
        with self.lock:
            process, self.process = self.process, None
        if process is not None and process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
            process.wait()
