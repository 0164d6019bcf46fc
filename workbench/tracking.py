"""MLflow, kept at arm's length: the one file that imports it, and never in the process that trains.

Importing MLflow and opening its store costs 5 s of CPU, creating its tables at first use 3 s more, and a store can be
down. So a training only appends to a spool file in the project (microseconds, and kept if it is killed), and a process of
its own, started when the training ends, carries the spool into MLflow. What cannot be carried stays in the spool, is
named by a finding at the next training, and goes with the next one. No server is started.

Reading needs no MLflow either: spools are JSON lines, and the project's own store is a SQLite file.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import time
from typing import Any
from uuid import uuid4

from workbench.errors import BadInput
from workbench.findings import Finding, Outcome
from workbench.plugins import need
from workbench.records.files import write_atomic

LONGEST_VALUE = 5_000  # characters of a tag or parameter that MLflow keeps
METRICS_PER_CALL = 1_000  # MLflow's limit
TRAINING = "workbench.training"  # tag with our id: it is known before MLflow gives its own


@dataclass(frozen=True)
class Store:
    """Where trainings go. uri: MLflow's; artifacts: folder for files (None: the server's own place); spool: a folder."""

    uri: str
    artifacts: Path | None
    spool: Path

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
    """Close the spool and start a sender that belongs to nobody: the first process forks and ends at once."""
    source = str(Path(__file__).resolve().parent.parent)
    path = os.pathsep.join(filter(None, (source, os.environ.get("PYTHONPATH"))))
    arguments = json.dumps({"uri": store.uri, "artifacts": str(store.artifacts or ""), "spool": str(store.spool)})
    code = "import os, sys\nif os.fork() == 0:\n os.setsid()\n from workbench.tracking import serve\n serve(sys.argv[1])"
    try:
        (store.spool / f"{run.id}.open").rename(store.spool / f"{run.id}.jsonl")
        subprocess.run(
            [sys.executable, "-c", code, arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
            check=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        run.findings.append(_untracked(f"its sender did not start: {error}"))


def serve(arguments: str) -> None:
    """The sender's side. It is in no hurry, and leaves the processor to the next step."""
    os.nice(10)
    given = json.loads(arguments)
    send(Store(given["uri"], Path(given["artifacts"]) if given["artifacts"] else None, Path(given["spool"])))


def send(store: Store) -> int:
    """Carry every ended spool into MLflow and remove it; returns how many are left, each with a reason beside it.

    One sender at a time (a lock), so that two first ones do not both create the tables. A training that stands in the
    store already, because a sender died before it removed the spool, is replaced.
    """
    from filelock import FileLock

    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    with FileLock(store.spool / "lock"):
        _close_dead(store)
        waiting = sorted(store.spool.glob("*.jsonl"))
        for place, spool in enumerate(waiting):
            try:
                _send_one(store, spool)
            except Exception as error:  # whatever MLflow, SQLAlchemy or a server raise: it must be told, not lost
                write_atomic(spool.with_suffix(".error"), (str(error).strip().splitlines() or [repr(error)])[0].encode())
                return len(waiting) - place
            spool.with_suffix(".error").unlink(missing_ok=True)
            spool.unlink()
    return 0


def _close_dead(store: Store) -> None:
    """Spools whose process is gone without an ending count as failed."""
    for spool in sorted(store.spool.glob("*.open")):
        notes = _read(spool)
        if notes and notes[0]["opening"]["host"] == socket.gethostname() and not _alive(notes[0]["opening"]["pid"]):
            spool.rename(spool.with_suffix(".jsonl"))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError as error:
        return isinstance(error, PermissionError)
    return True


def _read(spool: Path) -> list[dict[str, Any]]:
    """The notes of a spool; none when a sender has just removed it. A last line torn by a kill is left out."""
    notes = []
    with contextlib.suppress(FileNotFoundError):
        for line in spool.read_text(encoding="utf-8").splitlines():
            with contextlib.suppress(ValueError):
                notes.append(json.loads(line))
    return notes


def _send_one(store: Store, spool: Path) -> None:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param, RunTag

    notes = _read(spool)
    if not notes:
        return
    opening, end = notes[0]["opening"], notes[-1]
    client = MlflowClient(store.uri)
    found = client.get_experiment_by_name(opening["experiment"])
    if found is None:
        place = None if store.artifacts is None else str(store.artifacts / opening["experiment"])
        experiment = client.create_experiment(opening["experiment"], artifact_location=place)
    else:
        experiment = found.experiment_id
    for earlier in client.search_runs([experiment], f"tags.`{TRAINING}` = '{opening['id']}'"):
        client.delete_run(earlier.info.run_id)
    tags = {TRAINING: opening["id"]}
    run_id = client.create_run(experiment, opening["start_ms"], tags, run_name=opening["name"]).info.run_id
    metrics = [Metric(*entry) for note in notes for entry in note.get("metrics", ())]
    for first in range(0, len(metrics), METRICS_PER_CALL):
        client.log_batch(run_id, metrics=metrics[first : first + METRICS_PER_CALL])
    for note in notes:
        parameters = [Param(name, value) for name, value in note.get("parameters", {}).items()]
        labels = [RunTag(name, value) for name, value in note.get("tags", {}).items()]
        if parameters or labels:
            client.log_batch(run_id, params=parameters, tags=labels)
        if "file" in note and Path(note["file"]).is_file():
            client.log_artifact(run_id, note["file"])
    client.set_terminated(run_id, end.get("status", "FAILED"), end.get("end_ms"))


@dataclass(frozen=True)
class TrackedRun:
    """One training. start_ms, end_ms: since the epoch, UTC; end_ms None while it goes on, or when it was killed."""

    id: str
    experiment: str
    name: str
    status: str
    start_ms: int
    end_ms: int | None
    metrics: Mapping[str, float]
    parameters: Mapping[str, str]
    tags: Mapping[str, str]


def runs(store: Store) -> list[TrackedRun]:
    """The trainings, newest first, also those that wait in the spool. Raises BadInput when the store cannot be read."""
    spools = [*store.spool.glob("*.open"), *store.spool.glob("*.jsonl")]
    found = [_of_spool(notes, ended=path.suffix == ".jsonl") for path in spools if (notes := _read(path))]
    waiting = {run.id for run in found}
    found += [run for run in _of_store(store) if run.id not in waiting]
    return sorted(found, key=lambda run: (-run.start_ms, run.id))


def _of_spool(notes: Sequence[Mapping[str, Any]], *, ended: bool) -> TrackedRun:
    opening = notes[0]["opening"]
    joined: dict[str, dict[str, Any]] = {"parameters": {}, "tags": {}, "metrics": {}}
    for note in notes:
        joined["parameters"] |= note.get("parameters", {})
        joined["tags"] |= note.get("tags", {})
        joined["metrics"] |= {name: value for name, value, _, _ in note.get("metrics", ())}
    return TrackedRun(
        id=opening["id"],
        experiment=opening["experiment"],
        name=opening["name"],
        status=notes[-1].get("status", "FAILED" if ended else "RUNNING"),
        start_ms=opening["start_ms"],
        end_ms=notes[-1].get("end_ms"),
        **joined,
    )


def _of_store(store: Store) -> list[TrackedRun]:
    if store.file is None:
        return _of_server(store)
    if not store.file.exists():
        return []
    try:
        with contextlib.closing(sqlite3.connect(f"{store.file.resolve().as_uri()}?mode=ro", uri=True)) as database:
            return _of_file(database)
    except sqlite3.Error as error:
        raise BadInput(
            f"{store.file} cannot be read", why=str(error), fix="restore it from a backup, or move it away"
        ) from error


def _of_file(database: sqlite3.Connection) -> list[TrackedRun]:
    """From MLflow's tables. A test compares it with MLflow's own client, so that a change of the schema is noticed."""
    rows = database.execute(
        "SELECT r.run_uuid, e.name, r.name, r.status, r.start_time, r.end_time "
        "FROM runs r JOIN experiments e USING (experiment_id) WHERE r.lifecycle_stage = 'active'"
    ).fetchall()
    metrics = _by_run(database.execute("SELECT run_uuid, key, value FROM latest_metrics WHERE NOT is_nan").fetchall())
    parameters = _by_run(database.execute("SELECT run_uuid, key, value FROM params").fetchall())
    tags = _by_run(database.execute("SELECT run_uuid, key, value FROM tags").fetchall())
    return [
        TrackedRun(
            id=tags.get(run_id, {}).get(TRAINING, run_id),
            experiment=experiment,
            name=name,
            status=status,
            start_ms=start_ms,
            end_ms=end_ms,
            metrics=metrics.get(run_id, {}),
            parameters=parameters.get(run_id, {}),
            tags=tags.get(run_id, {}),
        )
        for run_id, experiment, name, status, start_ms, end_ms in rows
    ]


def _by_run(rows: Sequence[tuple[str, str, Any]]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for run_id, key, value in sorted(rows):
        found.setdefault(run_id, {})[key] = value
    return found


def _of_server(store: Store) -> list[TrackedRun]:
    """The thousand newest runs of a store that is not our file, through MLflow's client."""
    need("mlflow", extra="ml")
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    try:
        client = MlflowClient(store.uri)
        experiments = {e.experiment_id: e.name for e in client.search_experiments()}
        found = client.search_runs(list(experiments), order_by=["attributes.start_time DESC"], max_results=1000)
    except MlflowException as error:
        raise BadInput(f"{store.uri} cannot be read", why=str(error), fix="check tracking_uri in workbench.toml") from error
    return [
        TrackedRun(
            id=run.data.tags.get(TRAINING, run.info.run_id),
            experiment=experiments[run.info.experiment_id],
            name=run.info.run_name,
            status=run.info.status,
            start_ms=run.info.start_time,
            end_ms=run.info.end_time,
            metrics=run.data.metrics,
            parameters=run.data.params,
            tags=run.data.tags,
        )
        for run in found
    ]
