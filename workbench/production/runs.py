"""Runs that were: list them, show one, and find out which are lost."""

from __future__ import annotations

from pathlib import Path

from workbench.errors import BadInput, UserError, unknown
from workbench.findings import Finding, Outcome
from workbench.production.ledger import Ledger
from workbench.production.reconcile import seen
from workbench.project import Project
from workbench.records.run import RunList, RunRecord, State


def runs(project: Project, *, template: str | None = None, state: State | None = None, limit: int = 20) -> RunList:
    """List runs, newest first.

    template, state: only those; limit: at most so many.
    """
    if limit < 1:
        raise BadInput(f"cannot list {limit} runs", why="the limit must be at least 1", fix="--limit 20")
    found: list[RunRecord] = []
    problems: list[Finding] = []
    # a run noted as running may be lost by now; one of any other state stays what it is
    states = () if state is None else (state, State.QUEUED, State.RUNNING)
    for run_id in Ledger(project).ids(template=template, states=states):
        try:
            record = seen(project.runs / run_id)
        except UserError as error:  # one broken record must not hide the others
            problems.append(
                Finding(check="run.record", outcome=Outcome.WARN, message=f"{error.what}: {error.why}", fix=error.fix)
            )
            continue
        if template in (None, record.template) and state in (None, record.state):
            found.append(record)
        if len(found) == limit:
            break
    return RunList(runs=tuple(found), findings=tuple(problems))


def run_folder(project: Project, name: str) -> Path:
    """The folder of a run by its id or the end of it. Raises UnknownName, or BadInput when several end so."""
    fitting = Ledger(project).find(name) if name else []
    if len(fitting) > 1:
        raise BadInput(f"'{name}' fits {len(fitting)} runs", why=", ".join(fitting[:5]), fix="give more of the id")
    if not fitting:
        raise unknown("run", name, Ledger(project).ids()[:1000], fix="workbench production runs")
    return project.runs / fitting[0]


CANCEL = "cancel"  # the mark in a run's folder that a person stopped it


def cancelled_by_person(project: Project, run_id: str) -> bool:
    """Was this run stopped by `production cancel`, and not because its driver went away?"""
    return (project.runs / run_id / CANCEL).exists()
