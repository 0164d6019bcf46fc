"""How raw columns become the matrix that a model sees: learned once on training rows, then the same for ever.

The matrix is float32 [rows, features]. It is the contract of a model: the native file and the exported one take it and
nothing else, so that both can be compared number by number. An encoding is plain JSON, readable without the model.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel, ConfigDict

from workbench.errors import BadInput

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

TOP = 20  # text values that get a feature of their own; the rest is all zeros, "other"
EXACT = 2**24  # integers beyond it are not exact in float32


class Column(BaseModel):
    """One raw column of the encoding. A numeric one gives one feature; text gives one for each of its `categories`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: Literal["numeric", "category"]
    categories: tuple[str, ...] = ()  # the most frequent first; equal counts in the order of the alphabet

    @property
    def features(self) -> tuple[str, ...]:
        """Names of its features: `price`, or `brand=National` for each category."""
        return (self.name,) if self.kind == "numeric" else tuple(f"{self.name}={value}" for value in self.categories)


class LeftOut(BaseModel):
    """A column that no feature was made of, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    reason: str


class Encoding(BaseModel):
    """Columns in the order of the matrix, and those left out.

    - Numbers and booleans become float32. Missing stays NaN: some models use it, others impute in their own pipeline.
    - Text becomes one feature for each of its 20 most frequent training values, 1.0 where the row has that value.
      A value never seen, a rarer one and a missing one are all zeros.
    - Left out: identifiers (text with nearly all values distinct, or such integers beyond 2^24), dates and times,
      nested values, constant and empty columns.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    columns: tuple[Column, ...]
    left_out: tuple[LeftOut, ...] = ()

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the matrix's columns, in order."""
        return tuple(feature for column in self.columns for feature in column.features)

    @classmethod
    def learn(cls, table: pa.Table, columns: Iterable[str] | None = None) -> Self:
        """Choose kinds and categories from training rows.

        table: the training rows only: what is learned from other rows leaks into the model.
        columns: which columns may become features, in this order; all of them by default.
        Raises BadInput for a column that is not there, and when no feature is left.
        """
        names = table.column_names if columns is None else list(columns)
        _require(table, names)
        kept: list[Column] = []
        left: list[LeftOut] = []
        for name in names:
            found = _look_at(name, table.column(name))
            if isinstance(found, Column):
                kept.append(found)
            else:
                left.append(LeftOut(name=name, reason=found))
        if not kept:
            reasons = "; ".join(f"{column.name}: {column.reason}" for column in left) or "no column was offered"
            raise BadInput("no feature is left to learn from", why=reasons, fix="add columns of numbers or categories")
        return cls(columns=tuple(kept), left_out=tuple(left))

    def matrix(self, table: pa.Table) -> NDArray[np.float32]:
        """The rows of `table` as float32 [rows, features], C order, missing numbers as NaN.

        Raises BadInput for a missing column, one of another type than in training, or an infinite value (also one too
        large for float32).
        """
        import numpy as np

        _require(table, [column.name for column in self.columns])
        matrix = np.zeros((table.num_rows, len(self.features)), dtype=np.float32)
        start = 0
        for column in self.columns:
            stop = start + len(column.features)
            if column.kind == "numeric":
                matrix[:, start] = _numbers(column.name, table.column(column.name))
            else:
                _one_hot(column, table.column(column.name), matrix[:, start:stop])
            start = stop
        return matrix


def _require(table: pa.Table, names: list[str]) -> None:
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise BadInput(
            "the table lacks " + ", ".join(f"'{name}'" for name in missing),
            why="the model's features are made of these columns",
            fix="add them; the table has " + ", ".join(table.column_names[:30]),
        )


def _look_at(name: str, values: pa.ChunkedArray) -> Column | str:
    """The column's part in the matrix, or the reason why it has none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = values.type.value_type if pa.types.is_dictionary(values.type) else values.type
    if not (_is_number(kind) or _is_text(kind)):
        return f"dates, times and nested values are not features ({kind}): derive numbers from them in the feature query"
    values = _plain(values)
    present = len(values) - values.null_count
    distinct = pc.count_distinct(values, mode="only_valid").as_py()
    if distinct == 0:
        return "empty: no training row has a value"
    if distinct == 1 and values.null_count == 0:
        return "constant: every training row has the same value"
    mostly_distinct = distinct > TOP and distinct > present / 2
    if _is_number(kind):
        if mostly_distinct and pa.types.is_integer(kind) and _largest(values) > EXACT:
            return f"identifier: {distinct:,} distinct integers in {present:,} rows, beyond what float32 holds exactly"
        return Column(name=name, kind="numeric")
    if mostly_distinct:
        return f"identifier: {distinct:,} distinct texts in {present:,} rows"
    counts = sorted(
        (-pair["counts"], pair["values"]) for pair in values.value_counts().to_pylist() if pair["values"] is not None
    )
    return Column(name=name, kind="category", categories=tuple(value for _, value in counts[:TOP]))


def _is_number(kind: pa.DataType) -> bool:
    import pyarrow as pa

    types = pa.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind) or types.is_boolean(kind))


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _plain(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Without dictionary; NaN counts as missing, as it does in the matrix."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if _is_text(values.type):
        return values.cast(pa.string())
    if pa.types.is_floating(values.type):
        return pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
    return values


def _largest(values: pa.ChunkedArray) -> int:
    import pyarrow.compute as pc

    ends: dict[str, Any] = pc.min_max(values).as_py()
    return max(abs(int(ends["min"])), abs(int(ends["max"])))


def _numbers(name: str, values: pa.ChunkedArray) -> NDArray[np.float32]:
    import numpy as np
    import pyarrow as pa

    values = _plain(values)
    if pa.types.is_null(values.type):
        return np.full(len(values), np.nan, dtype=np.float32)
    if not _is_number(values.type):
        raise _other_type(name, values.type, "numbers")
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.uint8())
    with np.errstate(over="ignore"):
        column: NDArray[np.float32] = values.cast(pa.float64(), safe=False).to_numpy().astype(np.float32)
    if np.isinf(column).any():
        raise BadInput(
            f"'{name}' holds infinite values in {int(np.isinf(column).sum())} rows",
            why="a model cannot weigh them; a number beyond 3.4e38 counts as one too",
            fix="set them to missing, or cap them in the feature query",
        )
    return column


def _one_hot(column: Column, values: pa.ChunkedArray, out: NDArray[np.float32]) -> None:
    """Set `out` [rows, categories] to 1 where the row has the category; it comes in as zeros."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    values = _plain(values)
    if pa.types.is_null(values.type):
        return
    if not _is_text(values.type):
        raise _other_type(column.name, values.type, "text")
    places = pc.index_in(values, value_set=pa.array(column.categories, pa.string()))
    places = places.fill_null(-1).to_numpy()
    rows = np.flatnonzero(places >= 0)
    out[rows, places[rows]] = 1.0


def _other_type(name: str, kind: pa.DataType, expected: str) -> BadInput:
    return BadInput(
        f"'{name}' is {kind}", why=f"the model was trained on {expected} in this column", fix=f"cast it to {expected}"
    )
