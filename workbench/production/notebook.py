"""A notebook as plain JSON: read it, find its cells, hash its code. No kernel, no nbformat: this must be quick."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import BadInput, UnknownName
from workbench.records.base import sha256_json


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
    except IsADirectoryError:
        raise BadInput(f"{path} is no notebook", why="it is a folder", fix="name a file that ends in .ipynb") from None
    try:
        data = json.loads(raw)
        cells = tuple(data["cells"])
        whole = data["nbformat"] == 4 and all(cell["cell_type"] in ("code", "markdown", "raw") for cell in cells)
    except (ValueError, KeyError, TypeError) as error:
        raise _corrupt(path, f"{type(error).__name__}: {error}") from error
    if not whole:
        raise _corrupt(path, f"it has nbformat {data['nbformat']!r}; version 4 is needed")
    return Notebook(raw=raw, cells=cells, metadata=data.get("metadata", {}))


def _corrupt(path: Path, why: str) -> BadInput:
    return BadInput(f"{path.name} is not a readable notebook", why=why, fix=f"open {path} in JupyterLab and save it again")
