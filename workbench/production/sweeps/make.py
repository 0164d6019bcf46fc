"""Make a sweep and work it off: for the verbs, and for a pipeline's steps."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from workbench.production.inputs import check_inputs
from workbench.production.notebook import Notebook
from workbench.production.parameters import Parameter
from workbench.production.reconcile import reconcile
from workbench.production.run_folder import new_run_folder
from workbench.production.sweeps.design import Design, keep_table
from workbench.production.sweeps.drive import Driver
from workbench.production.sweeps.report import report
from workbench.production.sweeps.result import SweepReport
from workbench.production.sweeps.spec import Sweep, SweepFolder
from workbench.production.validation import validate
from workbench.project import Project
from workbench.records.files import write_atomic
from workbench.records.run import State


def check_points(
    project: Project,
    known: tuple[Parameter, ...],
    name: str,
    fixed: Mapping[str, object],
    design: Design,
    rows: Sequence[Mapping[str, object]],
    *,
    later: Collection[str] = (),
) -> None:
    """The first point whole, and every input that any point names, before anything starts.

    later: parameters whose values are not known yet; what `fixed` has for them only has the right type.
    """
    first = dict(rows[0]) if rows else {axis.name: axis.values[0] if axis.values else axis.low for axis in design.axes}
    first = {k: int(v) if isinstance(v, float) and v.is_integer() and _is_int(known, k) else v for k, v in first.items()}
    values = validate(known, {**fixed, **first}, name)
    inputs = [p for p in known if p.is_input and p.name not in later]
    check_inputs(project, inputs, values)
    for parameter in inputs:
        listed = [row[parameter.name] for row in rows if parameter.name in row]
        listed += [value for axis in design.axes if axis.name == parameter.name for value in axis.values]
        for value in {json.dumps(v): v for v in listed}.values():
            check_inputs(project, [parameter], {**values, parameter.name: value})


def _is_int(known: tuple[Parameter, ...], name: str) -> bool:
    return any(p.name == name and p.annotation.startswith("int") for p in known)


def make_sweep(
    project: Project, name: str, notebook: Notebook, design: Design, rows: list[dict[str, Any]], **fields: Any
) -> SweepFolder:
    """Write a new sweep's folder. rows: of a table; fields: the further ones of `Sweep`. Raises MachineError."""
    place = new_run_folder(project.state / "sweeps", name)
    folder = SweepFolder(project, place.name)
    write_atomic(place / "template.ipynb", notebook.raw)
    if rows:
        write_atomic(folder.table, keep_table(rows))
    spec = Sweep(
        sweep_id=place.name,
        template=name,
        template_sha256=notebook.code_sha256,
        design=design,
        actor=project.actor,
        created=datetime.now(UTC),
        **fields,
    )
    spec.write(place / "spec.json")
    return folder


def work_off(project: Project, driver: Driver, event: str) -> SweepReport:
    """Let a driver do what is open, and report. event: as the audit log is to call it. Raises what `Driver.drive` raises."""
    spec = driver.spec
    reconcile(project)
    project.audit.append(event, sweep=spec.sweep_id, template=spec.template, runs=spec.design.count)
    project.listener({"event": "sweep", "sweep": spec.sweep_id, "state": "running", "total": spec.design.count})
    driver.drive()
    found = report(project, driver.folder, keep=True)
    if found.state is State.QUEUED:  # its driver has ended, and some of it is left
        found = found.model_copy(update={"state": State.CANCELLED})
    project.audit.append("sweep.finish", sweep=spec.sweep_id, state=found.state.value, states=found.states)
    return found
