"""The compiled query against the same meaning written in plain Python, on random small tables, run by real DuckDB."""

import math
import operator
from datetime import date, datetime

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.access.compile import compile_query
from workbench.access.contract import Column, Contract
from workbench.access.policy import Decision
from workbench.access.pseudonym import mapping, token
from workbench.access.rules import RowFilter

KEY = b"k" * 32
TYPES = {
    "n": ("integer", pa.int64()),
    "id": ("integer", pa.int64()),
    "text": ("string", pa.string()),
    "x": ("number", pa.float64()),
    "day": ("date", pa.date32()),
    "time": ("timestamp", pa.timestamp("us")),
    "yes": ("boolean", pa.bool_()),
    '<b>"q"</b>': ("array", pa.list_(pa.int64())),
}
CONTRACT = Contract(
    name="t", version="1", status="active", description="", format="parquet", path="x", keys=(), relationships=(), rules=(),
    columns=tuple(Column(name=name, logical=logical, classification="public") for name, (logical, _) in TYPES.items()),
)  # fmt: skip


def _run(table: dict, *, columns=tuple(TYPES), rows=(), masks=None):
    """The rows that a decision hands over, in order of the column n, which must be among the columns and unmasked."""
    decision = Decision(
        allowed=True, dataset="t", contract_version="1", actor="ann", purpose="p", roles=("r",), reason="", policy_sha256="",
        columns=tuple(columns), rows=tuple(rows), masks=masks or {},
    )  # fmt: skip
    query = compile_query(CONTRACT, decision)
    with duckdb.connect() as con:
        con.register("source", pa.table({name: pa.array(table[name], kind) for name, (_, kind) in TYPES.items()}))
        for column, name in query.mappings.items():
            ids = con.sql(f'SELECT DISTINCT "{column}" AS id FROM source WHERE "{column}" IS NOT NULL').to_arrow_table()["id"]
            con.register(name, mapping(KEY, ids))
        return sorted(con.execute(query.sql).fetchall(), key=lambda row: row[columns.index("n")])


VALUES = {
    "id": st.integers(-50, 50),
    "text": st.text(st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs", "M"]), max_size=8),
    "x": st.floats(-1e6, 1e6, allow_nan=False),
    "day": st.dates(date(1900, 1, 1), date(2100, 1, 1)),
    "time": st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)),
    "yes": st.booleans(),
    '<b>"q"</b>': st.lists(st.integers(0, 9), max_size=2),
}
record = st.fixed_dictionaries({name: st.one_of(st.none(), found) for name, found in VALUES.items()})
tables = st.lists(record, max_size=8).map(
    lambda rows: {"n": list(range(len(rows))), **{name: [row[name] for row in rows] for name in VALUES}}
)
OPS = {"=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def _passes(f: RowFilter, value) -> bool:
    if f.op in ("is null", "is not null"):
        return (value is None) == (f.op == "is null")
    if value is None:
        return False
    if f.op in ("in", "not in"):
        return (value in f.values) == (f.op == "in")
    return OPS[f.op](value, f.value)


@st.composite
def filters(draw):
    column = draw(st.sampled_from(["id", "text", "x", "day", "time"]))
    op = draw(st.sampled_from([*OPS, "in", "not in", "is null", "is not null"]))
    one = VALUES[column]
    value = None if op.startswith("is") else draw(st.lists(one, min_size=1, max_size=3) if op.endswith("in") else one)
    return RowFilter(column=column, op=op, value=tuple(value) if isinstance(value, list) else value)


@settings(deadline=None, max_examples=60)
@given(tables, st.lists(filters(), max_size=3))
def test_row_filters_keep_the_rows_that_plain_python_keeps(table, rows):
    kept = [i for i in table["n"] if all(_passes(f, table[f.column][i]) for f in rows)]
    assert _run(table, rows=rows) == [tuple(table[name][i] for name in TYPES) for i in kept]


def _hidden(mask, value):
    if value is None or mask == "null":
        return None
    kind, _, size = mask.partition(":")
    if kind == "band" and isinstance(value, int):
        return value // int(size) * int(size)
    if kind == "band":
        return math.floor(value / int(size)) * float(size)
    if kind == "last":
        return "***" + (str(value)[-int(size) :] if len(str(value)) > int(size) else "")
    if kind in ("year", "month", "day"):
        start = value.replace(month=1 if kind == "year" else value.month, day=value.day if kind == "day" else 1)
        return start.replace(hour=0, minute=0, second=0, microsecond=0) if isinstance(value, datetime) else start
    return {"pseudonym": lambda: token(KEY, value), "redact": lambda: "redacted", "clear": lambda: value}[kind]()


FITTING = {
    "id": ["null", "redact", "pseudonym", "band:7", "last:2"],
    "text": ["null", "redact", "pseudonym", "last:4"],
    "x": ["null", "redact", "band:10"],
    "day": ["null", "redact", "year", "month", "day"],
    "time": ["null", "redact", "year", "month", "day"],
    "yes": ["null", "redact"],
    '<b>"q"</b>': ["null", "redact"],
}
masked = st.fixed_dictionaries({}, optional={name: st.sampled_from(found) for name, found in FITTING.items()})


@settings(deadline=None, max_examples=60)
@given(tables, masked)
def test_masks_hide_what_plain_python_hides_and_null_stays_null(table, masks):
    found = _run(table, masks=masks)
    expected = [tuple(_hidden(masks.get(name, "clear"), table[name][i]) for name in TYPES) for i in table["n"]]
    assert found == expected


ONE = {"n": [0], "id": [1], "text": ["a"], "x": [1.0], "day": [None], "time": [None], "yes": [True], '<b>"q"</b>': [[1]]}


def test_a_band_of_a_large_number_or_infinity_does_not_break():
    table = {name: values * 2 for name, values in ONE.items()} | {"n": [0, 1], "x": [1e300, math.inf], "id": [2**62, -(2**62)]}
    found = _run(table, columns=("n", "x", "id"), masks={"x": "band:10", "id": "band:1000"})
    assert found == [(0, pytest.approx(1e300), 2**62 // 1000 * 1000), (1, math.inf, -(2**62) // 1000 * 1000)]


def test_a_filter_looks_at_the_true_value_and_not_at_the_masked_one():
    f = RowFilter(column="id", op="=", value=1)
    assert _run(ONE, columns=("n", "id"), rows=[f], masks={"id": "pseudonym"}) == [(0, token(KEY, 1))]
    assert _run(ONE, columns=("n",), rows=[f], masks={"id": "null"}) == [(0,)]


def test_a_text_in_a_filter_is_a_value_and_never_sql():
    f = RowFilter(column="text", op="=", value="a' OR 1=1 --")
    assert _run(ONE, rows=[f]) == []


def test_a_mapping_is_joined_only_for_a_column_that_is_handed_over_and_no_token_stands_in_the_sql():
    def query(*columns):
        decision = Decision(
            allowed=True, dataset="t", contract_version="1", actor="ann", purpose="p", roles=("r",), reason="",
            policy_sha256="", columns=columns, masks={"id": "pseudonym", "text": "pseudonym"},
        )  # fmt: skip
        return compile_query(CONTRACT, decision)

    assert (query("x").mappings, "JOIN" in query("x").sql) == ({}, False)
    assert query("id", "text").mappings == {"id": "mapping_0", "text": "mapping_1"}
    assert query("id").sha256 == query("id").sha256 != query("text").sha256
