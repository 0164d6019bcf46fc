"""A governed read of 1.47 million rows, pseudonyms for the households, beside masking by hand in pandas."""

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

_OURS = '`access.read("transactions", purpose="training")`'
_PEER = "pandas: read the file, hash each household once (HMAC-SHA256), map"
_MORE = "Ours also decides by the policy, compares the file with its contract and writes the audit line (fsync)."


def _figure(name: str, title: str, unit: str, goal: str, meaning: str) -> Figure:
    return Figure(name, f"{_OURS}, {title}", unit, goal, ("pandas", "pyarrow"), _PEER, meaning)


FIGURES = (
    _figure(
        "governed_read.wall",
        "as a DataFrame, again in the same process",
        "wall s",
        "ratio >= 2",
        f"1,469,307 rows and 11 columns, to a DataFrame on both sides. {_MORE} Well-written pandas is quicker on a full read: "
        "governing it has a price. Pandas that hashes every row, which nobody should write, was not measured.",
    ),
    _figure(
        "governed_read.cpu",
        "as a DataFrame, again in the same process",
        "CPU s",
        "ratio >= 2",
        "As above in CPU seconds. The file's hash for the audit comes from a cache: the first read of a new file adds it.",
    ),
    _figure(
        "governed_read.arrow_cpu",
        "as Arrow, again in the same process",
        "CPU s",
        "ratio >= 2",
        "Without the way to pandas, which our own templates do not go; the peer's result is a DataFrame still.",
    ),
    _figure(
        "governed_read.first_cpu",
        "as a DataFrame, once in a fresh process",
        "CPU s",
        "ratio >= 1",
        "The interpreter and all imports included: our query compiler and engine come on top of pandas, and a script that "
        "reads one file pays for it.",
    ),
    _figure(
        "governed_read.peak",
        "as a DataFrame, once in a fresh process",
        "MiB peak",
        "ratio >= 1",
        "Peak resident memory of the whole process, imports included, both the Arrow table and the DataFrame in it.",
    ),
)
ROUNDS = 3
AGAIN = 3
KEY = b"a key of the benchmark, 32 bytes"


def measure(place: Path) -> dict[str, tuple[float, float]]:
    project = retail.new_project(place)
    found = ask_in_turn("governed_read", ("ours", "peer"), project, rounds=ROUNDS)
    for mine, theirs in zip(found["ours"], found["peer"], strict=True):
        require(mine.facts.pop("audited") == 1 + AGAIN, "a read is not in the audit log")
        require(mine.facts == theirs.facts, f"the two sides read something else: {mine.facts} and {theirs.facts}")
    ours = {name: laps(found["ours"], name) for name in ("first", "arrow", "frame")}
    peer = {name: laps(found["peer"], name) for name in ("first", "again")}
    to_frame = {"wall": ours["arrow"].wall_s + ours["frame"].wall_s, "cpu": ours["arrow"].cpu_s + ours["frame"].cpu_s}
    return {
        "governed_read.wall": (to_frame["wall"], peer["again"].wall_s),
        "governed_read.cpu": (to_frame["cpu"], peer["again"].cpu_s),
        "governed_read.arrow_cpu": (ours["arrow"].cpu_s, peer["again"].cpu_s),
        "governed_read.first_cpu": (ours["first"].cpu_s, peer["first"].cpu_s),
        "governed_read.peak": (ours["first"].peak_mib, peer["first"].peak_mib),
    }


def ours(watch: Stopwatch, root: Path) -> Mapping[str, Any]:
    from workbench import access
    from workbench.project import open_project

    project = open_project(root)
    before = project.audit.size()
    frame = access.read("transactions", purpose="training", project=project).to_pandas()
    watch.lap("first")
    for _ in range(AGAIN):
        del frame
        watch.mark()
        table = access.read("transactions", purpose="training", project=project)
        watch.lap("arrow")
        frame = table.to_pandas()
        watch.lap("frame")
        del table
    lines = [entry for entry in project.audit.entries(since=before) if entry["event"] == "access.read"]
    return {"audited": len(lines), **facts(frame)}


def peer(watch: Stopwatch, _root: Path) -> Mapping[str, Any]:
    frame = masked_by_hand()
    watch.lap("first")
    for _ in range(AGAIN):
        del frame
        watch.mark()
        frame = masked_by_hand()
        watch.lap("again")
    return facts(frame)


def masked_by_hand() -> pd.DataFrame:
    import hmac

    import pandas as pd

    frame = pd.read_parquet(retail.file("transactions"))
    tokens = {
        value: int.from_bytes(hmac.digest(KEY, str(value).encode(), "sha256")[:8], "big") >> 1
        for value in frame["household_id"].unique().tolist()
    }
    frame["household_id"] = frame["household_id"].map(tokens)
    return frame


def facts(frame: pd.DataFrame) -> dict[str, Any]:
    """What both sides must agree on, rows in the file's order, or in that of their key.

    Raises WrongResult when the pseudonyms are not one to one with the households, or are the households themselves.
    """
    import pandas as pd

    key = ["basket_id", "product_id"]
    true = pd.read_parquet(retail.file("transactions"), columns=["household_id", *key])
    here = frame.copy(deep=False)
    if not here[key].equals(true[key]):
        here, true = _ordered(here), _ordered(true)
    require(bool((here[key] == true[key]).all(axis=None)), "the rows are other rows")
    token, household = here.pop("household_id").factorize()[0], true["household_id"].factorize()[0]
    # rows are in one order, and both are numbered as they first appear: one to one means the same numbers
    require(bool((token == household).all()), "the pseudonyms are not one to one with the households")
    require(not frame["household_id"].isin(true["household_id"].unique()).any(), "a household is its own pseudonym")
    here["transaction_timestamp"] = here["transaction_timestamp"].astype("datetime64[us]").astype("int64")
    digest = hashlib.sha256(b"".join(here[name].to_numpy().tobytes() for name in here.columns)).hexdigest()
    return {"rows": len(frame), "columns": list(frame.columns), "households": int(household.max()) + 1, "sha256": digest}


def _ordered(frame: pd.DataFrame) -> pd.DataFrame:
    import numpy as np

    return frame.iloc[np.lexsort((frame["product_id"], frame["basket_id"]))].reset_index(drop=True)


if __name__ == "__main__":
    child(ours, peer)
