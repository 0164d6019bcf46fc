"""How a step ended: as its run did, or as the runs of its sweep did together; and are its figures what the pipeline expects?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from workbench.findings import Finding, Outcome, blocking, within
from workbench.production.pipelines.plan import PlannedStep
from workbench.production.sweeps.report import rows_of
from workbench.production.sweeps.result import Row, SweepReport
from workbench.production.sweeps.spec import SweepFolder
from workbench.project import Project, look
from workbench.records.pipeline import Step
from workbench.records.run import Failure, Figure, RunRecord, State


@dataclass(frozen=True)
class Ending:
    """run: the one that counts; of a sweep the best, None when there is none. reused: it was there before."""

    state: State
    run: RunRecord | None
    seconds: float | None
    findings: tuple[Finding, ...] = ()
    failure: Failure | None = None
    headline: Figure | None = None
    reused: bool = False

    def close(self, planned: PlannedStep, step: Step) -> Step:
        """The step's record with this ending. Figures are compared with what the pipeline expects."""
        expected = _expected(planned, self.run) if self.run is not None and self.state is State.DONE else []
        ended = {
            "state": self.state,
            "run_id": self.run.run_id if self.run else "",
            "seconds": self.seconds,
            "headline": self.headline,
            "findings": (*step.findings, *self.findings, *expected),
            "reused": self.reused,
        }
        return step.model_copy(update=ended)


def of_run(run: RunRecord, *, reused: bool = False) -> Ending:
    """As the step's one run ended."""
    return Ending(run.state, run, run.wall_s, run.findings, run.failure, run.headline, reused)


def of_sweep(project: Project, planned: PlannedStep, found: SweepReport, seconds: float) -> Ending:
    """As the runs of a sweep did: done when all are, or, where failures are allowed, when one is."""
    spec = planned.spec.sweep
    assert spec is not None
    rows = list(rows_of(project, SweepFolder(project, found.sweep_id)))
    done = [row for row in rows if row.state is State.DONE]
    failed = [row for row in rows if row.state in (State.FAILED, State.LOST)]
    best = look(project.runs / found.best) if found.best else None
    if found.state is State.CANCELLED or len(done) + len(failed) < len(rows):
        return Ending(State.CANCELLED, best, seconds)
    if failed and (not spec.allow_failures or not done):
        return Ending(State.FAILED, best, seconds, failure=look(project.runs / failed[0].run_id).failure)
    if spec.goal and best is None:
        missing = f"no run of the sweep gave '{spec.goal.figure}' as a number, and the best is found by it"
        return Ending(State.FAILED, None, seconds, failure=Failure(cell=None, source="", name="NoBestRun", message=missing))
    headline = (best.headline or _figure(best, spec.goal.figure)) if best and spec.goal else None
    findings = (*(best.findings if best else _loud(project, done)), *_some_failed(planned.name, rows, failed))
    return Ending(State.DONE, best, seconds, findings, headline=headline, reused=all(row.cached for row in rows))


def _loud(project: Project, rows: Iterable[Row]) -> list[Finding]:
    """Without a best run every one counts: what any of them warns of."""
    return [
        finding.model_copy(update={"message": f"run {row.position}: {finding.message}"})
        for row in rows
        for finding in blocking(look(project.runs / row.run_id).findings, fail_on=Outcome.WARN)
    ]


def _some_failed(step: str, rows: list[Row], failed: list[Row]) -> list[Finding]:
    if not failed:
        return []
    problems = ", ".join(dict.fromkeys(row.problem or row.state.value for row in failed))
    message = f"{len(failed)} of {len(rows)} runs failed: {problems}"
    return [Finding(check=f"{step}.sweep", outcome=Outcome.WARN, message=message, fix="read the sweep's report")]


def _figure(run: RunRecord, name: str) -> Figure | None:
    return next((figure for figure in run.figures if figure.name == name), None)


def _expected(planned: PlannedStep, run: RunRecord) -> list[Finding]:
    """Is every figure in the range that the pipeline expects? A figure that is missing fails too."""
    found = []
    for name, expect in planned.spec.expect.items():
        check, figure = f"{planned.name}.{name}", _figure(run, name)
        if figure is None or isinstance(figure.value, (str, type(None))):
            gave = figure.shown() if figure else "no such figure"
            message = f"expected {expect.min:g} to {expect.max:g}, but the step gave {gave}"
            found.append(Finding(check=check, outcome=Outcome.FAIL, message=message, fix="compare the step's figures"))
        else:
            found.append(
                within(check, figure.value, expect.min, expect.max, unit=figure.unit, below=expect.below, above=expect.above)
            )
    return found
