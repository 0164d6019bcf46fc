"""Plug-ins: plain entry-point groups. Our own parts are declared in our own pyproject.toml, so the seam is used daily.

A noun states its Protocol in its own `interface.py`; this file only turns a name into the object behind it.
"""

from __future__ import annotations

import importlib
import sys
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

from workbench.errors import BadInput, MissingExtra, unknown

GROUPS = (
    "workbench.checks",
    "workbench.readers",
    "workbench.exporters",
    "workbench.detectors",
    "workbench.executors",
    "workbench.progress",
)


def names(group: str) -> dict[str, EntryPoint]:
    """The plug-ins of a group by name; ours first, so that another distribution cannot replace one silently."""
    return _names(group, tuple(sys.path))


@cache  # going through all that is installed takes 0.1 s, and does not change while the places to look in do not
def _names(group: str, _places: tuple[str, ...]) -> dict[str, EntryPoint]:
    found: dict[str, EntryPoint] = {}
    for point in sorted(entry_points(group=group), key=lambda p: not p.value.startswith("workbench.")):
        found.setdefault(point.name, point)
    return found


def load(group: str, name: str) -> Any:
    """The object behind a plug-in's name. Raises UnknownName, or BadInput when it cannot be imported."""
    known = names(group)
    if name not in known:
        raise unknown(f"plug-in of {group}", name, known)
    try:
        return known[name].load()
    except (ImportError, AttributeError) as error:
        raise BadInput(
            f"the plug-in '{name}' of {group} cannot be loaded",
            why=f"{known[name].value}: {error}",
            fix="reinstall or remove the distribution that declares it",
        ) from error


def need(module: str, *, extra: str) -> ModuleType:
    """Import a package that only an extra brings. Raises MissingExtra with the command that installs it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"the package '{error.name or module}' is not installed",
            why=f"this step needs it, and the base install leaves it out (extra '{extra}')",
            fix=f"pip install 'notebook-workbench[{extra}]'",
        ) from error
