"""The population stability index: how far one column moved from its reference window.

    PSI = Σ_bins (c − r) · ln(c / r)        r, c: a bin's share of the reference and of the current window

Bins are fixed from the reference alone. The figure is the Jeffreys divergence, so exchanging the windows over the same
bins changes nothing. Source: N. Siddiqi, Credit Risk Scorecards (Wiley 2006), ch. 9; without a move PSI is near
(1/n + 1/m) · χ²(bins − 1), B. Yurdakul and J. Naranjo, J. Risk Model Validation 14(4), 2020: its mean is
(bins − 1)(1/n + 1/m), of which three times is our noise floor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from workbench.errors import BadInput
from workbench.monitoring.interface import Shift

WARN, ALARM, NOISE = 0.05, 0.10, 3.0
QUANTILES = np.arange(1, 10) / 10
COUNT_EDGES = (0.0, 1.0, 2.0, 5.0)  # value bins 0, 1, 2, 3-5, 6+ for columns of small counts
MOST_LEVELS, TOP_LEVELS = 30, 20

Counts = NDArray[np.int64]


def psi(reference: pa.ChunkedArray, current: pa.ChunkedArray) -> Shift:
    """PSI of one column, with its limits: warn at max(.05, q), alarm at max(.10, 2q), q the noise floor of these sizes.

    Numbers: ten quantile bins of the reference (fewer when values tie), or value bins for small counts. Levels (text,
    booleans): one bin each, above 30 levels the 20 most frequent; all others, new ones among them, share a bin.
    Missing values (null or NaN) are a bin of their own. Raises BadInput for a column that is neither.
    """
    bins = bins_of(reference)
    before, after = bins.count(reference), bins.count(current)
    used = (before + after) > 0
    q = noise_floor(int(used.sum()), len(reference), len(current))
    terms = _terms(before, after)
    top = int(np.argmax(terms))
    share = f"{before[top] / len(reference):.1%} to {after[top] / len(current):.1%} of the rows"
    new_levels, new_rows = bins.new(current)
    return Shift(
        value=float(terms.sum()),
        warn_at=max(WARN, q),
        alarm_at=max(ALARM, 2 * q),
        bins=int(used.sum()),
        moved=f"{bins.labels[top]}: {share}",
        new_levels=new_levels,
        new_rows=new_rows,
    )


def index(before: Counts, after: Counts) -> float:
    """PSI from the rows in each bin of the two windows (same bins, same order, both with at least one row)."""
    return float(_terms(before, after).sum())


def noise_floor(bins: int, n_reference: int, n_current: int) -> float:
    """Three times the PSI to expect from chance alone, for windows of these sizes."""
    return NOISE * (bins - 1) * (1 / n_reference + 1 / n_current)


def _terms(before: Counts, after: Counts) -> NDArray[np.float64]:
    """Each bin's part of the sum, never negative.

    Both windows get one pseudo row, spread like the two windows together: an empty bin then costs a finite amount that
    grows with the evidence, and windows of equal shares keep an index of exactly 0 whatever their sizes.
    """
    n, m = before.sum(), after.sum()
    pooled = (before / n + after / m) / 2
    r, c = (before + pooled) / (n + 1), (after + pooled) / (m + 1)
    used = pooled > 0
    terms = np.zeros(len(pooled))
    terms[used] = (c[used] - r[used]) * np.log(c[used] / r[used])
    return terms


@dataclass(frozen=True)
class NumberBins:
    """Bins of numbers by their upper edges, which they include; the last bin is open. Missing values come last."""

    edges: tuple[float, ...]
    labels: tuple[str, ...]

    def count(self, column: pa.ChunkedArray) -> Counts:
        values = numbers(column)
        missing = np.isnan(values)
        place = np.searchsorted(np.asarray(self.edges), values[~missing], side="left")
        return np.append(np.bincount(place, minlength=len(self.edges) + 1), missing.sum()).astype(np.int64)

    def new(self, column: pa.ChunkedArray) -> tuple[int, int]:
        """Numbers have no new levels."""
        return 0, 0


@dataclass(frozen=True)
class LevelBins:
    """One bin for each of `levels`, one for all others, one for missing values. known: every level of the reference."""

    levels: tuple[str, ...]
    known: frozenset[str]

    @property
    def labels(self) -> tuple[str, ...]:
        return (*(f"'{level}'" for level in self.levels), "other levels", "missing")

    def count(self, column: pa.ChunkedArray) -> Counts:
        place = {level: i for i, level in enumerate(self.levels)}
        counts = np.zeros(len(self.levels) + 2, dtype=np.int64)
        for level, rows in level_counts(column).items():
            counts[place.get(level, len(self.levels))] += rows
        counts[-1] = column.null_count
        return counts

    def new(self, column: pa.ChunkedArray) -> tuple[int, int]:
        """How many levels the reference never had, and in how many rows they stand."""
        unseen = [rows for level, rows in level_counts(column).items() if level not in self.known]
        return len(unseen), sum(unseen)


def bins_of(reference: pa.ChunkedArray) -> NumberBins | LevelBins:
    """The bins that a reference column fixes. Raises BadInput when it holds neither numbers nor levels."""
    if is_number(reference.type):
        return _number_bins(numbers(reference))
    if not is_level(reference.type):
        raise BadInput(
            f"a column of type {reference.type} cannot be compared by PSI",
            why="the index needs numbers, text or booleans",
            fix="declare it as calendar, accumulating or id, or turn it into a number",
        )
    counts = level_counts(reference)
    ranked = sorted(counts, key=lambda level: (-counts[level], level))
    kept = ranked if len(ranked) <= MOST_LEVELS else ranked[:TOP_LEVELS]
    return LevelBins(levels=tuple(kept), known=frozenset(ranked))


def _number_bins(values: NDArray[np.float64]) -> NumberBins:
    present = values[~np.isnan(values)]
    if present.size == 0:  # all missing: whatever appears later is a move
        return NumberBins(edges=(), labels=("any value", "missing"))
    edges: Sequence[float] = np.unique(np.quantile(present, QUANTILES, method="inverted_cdf")).tolist()
    if len(edges) < len(COUNT_EDGES) and _are_counts(present):
        # Quantile edges of small counts collapse to {1, 2} and hide what happens above them.
        return NumberBins(edges=COUNT_EDGES, labels=("0", "1", "2", "3 to 5", "6 and more", "missing"))
    if len(edges) == 1:  # nearly constant: below, at and above the constant are three different things
        edges = [float(np.nextafter(edges[0], -np.inf)), edges[0]]
    shown = [f"{edge:.4g}" for edge in edges]
    middle = (f"over {low} to {high}" for low, high in pairwise(shown))
    return NumberBins(edges=tuple(edges), labels=(f"up to {shown[0]}", *middle, f"over {shown[-1]}", "missing"))


def _are_counts(values: NDArray[np.float64]) -> bool:
    return bool(np.all((values >= 0) & (values == np.floor(values))))


def is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def is_level(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_boolean)
    return any(is_text(kind) for is_text in texts)


def numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """A column of numbers as float64 [n]; nulls become NaN."""
    return np.asarray(pc.cast(column, pa.float64()).to_numpy(), dtype=np.float64)


def level_counts(column: pa.ChunkedArray) -> dict[str, int]:
    """Rows of each level, nulls left out."""
    counted = pc.value_counts(pc.cast(column, pa.string()))
    pairs = zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True)
    return {level: rows for level, rows in pairs if level is not None}
