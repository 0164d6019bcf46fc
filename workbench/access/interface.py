"""What a reader plug-in gives (entry-point group `workbench.readers`; the entry is an instance, named like its format).

A reader knows one file format: which names it goes by, what can be wrong with such a file, and how DuckDB reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, runtime_checkable

from workbench.errors import BadInput


@runtime_checkable
class Reader(Protocol):
    """One file format. Paths are absolute; nothing is written."""

    name: str  # the `format` in a contract's server
    suffixes: tuple[str, ...]  # lower case, with the dot
    columnar: bool  # a query may scan the file itself again and again; others are parsed once into a table

    def header(self, path: Path) -> tuple[str, ...]:
        """The column names in file order. Raises BadInput when the file is empty or a name is there twice."""
        ...

    def examine(self, path: Path) -> None:
        """Look at the whole file for what DuckDB would not name well; raises BadInput with the line or byte."""
        ...

    def relation(self, path: Path, types: Mapping[str, str]) -> str:
        """DuckDB's table expression for the file.

        types: column -> DuckDB type as the contract has it; none: the types are found from the whole file.
        """
        ...

    def explain(self, path: Path, error: Exception) -> BadInput:
        """The letter for a file that DuckDB could not read: where, and what to do."""
        ...
