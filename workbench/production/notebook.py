"""A notebook as plain JSON: read it, find its cells, hash its code. No kernel, no nbformat: this must be quick."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import BadInput, UnknownName
from workbench.records.base import sha256_json
from workbench.records.files import cannot_read


@dataclass(frozen=True)
class Notebook:
    """A version 4 notebook. `raw` are the bytes as read, `cells` its cells in order."""

    raw: bytes
    cells: tuple[dict[str, Any], ...]
    metadata: dict[str, Any]

    @property
    def code_sha256(self) -> str:
        """sha256 over the source of the code cells: what makes two templates compute the same."""
        return sha256_json([source(cell) for cell in self.cells if cell["cell_type"] == "code"])

    def tagged(self, tag: str) -> list[dict[str, Any]]:
        """The cells that carry a tag."""
        return [cell for cell in self.cells if tag in cell.get("metadata", {}).get("tags", ())]

    @property
    def title(self) -> str:
        """The first heading, without its marks; empty when there is none."""
        lines = (line for cell in self.cells if cell["cell_type"] == "markdown" for line in source(cell).splitlines())
        return next((line.lstrip("#").strip() for line in lines if line.startswith("#")), "")

    @property
    def summary(self) -> str:
        """The first paragraph below the first heading, on one line."""
        first = next((source(cell) for cell in self.cells if cell["cell_type"] == "markdown"), "")
        body = [line for line in first.splitlines() if not line.startswith("#")]
        paragraphs = "\n".join(body).strip().split("\n\n")
        return " ".join(paragraphs[0].split())


def source(cell: dict[str, Any]) -> str:
    """A cell's text; on disk it is a string or a list of lines."""
    text = cell.get("source", "")
    return text if isinstance(text, str) else "".join(text)


def read_notebook(path: Path) -> Notebook:
    """Read a notebook. Raises UnknownName when it is not there and BadInput when it is no version 4 notebook."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise UnknownName(f"no notebook at {path}", why="the file is not there", fix="check the path") from None
    except OSError as error:
        raise cannot_read(path, error) from error
    return parse_notebook(raw, path)


def parse_notebook(raw: bytes, place: Path | str) -> Notebook:
    """The notebook that `place` (a file, or a URL) holds as these bytes. Raises BadInput when it is no version 4 notebook."""
    try:
        data = json.loads(raw)
        cells, version, metadata = data["cells"], data["nbformat"], data.get("metadata", {})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _corrupt(place, f"{type(error).__name__}: {error}") from error
    if version != 4:
        raise _corrupt(place, f"it has nbformat {version!r}; version 4 is needed")
    broken = next((i for i, cell in enumerate(cells) if not _is_cell(cell)), None) if isinstance(cells, list) else 0
    if broken is not None or not isinstance(metadata, dict):
        where = "the notebook's metadata is" if broken is None else f"cell {broken} is"
        raise _corrupt(place, f"{where} not as the notebook format has it")
    return Notebook(raw=raw, cells=tuple(cells), metadata=metadata)


def _is_cell(cell: Any) -> bool:
    """Has it the parts that we read, each of the type that nbformat 4 gives it?"""
    if not isinstance(cell, dict) or cell.get("cell_type") not in ("code", "markdown", "raw"):
        return False
    text, metadata, outputs = cell.get("source", ""), cell.get("metadata", {}), cell.get("outputs", [])
    lines = text if isinstance(text, list) else [text]
    tags = metadata.get("tags", []) if isinstance(metadata, dict) else None
    return (
        all(isinstance(line, str) for line in lines)
        and isinstance(tags, list)
        and isinstance(outputs, list)
        and all(isinstance(output, dict) and isinstance(output.get("data", {}), dict) for output in outputs)
    )


def _corrupt(place: Path | str, why: str) -> BadInput:
    name = str(place).rpartition("/")[2]
    return BadInput(f"{name} is not a readable notebook", why=why, fix=f"open {place} in JupyterLab and save it again")
