"""The sender's side: a process of its own that carries ended spools into MLflow."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

from workbench.records.files import write_atomic
from workbench.tracking.spool import Store, read_notes

METRICS_PER_CALL = 1_000  # MLflow's limit
TRAINING = "workbench.training"  # tag with our id: it is known before MLflow gives its own


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
        notes = read_notes(spool)
        if notes and notes[0]["opening"]["host"] == socket.gethostname() and not _alive(notes[0]["opening"]["pid"]):
            spool.rename(spool.with_suffix(".jsonl"))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError as error:
        return isinstance(error, PermissionError)
    return True


def _send_one(store: Store, spool: Path) -> None:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param, RunTag

    notes = read_notes(spool)
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
