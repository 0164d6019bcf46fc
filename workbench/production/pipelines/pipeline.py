"""Run a pipeline: steps side by side where they do not need each other, the outputs of one handed to the next, stopped at the
first failure.

The record is written after every change, so `--from STEP` can go on after a mend and take the earlier steps as they were.
"""

from __future__ import annotations

import contextlib
import shlex
from datetime import UTC, datetime
from pathlib import Path

from workbench.errors import BadInput, UserError, WorkbenchError, unknown
from workbench.machine import effective_cpus, this_process
from workbench.production.executor import LocalExecutor
from workbench.production.pipelines.conduct import Conductor
from workbench.production.pipelines.plan import Plan, plan
from workbench.production.pipelines.report import write_report
from workbench.production.run_folder import new_run_folder, run_folders
from workbench.production.sweeps.report import rows_of
from workbench.production.sweeps.spec import SweepFolder
from workbench.project import Project, look, look_pipeline
from workbench.records.pipeline import PipelineRecord, Step
from workbench.records.run import State


def pipeline(
    project: Project, name: str, *, from_: str | None = None, fresh: bool = False, workers: int | None = None
) -> PipelineRecord:
    """Run the pipeline NAME of this project (pipelines/NAME.toml) and write its report. A step whose equal run has a result
    already is not run again.

    from_: go on from this step: it and all steps below it run anew, those above it are taken from the last run.
    fresh: run every step anew, also where an equal run has a result already.
    workers: runs at once; as many as there are processors when left out.
    """
    if workers is not None and workers < 1:
        raise BadInput(f"--workers {workers} runs nothing", why="it counts the runs at once", fix="--workers 2")
    if fresh and from_ is not None:
        why = f"one runs every step anew, the other takes those above '{from_}' from the last run"
        raise BadInput("--fresh and --from at once", why=why, fix="leave one of them out")
    planned = plan(project, name)
    steps = [Step(name=s.name, template=s.spec.template) for s in planned.steps]
    if from_ is not None:
        steps = _reuse(project, planned, from_)
    folder = new_run_folder(project.state / "pipelines", name)
    record = PipelineRecord(
        pipeline_id=folder.name,
        name=name,
        title=planned.title,
        notice=project.config.notice,
        actor=project.actor,
        process=this_process(),
        created=datetime.now(UTC),
        steps=tuple(steps),
    )
    record.write(folder / "record.json")
    project.audit.append("pipeline.start", pipeline=record.pipeline_id, from_step=from_, fresh=fresh)
    told = {"title": planned.title, "steps": [s.name for s in steps], "notice": record.notice}
    project.listener({"event": "pipeline", "pipeline": record.pipeline_id, **told})
    for step in steps:
        if step.reused:
            project.listener({"event": "step", "step": step.name, "state": "reused"})
    return _conduct(project, planned, record, folder, workers=workers or effective_cpus(), fresh=fresh or from_ is not None)


def _conduct(
    project: Project, planned: Plan, record: PipelineRecord, folder: Path, *, workers: int, fresh: bool
) -> PipelineRecord:
    executor = LocalExecutor(project, workers)
    path = folder / "record.json"
    conductor = Conductor(project, planned, record, path, executor, workers=workers, fresh=fresh)
    try:
        conductor.conduct()
    except (KeyboardInterrupt, WorkbenchError) as stopped:
        state = State.CANCELLED if isinstance(stopped, KeyboardInterrupt) else State.FAILED
        with contextlib.suppress(WorkbenchError):  # a full disk stops this too; what stopped it first is what to tell
            _close(project, planned, _stopped(conductor.record, state), folder, state)
        raise
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
    return _close(project, planned, conductor.record, folder, conductor.state)


def _close(project: Project, planned: Plan, record: PipelineRecord, folder: Path, state: State) -> PipelineRecord:
    record = record.model_copy(update={"state": state, "finished": datetime.now(UTC)})
    record.write(folder / "record.json")  # before the report: a report that cannot be drawn must not leave it running
    report = write_report(project, planned, record, folder)
    record = record.model_copy(update={"report": report})
    record.write(folder / "record.json")
    project.audit.append("pipeline.finish", pipeline=record.pipeline_id, state=state.value)
    return record


def _stopped(record: PipelineRecord, state: State) -> PipelineRecord:
    """Steps that are still running end as the pipeline does."""
    steps = (s.model_copy(update={"state": state}) if s.state is State.RUNNING else s for s in record.steps)
    return record.model_copy(update={"steps": tuple(steps)})


def _reuse(project: Project, planned: Plan, from_step: str) -> list[Step]:
    """The steps above `from_step` as the last run of this pipeline left them. Raises BadInput when one has no result."""
    names = [s.name for s in planned.steps]
    if from_step not in names:
        raise unknown(f"step of '{planned.name}'", from_step, names)
    records = [look_pipeline(folder) for folder in run_folders(project.state / "pipelines", planned.name)]
    last_run = max((r for r in records if r.name == planned.name), key=lambda r: r.created, default=None)
    earlier = {s.name: s for s in last_run.steps} if last_run else {}
    steps: list[Step] = []
    for step in planned.steps[: names.index(from_step)]:
        last = earlier.get(step.name)
        if last is None or not last.settled or not _is_whole(project, last):
            gone = last is not None and last.settled
            raise BadInput(
                f"cannot go on from '{from_step}'",
                why=f"the step '{step.name}' above it has no finished run" + (" any more: its files are gone" if gone else ""),
                fix=shlex.join(
                    ["workbench", "production", "pipeline", planned.name, *(["--from", step.name] if steps else [])]
                ),
            )
        steps.append(last.model_copy(update={"reused": not last.skipped}))
    return [*steps, *(Step(name=s.name, template=s.spec.template) for s in planned.steps[len(steps) :])]


def _is_whole(project: Project, step: Step) -> bool:
    """Are the records of a step's finished runs and all their artifacts still there?"""
    run_ids = [step.run_id] if step.run_id else []
    if step.sweep:
        try:
            rows = list(rows_of(project, SweepFolder(project, step.sweep)))
        except UserError:
            return False
        if any(row.state is State.QUEUED for row in rows):
            return False
        run_ids += [row.run_id for row in rows if row.state is State.DONE]
    return all(_run_is_whole(project.runs / run_id) for run_id in run_ids)


def _run_is_whole(folder: Path) -> bool:
    if not (folder / "record.json").exists():
        return False
    return all((folder / artifact.path).exists() for artifact in look(folder).artifacts)
