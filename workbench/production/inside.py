"""What a notebook is told of the run that it is executed in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from pydantic import JsonValue

from workbench.errors import BadInput, UserError
from workbench.production.notebook import read_notebook
from workbench.production.parameters import read_parameters
from workbench.production.results import RUN_FOLDER, RUN_ID
from workbench.records.base import Record
from workbench.records.run import RunRecord
from workbench.records.view import View


class Current(Record):
    """The run that this notebook is executed in. folder: where it may write; project: None when it runs in none.

    inputs: the parameters that the template declares as `Dataset` or `Path`, and their values.
    """

    kind: ClassVar[str] = "current_run"

    run_id: str
    template: str
    parameters: dict[str, JsonValue]
    inputs: dict[str, JsonValue]
    folder: Path
    project: Path | None
    seed: int | None
    attempt: int
    sweep: str

    def view(self) -> View:
        told = {**self.model_dump(mode="json"), "parameters": _listed(self.parameters), "inputs": _listed(self.inputs)}
        facts = tuple((name, str(value)) for name, value in told.items() if name != "run_id" and value not in ("", None))
        return View(title=f"inside run {self.run_id}", facts=facts)


def current() -> Current:
    """The run that this notebook is executed in. Raises BadInput outside of one: a notebook that asks needs an answer."""
    place = os.environ.get(RUN_FOLDER)
    if not (place and os.environ.get(RUN_ID)):
        raise BadInput(
            "no run goes on here",
            why="this notebook was opened by hand, or executed by another engine",
            fix="run it (production.run, or papermill --engine workbench); production.folder() works by hand as well",
        )
    folder = Path(place)
    record = RunRecord.load(folder / "record.json")
    project = os.environ.get("WORKBENCH_PROJECT")
    return Current(
        run_id=record.run_id,
        template=record.template,
        parameters=record.parameters,
        inputs=_inputs(record, folder),
        folder=folder,
        project=Path(project) if project and folder.is_relative_to(project) else None,
        seed=record.seed,
        attempt=record.attempt,
        sweep=record.sweep,
    )


def _listed(values: Mapping[str, JsonValue]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in values.items())


def _inputs(record: RunRecord, folder: Path) -> dict[str, JsonValue]:
    try:
        known = read_parameters(read_notebook(folder / "input.ipynb"), record.template)
    except UserError:  # without a parameters cell, or, outside a project, with one that is not plain
        return {}
    return {p.name: record.parameters[p.name] for p in known if p.is_input and p.name in record.parameters}
