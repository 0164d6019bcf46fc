"""Run a pipeline: its steps in order, the outputs of one handed to the next, stopped at the first failure.

The record is written after every step, so `--from STEP` can go on after a mend and take the earlier steps as they were.
"""

from __future__ import annotations

import contextlib
import shlex
from datetime import UTC, datetime
from pathlib import Path

from workbench.errors import BadInput, WorkbenchError, unknown
from workbench.findings import Finding, Outcome, within
from workbench.production.environment import this_process
from workbench.production.launch import start
from workbench.production.report import write_report
from workbench.production.run_folder import new_run_folder, run_folders
from workbench.production.runs import look, look_pipeline
from workbench.production.spec import Plan, PlannedStep, plan
from workbench.project import Project
from workbench.records.run import PipelineRecord, RunRecord, State, Step


def pipeline(project: Project, name: str, *, from_: str | None = None) -> PipelineRecord:
    """Run the pipeline NAME of this project (pipelines/NAME.toml) and write its report.

    from_: go on from this step with the results of the last run; the step and all after it run anew.
    """
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
    project.audit.append("pipeline.start", pipeline=record.pipeline_id, from_step=from_)
    project.listener({"event": "pipeline", "title": planned.title, "steps": [s.name for s in steps], "notice": record.notice})
    try:
        record = _run_steps(project, planned, record, folder)
    except (KeyboardInterrupt, WorkbenchError) as stopped:
        state = State.CANCELLED if isinstance(stopped, KeyboardInterrupt) else State.FAILED
        with contextlib.suppress(WorkbenchError):  # a full disk stops this too; what stopped it first is what to tell
            _close(project, planned, _stopped(folder, state), folder, state)
        raise
    return record


def _run_steps(project: Project, planned: Plan, record: PipelineRecord, folder: Path) -> PipelineRecord:
    for index, step in enumerate(planned.steps):
        if record.steps[index].reused:
            project.listener({"event": "step", "step": step.name, "state": "reused"})
            continue
        record = _with_step(record, index, record.steps[index].model_copy(update={"state": State.RUNNING}))
        record.write(folder / "record.json")
        project.listener({"event": "step", "step": step.name, "state": "running"})
        run = start(project, step.spec.template, step.notebook, step.values(_inputs(project, step, record)))
        record = _with_step(record, index, _step(step, run))
        record.write(folder / "record.json")
        project.listener({"event": "step", "step": step.name, "state": run.state.value})
        if run.state is not State.DONE:
            return _close(project, planned, record.model_copy(update={"failure": run.failure}), folder, run.state)
    return _close(project, planned, record, folder, State.DONE)


def _close(project: Project, planned: Plan, record: PipelineRecord, folder: Path, state: State) -> PipelineRecord:
    record = record.model_copy(update={"state": state, "finished": datetime.now(UTC)})
    record.write(folder / "record.json")  # before the report: a report that cannot be drawn must not leave it running
    report = write_report(project, planned, record, folder)
    record = record.model_copy(update={"report": report})
    record.write(folder / "record.json")
    project.audit.append("pipeline.finish", pipeline=record.pipeline_id, state=state.value)
    return record


def _stopped(folder: Path, state: State) -> PipelineRecord:
    """The record on disk is the latest; the step that was running ends as the pipeline does."""
    latest = PipelineRecord.load(folder / "record.json")
    steps = (s.model_copy(update={"state": state}) if s.state is State.RUNNING else s for s in latest.steps)
    return latest.model_copy(update={"steps": tuple(steps)})


def _with_step(record: PipelineRecord, index: int, step: Step) -> PipelineRecord:
    return record.model_copy(update={"steps": (*record.steps[:index], step, *record.steps[index + 1 :])})


def _step(planned: PlannedStep, run: RunRecord) -> Step:
    return Step(
        name=planned.name,
        template=run.template,
        run_id=run.run_id,
        state=run.state,
        seconds=run.wall_s,
        headline=run.headline,
        findings=(*run.findings, *_expected(planned, run)) if run.state is State.DONE else run.findings,
    )


def _expected(planned: PlannedStep, run: RunRecord) -> list[Finding]:
    """Is every figure in the range that the pipeline expects? A figure that is missing fails too."""
    figures = {f.name: f for f in run.figures}
    found = []
    for name, expect in planned.spec.expect.items():
        check = f"{planned.name}.{name}"
        figure = figures.get(name)
        if figure is None or isinstance(figure.value, (str, type(None))):
            message = (
                f"expected {expect.min:g} to {expect.max:g}, but the step gave {figure.shown() if figure else 'no such figure'}"
            )
            found.append(Finding(check=check, outcome=Outcome.FAIL, message=message, fix="compare the step's figures"))
        else:
            found.append(
                within(check, figure.value, expect.min, expect.max, unit=figure.unit, below=expect.below, above=expect.above)
            )
    return found


def _inputs(project: Project, step: PlannedStep, record: PipelineRecord) -> dict[str, str]:
    """The step's inputs as paths relative to the project, which is the working directory of a run."""
    run_ids = {s.name: s.run_id for s in record.steps}
    values = {}
    for parameter, reference in step.spec.inputs.items():
        producer, _, name = reference.partition(".")
        folder = project.runs / run_ids[producer]
        run = look(folder)
        artifact = run.artifact(name)
        if artifact is None:
            raise unknown(
                f"artifact of step '{producer}'", name, [a.name for a in run.artifacts], fix="mend the pipeline's inputs"
            )
        values[parameter] = str((folder / artifact.path).relative_to(project.root))
    return values


def _reuse(project: Project, planned: Plan, from_step: str) -> list[Step]:
    """The steps before `from_step` as the last run of this pipeline left them. Raises BadInput when one is not done."""
    names = [s.name for s in planned.steps]
    if from_step not in names:
        raise unknown(f"step of '{planned.name}'", from_step, names)
    records = [look_pipeline(folder) for folder in run_folders(project.state / "pipelines", planned.name)]
    last_run = max((r for r in records if r.name == planned.name), key=lambda r: r.created, default=None)
    earlier = {s.name: s for s in last_run.steps} if last_run else {}
    steps: list[Step] = []
    for step in planned.steps[: names.index(from_step)]:
        last = earlier.get(step.name)
        if last is None or last.state is not State.DONE or not _is_whole(project.runs / last.run_id):
            lost = last is not None and last.state is State.DONE
            raise BadInput(
                f"cannot go on from '{from_step}'",
                why=f"the step '{step.name}' before it has no finished run" + (" any more: its files are gone" if lost else ""),
                fix=shlex.join(
                    ["workbench", "production", "pipeline", planned.name, *(["--from", step.name] if steps else [])]
                ),
            )
        steps.append(last.model_copy(update={"reused": True}))
    return [*steps, *(Step(name=s.name, template=s.spec.template) for s in planned.steps[len(steps) :])]


def _is_whole(folder: Path) -> bool:
    """Are a finished run's record and all its artifacts still there?"""
    if not (folder / "record.json").exists():
        return False
    return all((folder / artifact.path).exists() for artifact in look(folder).artifacts)
