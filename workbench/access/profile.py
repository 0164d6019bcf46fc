"""What is in a file: rows, and for each column its type, gaps, distinct values and range; and which columns are a key.

Everything is counted over the whole file by one query; only examples, and the form of values, come from its first rows.
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from workbench.access.engine import columns_of, logical_type
from workbench.access.pii import Suspicion, suspect
from workbench.access.sql import quoted

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SAMPLE_ROWS = 10_000
SAMPLE_VALUES = 1_000
PROBE_ROWS = 100_000
KEY_COLUMNS = 12
KEY_TRIES = 12
EXAMPLES = 3
_ORDERED = ("integer", "number", "string", "boolean", "date", "timestamp", "time")


class ColumnProfile(BaseModel):
    """One column as counted. least, most and examples are empty where the column seems to point at a person."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    type: str  # DuckDB's
    logical: str  # ODCS'
    nulls: int
    distinct: int
    least: str = ""
    most: str = ""
    examples: tuple[str, ...] = ()
    suspicion: Suspicion | None = None


class Profile(BaseModel):
    """A file as counted. keys: the smallest sets of columns that are unique and without gaps, the likeliest first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int
    columns: tuple[ColumnProfile, ...]
    keys: tuple[tuple[str, ...], ...] = ()


def profile(con: DuckDBPyConnection, relation: str) -> Profile:
    """Profile a table expression. Raises duckdb.Error when the file behind it cannot be read."""
    types = columns_of(con, relation)
    rows, counted = _count(con, relation, types)
    sample = _sample(con, relation, types)
    columns = tuple(_column(name, types[name], rows, counted[name], sample[name]) for name in types)
    return Profile(rows=rows, columns=columns, keys=_keys(con, relation, rows, columns))


def _count(
    con: DuckDBPyConnection, relation: str, types: dict[str, str]
) -> tuple[int, dict[str, tuple[int, int, str | None, str | None]]]:
    """Rows; and for each column (values, distinct values, least, most), in one pass over the file."""
    parts = ["count(*)"]
    for name, kind in types.items():
        here = quoted(name)
        ends = [f"{end}({here})::varchar" if logical_type(kind) in _ORDERED else "NULL" for end in ("min", "max")]
        parts += [f"count({here})", f"count(DISTINCT {here})", *ends]
    row = con.execute(f"SELECT {', '.join(parts)} FROM {relation}").fetchall()[0]
    quads = [row[i : i + 4] for i in range(1, len(row), 4)]
    return int(row[0]), dict(zip(types, quads, strict=True))


def _sample(con: DuckDBPyConnection, relation: str, types: dict[str, str]) -> dict[str, list[str]]:
    """Distinct values as text among the first rows, in order, at most SAMPLE_VALUES a column."""
    lists = ", ".join(f"list_sort(list(DISTINCT {quoted(name)}::varchar))[:{SAMPLE_VALUES}]" for name in types)
    row = con.execute(f"SELECT {lists} FROM (SELECT * FROM {relation} LIMIT {SAMPLE_ROWS})").fetchall()[0]
    return {name: [value for value in found or () if value is not None] for name, found in zip(types, row, strict=True)}


def _column(
    name: str, kind: str, rows: int, counted: tuple[int, int, str | None, str | None], values: list[str]
) -> ColumnProfile:
    present, distinct, least, most = counted
    logical = logical_type(kind)
    suspicion = suspect(name, logical, values, distinct=distinct, rows=rows)
    shown = suspicion is None
    return ColumnProfile(
        name=name,
        type="VARCHAR" if kind == "JSON" else kind,  # values of several types: read as text
        logical=logical,
        nulls=rows - present,
        distinct=distinct,
        least=(least or "")[:80] if shown else "",
        most=(most or "")[:80] if shown else "",
        examples=tuple(value[:80] for value in values[:EXAMPLES]) if shown else (),
        suspicion=suspicion,
    )


def _keys(con: DuckDBPyConnection, relation: str, rows: int, columns: tuple[ColumnProfile, ...]) -> tuple[tuple[str, ...], ...]:
    """The smallest keys: single columns, else pairs, else triples. Counted, not guessed.

    Measures and texts with gaps are no keys. Sets that already repeat among the first PROBE_ROWS are left out, and the
    likeliest KEY_TRIES of the rest are counted over all rows.
    """
    usable = [c for c in columns if not c.nulls and c.distinct > 1 and c.logical in ("integer", "string", "date", "timestamp")]
    single = [(c.name,) for c in usable if c.distinct == rows]
    if single or rows < 2:
        return tuple(sorted(single, key=_unlikely))
    distinct = {c.name: c.distinct for c in usable}
    likely = sorted(distinct, key=lambda name: (_unlikely((name,)), list(distinct).index(name)))[:KEY_COLUMNS]
    probe = f"(SELECT * FROM {relation} LIMIT {PROBE_ROWS})"
    for size in (2, 3):
        sets = [s for s in combinations(likely, size) if math.prod(distinct[name] for name in s) >= rows]
        survivors = sorted(_which(con, probe, sets), key=_unlikely)[:KEY_TRIES]
        if found := [s for s in survivors if _which(con, relation, [s])]:
            order = [c.name for c in columns]
            return tuple(tuple(sorted(s, key=order.index)) for s in found)
    return ()


def _which(con: DuckDBPyConnection, relation: str, sets: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The sets whose combined values never repeat. Distinct hashes prove distinct values, so a yes is sure."""
    if not sets:
        return []
    counts = ", ".join(f"count(DISTINCT hash({', '.join(map(quoted, s))}))" for s in sets)
    row = con.execute(f"SELECT count(*), {counts} FROM {relation}").fetchall()[0]
    return [s for s, count in zip(sets, row[1:], strict=True) if count == row[0]]


def _unlikely(columns: tuple[str, ...]) -> int:
    """How many of the columns are not named like an id."""
    endings = ("id", "key", "code", "no", "nr", "number", "upc", "sku", "week", "date", "day", "month", "year")
    return sum(not name.lower().endswith(endings) for name in columns)
