"""Show one thing by its name, whatever it is."""

from __future__ import annotations

import contextlib

from workbench.errors import UnknownName, unknown
from workbench.production import storage
from workbench.production.ledger import Ledger
from workbench.production.reconcile import seen
from workbench.production.runs import run_folder
from workbench.production.sweeps.report import report
from workbench.production.sweeps.result import SweepReport
from workbench.production.sweeps.spec import find_sweep, sweep_ids
from workbench.production.templates import Template, describe, paths
from workbench.project import Project
from workbench.records.run import RunRecord


def show(project: Project, name: str) -> Template | RunRecord | SweepReport:
    """Show NAME: a template with its parameters (also by path or URL), or a run or sweep by its id or the end of it."""
    if name in paths(project) or name.endswith(".ipynb") or storage.is_url(name):
        return describe(project, name)
    with contextlib.suppress(UnknownName):
        return seen(run_folder(project, name))
    with contextlib.suppress(UnknownName):
        return report(project, find_sweep(project, name))
    known = [*paths(project), *sweep_ids(project), *Ledger(project).ids()[:1000]]
    raise unknown("template, run or sweep", name, known, fix="workbench production templates, … runs or … sweeps")
