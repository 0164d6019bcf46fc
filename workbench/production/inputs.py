"""What a run is going to read, looked at before it starts: a dataset that is not there or not granted costs no kernel."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from workbench.errors import BadInput, UnknownName
from workbench.production import storage
from workbench.production.parameters import Parameter
from workbench.production.validation import SHOWN
from workbench.project import Project
from workbench.records.files import is_there


def check_inputs(project: Project, parameters: Iterable[Parameter], values: Mapping[str, Any]) -> None:
    """Refuse datasets, files and objects that the run could not read.

    A dataset is judged for the value of the template's own parameter `purpose`, where it has one.
    Raises UnknownName or BadInput for what is not there, NotAllowed (audited) for what the policy denies; for the URL of an
    object also MissingExtra or MachineError, when its store cannot be asked.
    """
    for parameter in parameters:
        for value in _listed(values[parameter.name]):
            if parameter.is_dataset:
                _check_dataset(project, value, values.get("purpose"))
            elif parameter.is_path:
                _check_path(project, parameter.name, value)


def _check_path(project: Project, name: str, value: str) -> None:
    place = storage.local(value, project.root)
    if place is None:
        try:
            storage.look(value)
        except UnknownName as error:
            raise BadInput(f"'{name}' cannot be read", why=f"{error.why}: {value[:SHOWN]}", fix=error.fix) from error
    elif not is_there(place):
        raise BadInput(
            f"'{name}' cannot be read",
            why=f"there is no {value[:SHOWN]} (from {project.root})",
            fix="check the path; it starts at the project's folder",
        )


def _check_dataset(project: Project, dataset: str, purpose: Any) -> None:
    from workbench import access

    if isinstance(purpose, str):
        access.permit(dataset, purpose=purpose, project=project)
    else:
        access.identity(project, dataset)


def _listed(value: Any) -> list[str]:
    found = value if isinstance(value, list) else [value]
    return [item for item in found if isinstance(item, str)]
