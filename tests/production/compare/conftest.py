"""Runs without kernels: folders as a run leaves them, whole and consistent, so that a test can spoil one thing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import code, text, write_notebook
from workbench.production.notebook import read_notebook
from workbench.production.results import MIME
from workbench.production.run_key import recorded_run_key
from workbench.records.files import sha256_file
from workbench.records.run import Artifact, Figure, RunRecord, State

DAY = datetime(2026, 1, 1, 9, tzinfo=UTC)
PACKAGES = "numpy==2.0.0  sha256:aaaa\npandas==3.0.0  sha256:bbbb\n"


def stream(printed: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": printed}


def shown(**data: Any) -> dict[str, Any]:
    """`shown(text_plain="x", image_png="…")`"""
    named = {key.replace("_", "/", 1): value for key, value in data.items()}
    return {"output_type": "display_data", "data": named, "metadata": {}}


def declared(result: Figure | Artifact) -> dict[str, Any]:
    data = {"kind": type(result).__name__.lower(), **result.model_dump(mode="json")}
    return {"output_type": "display_data", "data": {MIME: data, "text/plain": result.name}, "metadata": {}}


def cell(source: str, *outputs: dict[str, Any], tags: tuple[str, ...] = ()) -> dict[str, Any]:
    return {**code(source, *tags), "outputs": list(outputs)}


Make = Callable[..., Path]


@pytest.fixture
def make(project) -> Make:
    """`make("aaaaaaaa", cell("print(1)", stream("1")), weeks=8)` writes the folder of a run and gives it.

    environment, figures, files (artifacts by name: bytes) and `record` (fields of it) besides; other keywords are parameters.
    """

    def write(
        end: str,
        *cells: dict[str, Any],
        environment: str = PACKAGES,
        figures: Mapping[str, Any] | None = None,
        files: Mapping[str, bytes] | None = None,
        record: Mapping[str, Any] | None = None,
        **parameters: Any,
    ) -> Path:
        run_id = f"20260101T090000Z-t-{end}"
        folder = project.runs / run_id
        made = [Figure(name=name, value=value) for name, value in (figures or {}).items()]
        for name, content in (files or {}).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        kept = [
            Artifact(name=Path(name).stem, path=name, sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))
            for name, content in (files or {}).items()
        ]
        first = (text("# T"), code("weeks: int = 8  # how far back", "parameters"))
        results = cell("results()", *(declared(one) for one in (*made, *kept)))
        injected = code("\n".join(f"{k} = {v!r}" for k, v in parameters.items()), "injected-parameters")
        bare = [{**one, "outputs": []} if one["cell_type"] == "code" else one for one in (*cells, results)]
        write_notebook(folder / "input.ipynb", *first, *bare)
        write_notebook(folder / "output.ipynb", *first, injected, *cells, results)
        (folder / "environment.txt").write_text(environment)
        fields = {
            "run_id": run_id,
            "template": "t",
            "template_sha256": read_notebook(folder / "input.ipynb").code_sha256,
            "parameters": parameters,
            "state": State.DONE,
            "actor": "ana",
            "created": DAY,
            "started": DAY,
            "finished": DAY,
            "kernel": "python3",
            "environment_sha256": sha256_file(folder / "environment.txt"),
            "output_sha256": sha256_file(folder / "output.ipynb"),
            "figures": tuple(made),
            "artifacts": tuple(kept),
            **(record or {}),
        }
        done = RunRecord(**fields)
        done = done.model_copy(update={"run_key": recorded_run_key(done)})
        done.write(folder / "record.json")
        return folder

    return write


def rewrite(folder: Path, **changes: Any) -> None:
    """Change fields of a run's record as a person with an editor does: nothing else follows."""
    path = folder / "record.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
