"""DuckDB as we use it: private connections that see the files, and locked ones that are handed over.

Ibis only writes our SQL (its DuckDB executor does not run on DuckDB 2); the executing stands here.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.access.contract import Column, Contract
from workbench.access.readers import reader
from workbench.access.registry import locate
from workbench.access.sql import file_literal, literal, quoted
from workbench.errors import BadInput, MachineError
from workbench.machine import effective_cpus
from workbench.project import Project

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_LOGICAL = {
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIME": "time",
    "UUID": "string",
    "VARCHAR": "string",
    "JSON": "string",
    "ENUM": "string",
    "BLOB": "string",
    "FLOAT": "number",
    "DOUBLE": "number",
    "DECIMAL": "number",
    "STRUCT": "object",
    "MAP": "object",
}


def connect(project: Project) -> DuckDBPyConnection:
    """A new in-memory database that fetches no extension.

    It spills to a folder of its own that DuckDB makes when it needs it: a fixed one would be a place to COPY TO.
    """
    import duckdb

    cache = project.state / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": effective_cpus(),
        "temp_directory": str(cache / f"duckdb-{secrets.token_hex(8)}"),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    return duckdb.connect(":memory:", config=config)


def lock(con: DuckDBPyConnection, files: Collection[Path]) -> None:
    """From here on the connection reaches these files and no other, and nothing can be set any more."""
    # DuckDB asks for a path with the signs of a glob twice: as the reader was given it, and as it is
    forms = dict.fromkeys(form for path in files for form in (literal(str(path)), file_literal(path)))
    con.execute(f"SET allowed_paths = [{', '.join(forms)}]")
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")


def logical_type(kind: str) -> str:
    """The ODCS logical type of a DuckDB type."""
    if kind.endswith("]"):
        return "array"
    if kind.startswith("TIMESTAMP"):
        return "timestamp"
    return _LOGICAL.get(kind.partition("(")[0], "integer" if "INT" in kind else "string")


def columns_of(con: DuckDBPyConnection, relation: str) -> dict[str, str]:
    """Column name -> DuckDB type of a table expression."""
    return {row[0]: row[1] for row in con.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()}


def compatible(column: Column, kind: str) -> bool:
    """May data of a DuckDB type stand where the contract says `column.logical`? Whole numbers are numbers."""
    found = logical_type(kind)
    return found == column.logical or (found, column.logical) == ("integer", "number")


def mount(con: DuckDBPyConnection, project: Project, contract: Contract, *, name: str, scans: int = 1) -> Path:
    """Make the view `name` over the contract's file: its listed columns, in the contract's order. Returns the file.

    scans: how often it will be read; a text file that is read more than once is parsed into a table instead.
    A column that the contract does not list is not in the view. Raises BadInput when a listed one is not in the file or
    has another type, or when the file cannot be read.
    """
    path = locate(project, contract)
    file_reader = reader(contract.format)
    header = file_reader.header(path)
    lost = [c.name for c in contract.columns if c.name not in header]
    if lost:
        raise _unlike(contract, f"column '{lost[0]}' of the contract is not in {path.name}")
    with explained(contract, path):
        relation = file_reader.relation(path, contract.types)
        found = columns_of(con, relation)
        wrong = [c for c in contract.columns if not compatible(c, found[c.name])]
        if wrong:
            raise _unlike(contract, f"column '{wrong[0].name}' is {found[wrong[0].name]}, not {wrong[0].logical}")
        listed = ", ".join(quoted(c.name) for c in contract.columns)
        kind = "TABLE" if scans > 1 and not file_reader.columnar else "VIEW"
        con.execute(f"CREATE {kind} {quoted(name)} AS SELECT {listed} FROM {relation}")
    return path


@contextmanager
def explained(contract: Contract, path: Path) -> Iterator[None]:
    """Turn what DuckDB says of a file into the reader's letter; too little memory is not the file's fault."""
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise MachineError(
            f"'{contract.name}' does not fit into memory",
            why=str(error).splitlines()[0],
            fix="ask for fewer columns, or use access.open and aggregate there",
        ) from error
    except duckdb.Error as error:
        raise reader(contract.format).explain(path, error) from error


def whole_file(path: Path, contract: Contract) -> bool:
    """May a view over the file itself be handed over? Only if it holds no column beyond the contract's.

    A path with the signs of a glob is left out: DuckDB's list of allowed paths would not match it.
    """
    file_reader = reader(contract.format)
    plain = file_literal(path) == literal(str(path))
    return file_reader.columnar and plain and set(file_reader.header(path)) == {c.name for c in contract.columns}


def _unlike(contract: Contract, why: str) -> BadInput:
    return BadInput(
        f"the data of '{contract.name}' does not keep its contract", why=why, fix=f"workbench access check {contract.name}"
    )
