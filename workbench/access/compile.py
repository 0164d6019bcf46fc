"""A decision as SQL: an Ibis expression, compiled for DuckDB. Pure; it reads contract and decision, never data.

Rows are filtered first and on the true values; then each column is masked. A pseudonym comes from a mapping table (id,
token) that the executing side registers under the name found in `Query.mappings`; a mapping is joined only when its column
is handed over. NULL stays NULL under every mask.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import Any

from workbench.access.contract import Column, Contract
from workbench.access.policy import Decision
from workbench.access.rules import RowFilter

SOURCE = "source"
_IBIS_TYPES = {
    "integer": "int64",
    "number": "float64",
    "string": "string",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp(6)",
}
_UNITS = {"year": "Y", "month": "M", "day": "D"}


@dataclass(frozen=True)
class Query:
    """SQL over the view SOURCE. mappings: column -> the name of its mapping table."""

    sql: str
    mappings: dict[str, str]

    @property
    def sha256(self) -> str:
        """What the audit log keeps of the SQL: its text may hold values of a row filter."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def compile_query(contract: Contract, decision: Decision) -> Query:
    """The query that hands over what was decided: its rows, its columns in order, masked."""
    import ibis

    unknown = ibis.expr.datatypes.unknown
    table = ibis.table({c.name: _IBIS_TYPES.get(c.logical, unknown) for c in contract.columns}, name=SOURCE)
    rows = table.filter([_predicate(table, f) for f in decision.rows]) if decision.rows else table
    hidden = [name for name in decision.columns if decision.masks.get(name) == "pseudonym"]
    mappings = {name: f"mapping_{number}" for number, name in enumerate(hidden)}
    joined, found = rows, {}
    for name, mapping in mappings.items():
        found[name] = ibis.table({"id": rows[name].type(), "token": "int64"}, name=mapping)
        joined = joined.left_join(found[name], rows[name] == found[name]["id"])
    columns = {
        name: found[name]["token"] if name in found else _masked(rows[name], _column(contract, name), decision.masks.get(name))
        for name in decision.columns
    }
    return Query(sql=str(ibis.to_sql(joined.select(**columns), dialect="duckdb")), mappings=mappings)


def _column(contract: Contract, name: str) -> Column:
    return next(c for c in contract.columns if c.name == name)


def _predicate(table: Any, f: RowFilter) -> Any:
    column = table[f.column]
    match f.op:
        case "=":
            return column == f.value
        case "!=":
            return column != f.value
        case "<":
            return column < f.value
        case "<=":
            return column <= f.value
        case ">":
            return column > f.value
        case ">=":
            return column >= f.value
        case "in":
            return column.isin(f.values)
        case "not in":
            return column.notin(f.values)
        case "is null":
            return column.isnull()
        case "is not null":
            return column.notnull()


def _masked(column: Any, listed: Column, mask: str | None) -> Any:
    """One column under a mask other than a pseudonym; None: as it is."""
    import ibis

    kind, _, size = (mask or "").partition(":")
    match kind:
        case "null":
            return ibis.null(_IBIS_TYPES.get(listed.logical))
        case "redact":
            return column.isnull().ifelse(ibis.null("string"), "redacted")
        case "year" | "month" | "day":
            # DuckDB's date_trunc makes a timestamp of a date; the detour lets Ibis know, so that it casts back.
            start = column.cast("timestamp").truncate(_UNITS[kind])
            return start.cast("date") if listed.logical == "date" else start
        case "band":
            return _band(column, listed, int(size))
        case "last":
            text = column.cast("string")
            return (text.length() > int(size)).ifelse("***" + text.right(int(size)), text.length().isnull().ifelse(None, "***"))
        case _:
            return column


def _band(column: Any, listed: Column, width: int) -> Any:
    """The lower edge of the band [k * width, (k + 1) * width) that holds the value; whole numbers stay exact."""
    if listed.logical == "integer":
        return column - ((column % width) + width) % width
    return _engine_floor()(column.cast("float64") / width) * float(width)


@cache
def _engine_floor() -> Any:
    """DuckDB's floor by its name: Ibis' own casts to BIGINT, which breaks on large numbers and on infinity."""
    import ibis

    def floor(_value: float) -> float:
        raise NotImplementedError  # only its name and types go into the SQL

    return ibis.udf.scalar.builtin(floor)
