"""The reader's side: trainings in the spool and in the store, without importing MLflow for a file of ours."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workbench.errors import BadInput
from workbench.plugins import need
from workbench.tracking.sender import TRAINING
from workbench.tracking.spool import Store, read_notes


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
    found = [_of_spool(notes, ended=path.suffix == ".jsonl") for path in spools if (notes := read_notes(path))]
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
