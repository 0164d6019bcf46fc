"""Production runs: template notebooks, typed parameters, one run or a pipeline of them.

In a notebook: `production.record("wape", 45.9)`, `production.artifact("table", path)`, `production.finding(f)`,
`production.folder()`, `production.seed_everything(seed)`, and the parameter type `Dataset`.

Names load when they are used: papermill imports our engine, and with it this package, at every start.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.production.results import Dataset, artifact, finding, folder, record, seed_everything

__all__ = ["Dataset", "artifact", "finding", "folder", "record", "seed_everything"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from workbench.production import results

    return getattr(results, name)
