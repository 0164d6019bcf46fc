"""Names, texts and paths as SQL takes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def file_literal(path: Path) -> str:
    """A path as DuckDB's readers take it: the signs of a glob stand for themselves."""
    return literal(re.sub(r"([\[*?])", r"[\1]", str(path)))


def struct(types: Mapping[str, str]) -> str:
    """Column types as DuckDB's `columns` option takes them."""
    return "{" + ", ".join(f"{literal(name)}: {literal(kind)}" for name, kind in types.items()) + "}"
