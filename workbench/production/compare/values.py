"""Is one value the other? Identical, equal within a tolerance, or different: of numbers, texts, JSON and tables. Pure.

The tolerance is relative: |a - b| <= tolerance * max(|a|, |b|). There is no absolute one, so nothing near zero passes for zero:
a p-value of 1e-13 is not one of 1e-20. Only fractions have a tolerance. Counts, words, truths and dates are exact.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from workbench.errors import BadInput

if TYPE_CHECKING:
    import pyarrow as pa

# A sum of 10^6 terms in another order moves by up to 1e-10 of itself (n times the rounding unit of float64, 1.1e-16); no
# report shows nine digits. So what differs by more was computed from something else, or in float32, and should be seen.
TOLERANCE = 1e-9

# A number with a fraction or an exponent that stands alone: not in `2.10.0`, `x1.5`, `3.5s` or a hash.
_FRACTION = re.compile(r"(?<![\w.])[-+]?(?:\d+\.\d*|\.\d+|\d+(?=[eE][-+]?\d))(?:[eE][-+]?\d+)?(?!\w|\.\d)")


class Verdict(StrEnum):
    """What came of comparing two values, best first."""

    IDENTICAL = "identical"
    WITHIN = "within tolerance"
    DIFFERENT = "different"


_RANK = {verdict: rank for rank, verdict in enumerate(Verdict)}


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of several; identical for none."""
    return max(verdicts, key=_RANK.__getitem__, default=Verdict.IDENTICAL)


def checked(tolerance: float) -> float:
    """A tolerance that a person gave. Raises BadInput unless it is 0 or more and below 1."""
    if not 0 <= tolerance < 1:
        raise BadInput(
            f"a tolerance of {tolerance:g} compares nothing",
            why="it is relative: 0 asks for equal values, 0.01 allows one percent, from 1 on everything is equal",
            fix=f"--tolerance {TOLERANCE:g}",
        )
    return tolerance


def numbers(a: float, b: float, tolerance: float) -> Verdict:
    """Two numbers; two whole ones (int) are equal or not, and not-a-number is equal to itself."""
    if type(a) is type(b) and (a == b or (a != a and b != b)):
        return Verdict.IDENTICAL
    whole = isinstance(a, int) and isinstance(b, int)
    near = not whole and math.isfinite(a) and math.isfinite(b) and math.isclose(a, b, rel_tol=tolerance, abs_tol=0.0)
    return Verdict.WITHIN if near else Verdict.DIFFERENT


def values(a: Any, b: Any, tolerance: float) -> Verdict:
    """Two JSON values: objects key by key, lists item by item, texts as `texts` has it."""
    if isinstance(a, bool) or isinstance(b, bool):
        return Verdict.IDENTICAL if a is b else Verdict.DIFFERENT
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return numbers(a, b, tolerance)
    if isinstance(a, str) and isinstance(b, str):
        return texts(a, b, tolerance)
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        return worst(values(a[key], b[key], tolerance) for key in a)
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return worst(values(x, y, tolerance) for x, y in zip(a, b, strict=True))
    return Verdict.IDENTICAL if a is None and b is None else Verdict.DIFFERENT


def texts(a: str, b: str, tolerance: float) -> Verdict:
    """Two texts: the words between their numbers must be the same, fractions within the tolerance."""
    if a == b:
        return Verdict.IDENTICAL
    if _FRACTION.split(a) != _FRACTION.split(b):
        return Verdict.DIFFERENT
    pairs = [(float(x), float(y)) for x, y in zip(_FRACTION.findall(a), _FRACTION.findall(b), strict=True) if x != y]
    if not all(math.isfinite(value) for pair in pairs for value in pair):
        return Verdict.DIFFERENT  # 1e999 and 1e998 are beyond what can be compared
    return worst([Verdict.WITHIN, *(numbers(x, y, tolerance) for x, y in pairs)])


def tables(a: pa.Table, b: pa.Table, tolerance: float) -> Verdict:
    """Two tables: the same columns of the same types in the same order, row by row; floating-point columns by the tolerance."""
    if a.num_rows != b.num_rows or not a.schema.equals(b.schema, check_metadata=False):
        return Verdict.DIFFERENT
    return worst(_columns(a.column(i), b.column(i), tolerance) for i in range(a.num_columns))


def _columns(a: pa.ChunkedArray, b: pa.ChunkedArray, tolerance: float) -> Verdict:
    import numpy as np
    import pyarrow as pa

    if a.equals(b):
        return Verdict.IDENTICAL
    if not pa.types.is_floating(a.type) or not a.is_null().equals(b.is_null()):
        return Verdict.DIFFERENT
    x, y = (np.asarray(column.drop_null().cast(pa.float64())) for column in (a, b))
    odd = ~(np.isfinite(x) & np.isfinite(y))
    if not np.array_equal(x[odd], y[odd], equal_nan=True):
        return Verdict.DIFFERENT
    x, y = x[~odd], y[~odd]
    moved = np.abs(x - y)
    if not moved.any():
        return Verdict.IDENTICAL  # only not-a-number, which does not equal itself, made the columns unequal
    near = moved <= tolerance * np.maximum(np.abs(x), np.abs(y))
    return Verdict.WITHIN if near.all() else Verdict.DIFFERENT
