"""What a notebook hands on: figures, artifacts and findings, declared in the cell that made them.

A declaration is an output of that cell with a MIME type of its own, so the executed notebook carries its results wherever
it goes, whichever runner executed it. Our engine copies them into the run record.
"""

from __future__ import annotations

import json
import math
import os
import random
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, TypeAdapter

from workbench.errors import BadInput
from workbench.findings import Finding
from workbench.production.scraps import scraps
from workbench.records.files import sha256_file
from workbench.records.run import Artifact, Figure

MIME = "application/vnd.workbench.result+json"
RUN_FOLDER = "WORKBENCH_RUN_FOLDER"
RUN_ID = "WORKBENCH_RUN_ID"

Dataset = Annotated[str, "a registered dataset, or the artifact of an earlier run"]
Declared = Figure | Artifact | Finding
_KINDS: dict[str, type[BaseModel]] = {"figure": Figure, "artifact": Artifact, "finding": Finding}


def record(name: str, value: Any, *, unit: str = "", label: str = "", headline: bool = False) -> None:
    """Declare one figure of this run. headline: it is the one that matters.

    value: a number, text or bool; NumPy scalars are taken as their Python value, NaN and infinity as "not a number".
    """
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float) and not math.isfinite(value):
        value = None
    figure = Figure(name=name, value=value, unit=unit, label=label, headline=headline)
    _declare("figure", figure, f"{label or name}: {figure.shown()}")


def artifact(name: str, path: Path | str) -> Path:
    """Declare a file or folder of this run that later steps may take. It must lie in the run's `folder()`."""
    whole, home = Path(path).resolve(), folder().resolve()
    if not whole.exists():
        raise BadInput(f"no artifact '{name}'", why=f"{path} is not there", fix="write it before you declare it")
    if not whole.is_relative_to(home):
        raise BadInput(
            f"'{name}' lies outside its run", why=f"{path} is not in {home}", fix="write it into production.folder()"
        )
    files = [p for p in whole.rglob("*") if p.is_file()] if whole.is_dir() else [whole]
    size = sum(p.stat().st_size for p in files)
    made = Artifact(name=name, path=str(whole.relative_to(home)), sha256=sha256_file(whole), size_bytes=size)
    _declare("artifact", made, f"{name}: {made.path}, {size / 1024:,.0f} KiB")
    return whole


def finding(*found: Finding) -> None:
    """Declare findings of this run: they decide its exit code and stand in the report."""
    for one in found:
        _declare("finding", one, f"[{one.outcome}] {one.message}")


def folder() -> Path:
    """Where this run writes its files: the run's folder, or `workbench-output` beside a notebook opened by hand."""
    path = Path(os.environ.get(RUN_FOLDER) or "workbench-output")
    path.mkdir(parents=True, exist_ok=True)
    return path.resolve()


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and, where it is loaded, torch; the libraries that a template loads later take `seed` themselves."""
    random.seed(seed)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(seed % 2**32)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)


def _declare(kind: str, declared: BaseModel, text: str) -> None:
    from IPython.core.getipython import get_ipython
    from IPython.display import display

    if get_ipython() is None:
        print(text)
        return
    data = {"kind": kind, **declared.model_dump(mode="json")}
    display({MIME: data, "text/plain": text}, raw=True)  # type: ignore[no-untyped-call]


def collect(cells: Iterable[dict[str, Any]]) -> tuple[tuple[Figure, ...], tuple[Artifact, ...], tuple[Finding, ...]]:
    """The declarations in executed cells; of two with one name the later counts, and ours before one of scrapbook's."""
    figures: dict[str, Figure] = {}
    artifacts: dict[str, Artifact] = {}
    findings: list[Finding] = []
    outputs = [output for cell in cells for output in cell.get("outputs", ())]
    for output in outputs:
        data = output.get("data", {}).get(MIME)
        if data is None:
            continue
        data = dict(json.loads(data) if isinstance(data, str) else data)
        one: Any = TypeAdapter(_KINDS[data.pop("kind")]).validate_python(data)
        if isinstance(one, Figure):
            figures[one.name] = one
        elif isinstance(one, Artifact):
            artifacts[one.name] = one
        else:
            findings.append(one)
    glued, remarks = scraps(outputs)
    return tuple((glued | figures).values()), tuple(artifacts.values()), (*findings, *remarks)
