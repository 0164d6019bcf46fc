"""Which row belongs to which split."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.errors import BadInput
from workbench.records.model import Split

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Names = NDArray[np.str_]


def assign(table: pa.Table, split: Split, *, stratify: str | None = None) -> Names:
    """The split's name of each row, [n]. stratify: a column whose values keep their shares in a split at random.

    Raises BadInput when 'train' or 'test' would be empty.
    """
    import numpy as np

    if split.column:
        values = table.column(split.column)
        names = np.array(["" if value is None else str(value) for value in values.to_pylist()], dtype=np.str_)
    elif split.time_column:
        names = _by_time(table, split)
    else:
        names = _at_random(table, split, stratify)
    for name in ("train", "test"):
        if not (names == name).any():
            found = ", ".join(f"'{n}'" for n in sorted(set(names.tolist()))[:8])
            raise BadInput(
                f"no row is in the split '{name}'",
                why=f"parted {split.words()}, the rows are in {found or 'no split'}",
                fix="name another split column, or other shares",
            )
    return names


def _by_time(table: pa.Table, split: Split) -> Names:
    """The newest rows test, those before them validate. A time is wholly on one side, so shares are met at most."""
    import numpy as np
    import pyarrow.compute as pc

    column = table.column(split.time_column)
    if column.null_count:
        raise BadInput(
            f"'{split.time_column}' is missing in {column.null_count:,} rows",
            why="a row without a time is neither before nor after the test",
            fix="leave these rows out in the feature query",
        )
    before = pc.rank(column, sort_keys="ascending", tiebreaker="min").to_numpy() - 1  # rows of an earlier time
    from_here = (table.num_rows - before) / table.num_rows  # share of the rows at this time or later
    names = np.full(table.num_rows, "train", dtype="<U8")
    names[from_here <= split.test_share + split.validate_share + 1e-12] = "validate"
    names[from_here <= split.test_share] = "test"
    return names


def _at_random(table: pa.Table, split: Split, stratify: str | None) -> Names:
    import numpy as np

    rng = np.random.default_rng(split.seed)
    draw = rng.permutation(table.num_rows)
    if stratify is None:
        groups = [draw]
    else:
        codes = table.column(stratify).combine_chunks().dictionary_encode().indices.to_numpy()
        groups = [draw[codes[draw] == code] for code in np.unique(codes)]
    names = np.full(table.num_rows, "train", dtype="<U8")
    for rows in groups:
        tests = round(len(rows) * split.test_share)
        names[rows[:tests]] = "test"
        names[rows[tests : tests + round(len(rows) * split.validate_share)]] = "validate"
    return names
