"""The figures, in the order in which they are measured and shown."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from benchmarks import command_help, drift, features_21m, governed_read, production, run_overhead, saves, scoring_import
from benchmarks.figure import Figure


class Module(Protocol):
    """A group of figures that are measured together. measure: a folder to work in -> figure name: (ours, peer)."""

    @property
    def FIGURES(self) -> tuple[Figure, ...]: ...

    def measure(self, place: Path, /) -> dict[str, tuple[float, float]]: ...


MODULES: dict[str, Module] = {
    "command_help": command_help,
    "run_overhead": run_overhead,
    "saves": saves,
    "production": production,
    "governed_read": governed_read,
    "features_21m": features_21m,
    "drift": drift,
    "scoring_import": scoring_import,
}
FIGURES = tuple(figure for module in MODULES.values() for figure in module.FIGURES)
ORDER = tuple(figure.name for figure in FIGURES)
