"""Did 1.47 million rows move between two half-years? Our index beside Kolmogorov and Smirnov's test."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import retail
from benchmarks.figure import Figure
from benchmarks.measure import Stopwatch, ask, ask_in_turn, child, laps, require

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_OURS = "`monitoring.drift`, 1.47 M rows × 8 columns"
_PEER = "pandas, then `scipy.stats.ks_2samp` and `numpy.histogram` for each column"


def _figure(name: str, title: str, unit: str, goal: str, meaning: str, against: str = _PEER) -> Figure:
    return Figure(name, title, unit, goal, ("scipy", "numpy", "pandas"), against, meaning)


FIGURES = (
    _figure(
        "drift.wall",
        _OURS,
        "wall s",
        "ratio >= 4",
        "Reading the file and comparing weeks 1 to 26 with 27 to 53, imports left out. Not the same statistic: ours is the "
        "PSI alone (ten bins, with a limit for each column), the peer's is the exact KS distance and the PSI.",
    ),
    _figure(
        "drift.cpu",
        _OURS,
        "CPU s",
        "ratio >= 4",
        "As above in CPU seconds. Most of the peer's are the sorts of the KS test, which the PSI does not need; whoever "
        "wants the KS distance does not get it from us.",
    ),
    _figure(
        "drift.psi_cpu",
        _OURS + ", comparing only",
        "CPU s",
        "ratio >= 1",
        "The same statistic on both sides: the PSI with the reference's deciles, the data in memory. Both numbers "
        "agree wherever both sides have the same bins (all columns but quantity, for which ours has bins of its own).",
        against="`numpy.quantile` and `numpy.histogram` for each column",
    ),
    _figure(
        "drift.peak",
        _OURS,
        "MiB peak",
        "ratio >= 1.5",
        "Peak resident memory of the whole process, imports included. Both hold the eight columns in memory, once as read "
        "and once for each window.",
    ),
)
ROUNDS = 3
COLUMNS = ("quantity", "sales_value", "retail_disc", "coupon_disc", "unit_price", "hour", "minute_of_day", "basket_value")
PREPARED = """
COPY (
    SELECT week, quantity, sales_value, retail_disc, coupon_disc,
           sales_value / greatest(quantity, 1) AS unit_price,
           hour(transaction_timestamp)::double AS hour,
           (60 * hour(transaction_timestamp) + minute(transaction_timestamp))::double AS minute_of_day,
           sum(sales_value) OVER (PARTITION BY basket_id) AS basket_value
    FROM '{source}'
) TO '{target}' (FORMAT parquet)
"""


def measure(place: Path) -> dict[str, tuple[float, float]]:
    data = place / "drift.parquet"
    ask("drift", "prepare", data)
    found = ask_in_turn("drift", ("ours", "peer"), data, rounds=ROUNDS)
    for mine, theirs in zip(found["ours"], found["peer"], strict=True):
        _compare(mine.facts, theirs.facts)
    ours = {name: laps(found["ours"], name) for name in ("read", "psi")}
    peer = {name: laps(found["peer"], name) for name in ("read", "ks", "psi")}
    return {
        "drift.wall": (sum(lap.wall_s for lap in ours.values()), sum(lap.wall_s for lap in peer.values())),
        "drift.cpu": (sum(lap.cpu_s for lap in ours.values()), sum(lap.cpu_s for lap in peer.values())),
        "drift.psi_cpu": (ours["psi"].cpu_s, peer["psi"].cpu_s),
        "drift.peak": (ours["psi"].peak_mib, peer["psi"].peak_mib),
    }


def _compare(mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> None:
    """The windows must be the same, and so must the PSI wherever both sides have the same bins."""
    require(mine["rows"] == theirs["rows"] == [710_638, 758_669], "the two windows hold other rows")
    alike = [name for name in COLUMNS if mine["bins"][name] == theirs["bins"][name]]
    require(len(alike) >= 5, f"only {alike} have the same bins on both sides")
    for name in alike:
        a, b = mine["psi"][name], theirs["psi"][name]
        require(abs(a - b) <= 1e-5 + 0.001 * b, f"the PSI of {name} is {a} here and {b} there")
    for name in COLUMNS:
        require(0 <= theirs["binned_distance"][name] <= theirs["ks"][name] + 1e-12, f"the KS distance of {name} is impossible")


def prepare(_watch: Stopwatch, data: Path) -> Mapping[str, Any]:
    import duckdb

    duckdb.execute(PREPARED.format(source=retail.file("transactions"), target=data))
    return {}


def ours(watch: Stopwatch, data: Path) -> Mapping[str, Any]:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    from workbench import monitoring

    pq.read_table(data, columns=["hour"])  # loads what the first read of a process loads
    watch.mark()
    table = pq.read_table(data)
    early = pc.less_equal(table["week"], 26)
    before, after = (table.filter(rows).drop_columns("week") for rows in (early, pc.invert(early)))
    watch.lap("read")
    report = monitoring.drift(before, after, classes=dict.fromkeys(COLUMNS, "sample"))
    watch.lap("psi")
    shifts = {column.column: column.shift for column in report.columns if column.shift}
    return {
        "rows": [report.rows_reference, report.rows_current],
        "psi": {name: shift.value for name, shift in shifts.items()},
        "bins": {name: shift.bins for name, shift in shifts.items()},
    }


def peer(watch: Stopwatch, data: Path) -> Mapping[str, Any]:
    import pandas as pd
    from scipy import stats

    pd.read_parquet(data, columns=["hour"])
    watch.mark()
    frame = pd.read_parquet(data)
    early = frame["week"] <= 26
    before, after = frame[early], frame[~early]
    watch.lap("read")
    distances = {name: float(stats.ks_2samp(before[name], after[name], method="asymp").statistic) for name in COLUMNS}
    watch.lap("ks")
    binned = {name: _histograms(before[name].to_numpy(), after[name].to_numpy()) for name in COLUMNS}
    indices = {name: _psi(*shares) for name, shares in binned.items()}
    watch.lap("psi")
    return {
        "rows": [len(before), len(after)],
        "ks": distances,
        "psi": indices,
        "bins": {name: int(((old + new) > 0).sum()) for name, (old, new) in binned.items()},
        "binned_distance": {name: float(abs((old - new).cumsum()).max()) for name, (old, new) in binned.items()},
    }


def _histograms(before: NDArray[Any], after: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both windows' shares in the bins that the deciles of the first one make; a bin holds its upper edge."""
    import numpy as np

    deciles = np.unique(np.quantile(before, np.arange(1, 10) / 10, method="inverted_cdf"))
    edges = np.concatenate([[-np.inf], np.nextafter(deciles.astype(float), np.inf), [np.inf]])
    old, new = (np.histogram(values, edges)[0] / len(values) for values in (before, after))
    return old, new


def _psi(old: NDArray[np.float64], new: NDArray[np.float64]) -> float:
    import numpy as np

    used = (old > 0) & (new > 0)
    return float(((new - old)[used] * np.log(new[used] / old[used])).sum())


if __name__ == "__main__":
    child(prepare, ours, peer)
