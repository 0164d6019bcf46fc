"""The trainings of a project: tracked as they happen, listed and shown afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from workbench import tracking
from workbench.errors import unknown
from workbench.project import Project
from workbench.records.base import Record
from workbench.records.run import RunRecord
from workbench.records.view import View

SHOWN = ("test_wape", "test_pr_auc", "test_accuracy")  # headline metrics, in the order in which one is looked for


class Training(BaseModel):
    """One tracked training. metrics: the last value of each; wall_s: None while it goes on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_id: str
    experiment: str
    name: str
    status: str
    started: datetime
    wall_s: float | None
    metrics: dict[str, float]
    parameters: dict[str, str]
    tags: dict[str, str]


class TrainingList(Record):
    """The trainings of a project, newest first."""

    kind: ClassVar[str] = "training_list"

    runs: tuple[Training, ...]

    def view(self) -> View:
        return View(
            title=f"{len(self.runs)} trainings",
            columns=("run", "experiment", "name", "status", "seconds", "figure"),
            rows=tuple(
                (r.run_id[:8], r.experiment, r.name, r.status.lower(), _seconds(r.wall_s), _headline(r.metrics))
                for r in self.runs
            ),
            next=("workbench experiments show RUN",) if self.runs else (),
        )


class TrainingDetails(Record):
    """One training with all that was noted."""

    kind: ClassVar[str] = "training"

    run: Training

    def view(self) -> View:
        run = self.run
        shown_tags = {name: value for name, value in run.tags.items() if not name.startswith("mlflow.")}
        return View(
            title=f"{run.experiment}: {run.name}",
            facts=(
                ("run", run.run_id),
                ("status", run.status.lower()),
                ("started", f"{run.started:%Y-%m-%d %H:%M:%S} UTC"),
                ("seconds", _seconds(run.wall_s)),
                *run.parameters.items(),
                *shown_tags.items(),
            ),
            columns=("metric", "last value"),
            rows=tuple((name, f"{value:.5g}") for name, value in run.metrics.items()),
        )


def _seconds(wall_s: float | None) -> str:
    return "" if wall_s is None else f"{wall_s:.1f}"


def _headline(metrics: Mapping[str, float]) -> str:
    name = next((n for n in SHOWN if n in metrics), next(iter(metrics), ""))
    return f"{name} {metrics[name]:.4g}" if name else ""


@contextmanager
def track(
    project: Project,
    *,
    experiment: str,
    name: str,
    run_id: str = "",
    tags: Mapping[str, str] | None = None,
    store: tracking.Store | None = None,
) -> Iterator[tracking.Tracked]:
    """Track the training in this block with MLflow, in `.workbench/mlflow.db` or where workbench.toml says.

    run_id: the workbench run that trains; its code, environment and data become tags.
    store: another than the project's.
    The block gets an object with `parameters`, `metrics`, `tags` and `file`; after it, `id` and `findings` are known.
    A store that fails gives a warning there, and never ends the training.
    """
    noted = {"mlflow.user": project.actor, **(provenance(project, run_id) if run_id else {}), **(tags or {})}
    store = store or tracking.Store.of(project.state, project.config.tracking_uri)
    with tracking.track(store, experiment=experiment, name=name, tags=noted) as run:
        yield run


def provenance(project: Project, run_id: str) -> dict[str, str]:
    """Tags that lead from a training to its code, environment and data. Raises UnknownName for a run that is not there."""
    known = [path.name for path in project.runs.glob("*")]
    if run_id not in known:
        raise unknown("run", run_id, known)
    run = RunRecord.load(project.runs / run_id / "record.json")
    tags = {
        "workbench.run": run.run_id,
        "workbench.template": run.template,
        "workbench.template_sha256": run.template_sha256,
        "workbench.environment_sha256": run.environment_sha256,
        "workbench.git_commit": run.git_commit or "",
        **{f"workbench.data.{data.name}": data.sha256 for data in run.inputs},
    }
    return {name: value for name, value in tags.items() if value}


def list_runs(project: Project) -> TrainingList:
    """The tracked trainings of this project, newest first."""
    store = tracking.Store.of(project.state, project.config.tracking_uri)
    return TrainingList(runs=tuple(_training(run) for run in tracking.runs(store)))


def show(project: Project, run_id: str) -> TrainingDetails:
    """One training: its parameters, figures, and where its data and code came from. RUN_ID: the first characters do."""
    found = list_runs(project).runs
    matches = [run for run in found if run.run_id.startswith(run_id)]
    if len(matches) != 1:
        raise unknown("training", run_id, (run.run_id for run in matches or found))
    return TrainingDetails(run=matches[0])


def _training(run: tracking.TrackedRun) -> Training:
    return Training(
        run_id=run.id,
        experiment=run.experiment,
        name=run.name,
        status=run.status,
        started=datetime.fromtimestamp(run.start_ms / 1000, tz=UTC),
        wall_s=None if run.end_ms is None else (run.end_ms - run.start_ms) / 1000,
        metrics=dict(run.metrics),
        parameters=dict(run.parameters),
        tags=dict(run.tags),
    )
