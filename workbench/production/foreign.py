"""A run that nobody prepared: papermill was called with our engine by a person or another scheduler.

It gets a record like any other: in the project it stands in, else beside the output notebook.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.errors import UnknownName, UserError
from workbench.findings import Finding, Outcome
from workbench.production import storage
from workbench.production.notebook import Notebook
from workbench.production.parameters import Parameter, read_parameters
from workbench.production.run_folder import new_run_folder
from workbench.production.secrecy import secrets
from workbench.production.validation import validate
from workbench.project import Project, find, system_user
from workbench.records.files import write_atomic
from workbench.records.run import RunRecord

Prepared = tuple[Path, RunRecord, Project | None, tuple[Parameter, ...]]


def prepare(nb: Mapping[str, Any], notebook: Notebook, *, input_path: str, output_path: str | None) -> Prepared:
    """Make the folder of the run, and its record. nb: the notebook as papermill has prepared it, and as `notebook`.

    Raises BadInput or UnknownName for wrong parameters inside a project that is strict about them.
    """
    name = Path(input_path).stem if input_path else "notebook"
    given = dict(notebook.metadata.get("papermill", {}).get("parameters", {}))
    project = _project()
    parameters, values, findings = _check(
        notebook, given, name, strict=project is not None and project.config.strict_parameters
    )
    clean = _without_injected(nb)
    template = json.dumps(clean, indent=1).encode()
    secrets.check(values, template)
    folder = new_run_folder(project.runs if project else _beside(output_path), name)
    write_atomic(folder / "input.ipynb", template)
    record = RunRecord(
        run_id=folder.name,
        template=name,
        template_sha256=Notebook(raw=b"", cells=tuple(clean["cells"]), metadata={}).code_sha256,
        source=storage.without_credentials(input_path),
        parameters=values,
        seed=_seed(values),
        actor=project.actor if project else system_user(),
        created=datetime.now(UTC),
        findings=findings,
    )
    return folder, record, project, parameters


def _beside(output_path: str | None) -> Path:
    """The folder of the output notebook when that is a file of this machine, else the current one."""
    if output_path is None or output_path == "-" or "://" in output_path:
        return Path.cwd()
    return Path(output_path).resolve().parent


def _project() -> Project | None:
    try:
        return find()
    except UnknownName:
        if os.environ.get("WORKBENCH_PROJECT"):
            raise
        return None


def _check(
    notebook: Notebook, given: dict[str, Any], name: str, *, strict: bool
) -> tuple[tuple[Parameter, ...], dict[str, Any], tuple[Finding, ...]]:
    """Check parameters that somebody else's scheduler passed: refused when strict, else a warning in the record."""
    try:
        parameters = read_parameters(notebook, name) if given or notebook.tagged("parameters") else ()
        return parameters, validate(parameters, given, name), ()
    except UserError as error:
        if strict:
            raise
        warning = Finding(check="run.parameters", outcome=Outcome.WARN, message=f"{error.what}: {error.why}", fix=error.fix)
        return (), given, (warning,)


def _without_injected(nb: Mapping[str, Any]) -> dict[str, Any]:
    """The notebook as it was before papermill put the parameters in."""
    cells = [c for c in nb["cells"] if "injected-parameters" not in c.get("metadata", {}).get("tags", ())]
    return {**nb, "cells": cells}


def _seed(values: Mapping[str, Any]) -> int | None:
    seed = values.get("seed")
    return seed if isinstance(seed, int) else None
