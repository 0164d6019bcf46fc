"""Production runs: template notebooks, typed parameters, one run or a pipeline of them.

In a template: `production.record("wape", 45.9)`, `production.artifact("table", path)`, `production.finding(f)`,
`production.folder()`, `production.current()`, `production.seed_everything(seed)`, `production.secret(token)`, and the parameter
type `Dataset`. In a notebook that starts runs: `production.run("train", dataset="sales")`, `production.sweep(…)`,
`production.resume(id)`, `production.pipeline(…)`, `production.runs()`, `production.get(id)`.

Names load when they are used: papermill imports our engine, and with it this package, at every start.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.production.handles.verbs import get, pipeline, resume, run, runs, sweep
    from workbench.production.inside import current
    from workbench.production.results import Dataset, artifact, finding, folder, record, seed_everything
    from workbench.production.secrecy.secrets import secret

__all__ = [
    "Dataset",
    "artifact",
    "current",
    "finding",
    "folder",
    "get",
    "pipeline",
    "record",
    "resume",
    "run",
    "runs",
    "secret",
    "seed_everything",
    "sweep",
]
_PLACES = dict.fromkeys(__all__, "results") | {"secret": "secrecy.secrets", "current": "inside"}
_PLACES |= dict.fromkeys(("get", "pipeline", "resume", "run", "runs", "sweep"), "handles.verbs")


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)


class _Package(ModuleType):
    """Loading a module binds it to its package; the modules `runs` and `pipeline` must not hide the functions of that name."""

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _PLACES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
