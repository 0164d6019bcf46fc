"""What a run read, and what is there under the same names now."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from workbench.errors import UserError
from workbench.production import storage
from workbench.project import Project
from workbench.records.run import Input


class InputChange(BaseModel):
    """One input that is not the same on two sides. a, b: how it is told apart, empty where it is missing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    a: str
    b: str


def shown(item: Input) -> str:
    """`sha256:0123456789ab, contract 1.2.0, for training`."""
    contract = f"contract {item.contract_version}" if item.contract_version else ""
    purpose = f"for {item.purpose}" if item.purpose else ""
    return ", ".join(part for part in (f"sha256:{item.sha256[:12]}", contract, purpose) if part)


def compare_inputs(a: Iterable[Input], b: Iterable[Input]) -> tuple[InputChange, ...]:
    """The inputs that differ in content, contract or purpose, or that only one side has; by name."""
    before, after = list(a), list(b)
    for item in tuple(before):
        twin = next((other for other in after if _content(other) == _content(item)), None)
        if twin is not None:  # also under another name: a path may name the run that made it
            before.remove(item)
            after.remove(twin)
    old, new = {item.name: shown(item) for item in before}, {item.name: shown(item) for item in after}
    return tuple(InputChange(name=n, a=old.get(n, ""), b=new.get(n, "")) for n in sorted(old.keys() | new.keys()))


def _content(item: Input) -> tuple[str, str, str]:
    return item.sha256, item.contract_version, item.purpose


def is_governed(item: Input) -> bool:
    """A dataset of the catalog; anything else is a file or folder, named by a URL or its path from the project."""
    return bool(item.contract_version)


def present(project: Project, item: Input) -> Input | None:
    """The same input as it is now; None when it is not there, or no dataset of this project any more.

    Raises what `storage.reaching` raises when the store of a URL cannot tell.
    """
    if not is_governed(item):
        there = storage.is_there(item.name, project.root)
        return item.model_copy(update={"sha256": storage.sha256(item.name, project.root)}) if there else None
    from workbench import access

    try:
        return access.identity(project, item.name).model_copy(update={"purpose": item.purpose})
    except UserError:
        return None
