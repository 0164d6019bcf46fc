"""May a step run, and is it called for? Judged when the steps that it needs have ended or were skipped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from workbench.findings import Finding, Outcome
from workbench.production.pipelines.conditions import Condition, StepResult
from workbench.production.pipelines.plan import PlannedStep
from workbench.project import Project, look
from workbench.records.pipeline import Skip, Step


@dataclass(frozen=True)
class Opening:
    """skipped: None when the step may run. findings: what its `require` has found."""

    skipped: Skip | None = None
    reason: str = ""
    findings: tuple[Finding, ...] = ()


def judge(project: Project, planned: PlannedStep, steps: Mapping[str, Step]) -> Opening:
    """steps: as they stand, by name. Raises UnknownName or BadInput for conditions that say nothing of these results.

    Behind a `require` that does not hold nothing runs. A step that only comes `after` one that was not called for does.
    """
    for need in planned.needs:
        skipped = steps[need].skipped
        if skipped is Skip.REQUIRE or (skipped and need in planned.takes_from):
            return Opening(skipped, f"it needs '{need}', which was skipped")
    for condition in planned.when:
        holds, said = condition.judge(_results(project, condition, steps))
        if not holds:
            return Opening(Skip.WHEN, f"{condition.text} does not hold: {said}")
    findings = tuple(_required(project, planned.name, condition, steps) for condition in planned.require)
    shut = [finding.message for finding in findings if finding.outcome is Outcome.FAIL]
    return Opening(Skip.REQUIRE if shut else None, "; ".join(shut), findings)


def _required(project: Project, step: str, condition: Condition, steps: Mapping[str, Step]) -> Finding:
    holds, said = condition.judge(_results(project, condition, steps))
    if holds:
        return Finding(check=f"{step}.require", outcome=Outcome.PASS, message=f"{condition.text}: {said}")
    return Finding(
        check=f"{step}.require",
        outcome=Outcome.FAIL,
        message=f"{condition.text} does not hold: {said}",
        fix=f"find out why; '{step}' and what comes after it was not run",
    )


def _results(project: Project, condition: Condition, steps: Mapping[str, Step]) -> dict[str, StepResult]:
    found = {}
    for name in condition.steps:
        step = steps[name]
        figures = look(project.runs / step.run_id).figures if step.run_id else ()
        found[name] = StepResult(figures, step.findings)
    return found
