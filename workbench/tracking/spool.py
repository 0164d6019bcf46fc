"""The training's side: where trainings go, and a spool file that a training appends to."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import time
from typing import Any
from uuid import uuid4

from workbench.findings import Finding, Outcome
from workbench.plugins import need

LONGEST_VALUE = 5_000  # characters of a tag or parameter that MLflow keeps


@dataclass(frozen=True)
class Store:
    """Where trainings go. uri: MLflow's; artifacts: folder for files (None: the server's own place); spool: a folder.

    sender: starts what carries the spool into MLflow, and returns at once.
    """

    uri: str
    artifacts: Path | None
    spool: Path
    sender: Callable[[Store], None] = field(default_factory=lambda: start_sender, repr=False, compare=False)

    @classmethod
    def of(cls, state: Path, uri: str = "") -> Store:
        """The store of a project with this state folder; `uri` from workbench.toml names another."""
        if uri:
            return cls(uri, None, state / "tracking")
        return cls(f"sqlite:///{state / 'mlflow.db'}", state / "mlartifacts", state / "tracking")

    @property
    def file(self) -> Path | None:
        """The SQLite file behind it, if that is what it is."""
        return Path(self.uri.removeprefix("sqlite:///")) if self.uri.startswith("sqlite:///") else None


@dataclass
class Tracked:
    """One training being tracked. `findings` says what went wrong with it; nothing here raises."""

    id: str
    findings: list[Finding] = field(default_factory=list)
    _file: Path | None = field(default=None, repr=False)

    def parameters(self, values: Mapping[str, object]) -> None:
        """What was asked for: settings, seed, family."""
        self._note(parameters={name: str(value)[:LONGEST_VALUE] for name, value in values.items()})

    def metrics(self, values: Mapping[str, float], *, step: int = 0) -> None:
        """Figures; step: the epoch, from 1, or 0 for a figure of the whole training."""
        self._note(metrics=[[name, float(value), _now_ms(), step] for name, value in values.items()])

    def tags(self, values: Mapping[str, str]) -> None:
        """Where it comes from: data, code, environment."""
        self._note(tags={name: value[:LONGEST_VALUE] for name, value in values.items()})

    def file(self, path: Path) -> None:
        """A file to keep a copy of; it must stay where it is until the spool has been sent."""
        self._note(file=str(path.resolve()))

    def _note(self, **note: Any) -> None:
        if self._file is None:
            return
        try:
            with open(self._file, "a", encoding="utf-8") as file:
                file.write(json.dumps(note) + "\n")
        except OSError as error:
            self._file = None  # one finding is enough, and half a line must not be followed by a whole one
            self.findings.append(_untracked(f"{error.strerror} at {error.filename}"))


@contextmanager
def track(store: Store, *, experiment: str, name: str, tags: Mapping[str, str] | None = None) -> Iterator[Tracked]:
    """Track what happens in the block as one training of an experiment.

    It ends as FINISHED, or as FAILED when the block raises or the process dies. Whatever fails in tracking becomes a
    warning in `findings`. Raises MissingExtra when MLflow is not installed.
    """
    if not _installed():
        need("mlflow", extra="ml")
    run_id = uuid4().hex
    run = Tracked(run_id, findings=_stuck(store), _file=store.spool / f"{run_id}.open")
    opening = {"id": run.id, "experiment": experiment, "name": name, "start_ms": _now_ms()}
    with contextlib.suppress(OSError):  # the note below meets the same error, and tells it
        store.spool.mkdir(parents=True, exist_ok=True)
    run._note(opening=opening | {"host": socket.gethostname(), "pid": os.getpid()}, tags=dict(tags or {}))
    status = "FAILED"
    try:
        yield run
        status = "FINISHED"
    finally:
        run._note(status=status, end_ms=_now_ms())
        if run._file is not None:
            _hand_over(store, run)


def _now_ms() -> int:
    return int(time() * 1000)


def _installed() -> bool:
    from importlib.util import find_spec

    return find_spec("mlflow") is not None


def _untracked(why: str) -> Finding:
    return Finding(
        check="experiments.tracking",
        outcome=Outcome.WARN,
        message=f"this training is not tracked: {why}",
        fix="mend it and train again, or go on: the run's record and the model are complete without",
    )


def _stuck(store: Store) -> list[Finding]:
    """One finding when earlier trainings could not be carried into the store."""
    reasons = [path.read_text(encoding="utf-8") for path in sorted(store.spool.glob("*.error"))]
    if not reasons:
        return []
    return [
        Finding(
            check="experiments.tracking",
            outcome=Outcome.WARN,
            message=f"{len(reasons)} earlier trainings wait to be sent to the tracking store: {reasons[-1]}",
            fix="mend the store; they are kept in the project and go with the next training",
        )
    ]


def _hand_over(store: Store, run: Tracked) -> None:
    """Close the spool and have it sent."""
    try:
        (store.spool / f"{run.id}.open").rename(store.spool / f"{run.id}.jsonl")
        store.sender(store)
    except (OSError, subprocess.CalledProcessError) as error:
        run.findings.append(_untracked(f"its sender did not start: {error}"))


def read_notes(spool: Path) -> list[dict[str, Any]]:
    """The notes of a spool; none when a sender has just removed it. A last line torn by a kill is left out."""
    notes = []
    with contextlib.suppress(FileNotFoundError):
        for line in spool.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError):
                notes.append(json.loads(line))
    return notes


def start_sender(store: Store) -> None:
    """Start a sender that belongs to nobody, and so outlives a notebook: the process we start forks and ends at once."""
    source = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, (source, os.environ.get("PYTHONPATH"))))
    arguments = json.dumps({"uri": store.uri, "artifacts": str(store.artifacts or ""), "spool": str(store.spool)})
    code = "import os, sys\nif os.fork() == 0:\n os.setsid()\n from workbench.tracking.sender import serve\n serve(sys.argv[1])"
    subprocess.run(
        [sys.executable, "-c", code, arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": path},
        check=True,
    )
