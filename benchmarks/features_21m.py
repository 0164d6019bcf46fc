"""The heaviest part of the weekly demand features: promotions of each product and week, counted over 20.9 million rows."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import retail
from benchmarks.figure import Figure
from benchmarks.measure import Stopwatch, ask_in_turn, child, laps, require

if TYPE_CHECKING:
    import pandas as pd

_PEER = "pandas: read four columns (texts as categories), flag, group, sum"


def _figure(name: str, title: str, unit: str, goal: str, meaning: str) -> Figure:
    return Figure(name, title, unit, goal, ("pandas", "pyarrow"), _PEER, meaning)


_COUNTS = "promotion counts of 20.9 M rows, `access.open` and SQL"
FIGURES = (
    _figure(
        "features_21m.wall",
        _COUNTS,
        "wall s",
        "ratio >= 8",
        "The same four counts of each product and week on both sides, to Arrow and to a DataFrame, in a fresh process with "
        "its imports. It is DuckDB that counts: ours adds the policy, the view and the audit line.",
    ),
    _figure(
        "features_21m.cpu",
        _COUNTS,
        "CPU s",
        "ratio >= 8",
        "As above in CPU seconds. About 0.9 s of ours are the start: interpreter, query compiler and engine.",
    ),
    _figure(
        "features_21m.peak",
        _COUNTS,
        "MiB peak",
        "ratio >= 2.5",
        "As above, peak resident memory of the whole process. Reading texts without categories would cost pandas more.",
    ),
    _figure(
        "features_21m.whole_cpu",
        "the whole weekly demand query (156,364 rows), three datasets",
        "CPU s",
        "ratio >= 1",
        "Ours does all of the shipped feature query in a fresh process, pandas only the promotion counts: not the same work, "
        "and told for scale.",
    ),
)
ROUNDS = 3
COUNTS = """
SELECT product_id, week,
       count(*) FILTER (WHERE display_location <> '0') AS n_disp,
       count(*) FILTER (WHERE display_location IN ('1', '3')) AS n_front,
       count(*) FILTER (WHERE mailer_location <> '0') AS n_mail,
       count(*) FILTER (WHERE mailer_location IN ('D', 'F', 'H', 'L', 'Z')) AS n_mailfront
FROM promotions GROUP BY product_id, week
"""


def measure(place: Path) -> dict[str, tuple[float, float]]:
    project = retail.new_project(place)
    found = ask_in_turn("features_21m", ("ours", "peer", "whole"), project, rounds=ROUNDS)
    for mine, theirs, query in zip(*found.values(), strict=True):
        require(mine.facts == theirs.facts, f"the counts differ: {mine.facts} and {theirs.facts}")
        require(query.facts["rows"] == 156_364, f"the feature query gave {query.facts['rows']:,} rows")
    counts, pandas, whole = (laps(found[side], "all") for side in ("ours", "peer", "whole"))
    return {
        "features_21m.wall": (counts.wall_s, pandas.wall_s),
        "features_21m.cpu": (counts.cpu_s, pandas.cpu_s),
        "features_21m.peak": (counts.peak_mib, pandas.peak_mib),
        "features_21m.whole_cpu": (whole.cpu_s, pandas.cpu_s),
    }


def ours(watch: Stopwatch, root: Path) -> Mapping[str, Any]:
    from workbench import access
    from workbench.project import open_project

    with access.open(["promotions"], purpose="training", project=open_project(root)) as connection:
        table = connection.sql(COUNTS).to_arrow_table()
    watch.lap("all")
    return facts(table.to_pandas())


def whole(watch: Stopwatch, root: Path) -> Mapping[str, Any]:
    from workbench import access
    from workbench.project import open_project

    sql = (root / "features" / "weekly_demand.sql").read_text(encoding="utf-8")
    datasets = ["transactions", "products", "promotions"]
    with access.open(datasets, purpose="training", project=open_project(root)) as connection:
        table = connection.sql(sql).to_arrow_table()
    watch.lap("all")
    return {"rows": table.num_rows}


def peer(watch: Stopwatch, _root: Path) -> Mapping[str, Any]:
    import pandas as pd

    texts = ["display_location", "mailer_location"]
    frame = pd.read_parquet(
        retail.file("promotions"), columns=["product_id", "week", *texts], engine="pyarrow", read_dictionary=texts
    )
    display, mailer = frame["display_location"], frame["mailer_location"]
    flags = pd.DataFrame(
        {
            "product_id": frame["product_id"],
            "week": frame["week"],
            "n_disp": display != "0",
            "n_front": display.isin(["1", "3"]),
            "n_mail": mailer != "0",
            "n_mailfront": mailer.isin(["D", "F", "H", "L", "Z"]),
        }
    )
    counts = flags.groupby(["product_id", "week"], sort=False).sum().reset_index()
    watch.lap("all")
    return facts(counts)


def facts(counts: pd.DataFrame) -> dict[str, Any]:
    """The number of groups, and one hash of all counts in the order of their keys."""
    ordered = counts.sort_values(["product_id", "week"]).astype("int64")
    digest = hashlib.sha256(ordered.to_numpy().tobytes()).hexdigest()
    return {"columns": list(ordered.columns), "groups": len(ordered), "sha256": digest}


if __name__ == "__main__":
    child(ours, whole, peer)
