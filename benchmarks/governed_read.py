"""A governed read of 1.47 million rows, pseudonyms for the households, beside masking by hand in pandas."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import retail
from benchmarks.figure import Figure
from benchmarks.measure import Stopwatch, alternate, ask, child, laps, require

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
        f"1,469,307 rows and 11 columns, to a DataFrame on both sides. {_MORE} It does not compare with pandas that hashes "
        "every row, which is slower by far and which nobody should write.",
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
        "The interpreter and all imports included: our query compiler and engine cost more to load than pandas alone, and "
        "a script that reads one file pays it.",
    ),
    _figure(
        "governed_read.peak",
        "as a DataFrame, once in a fresh process",
        "MiB peak",
        "ratio >= 1",
        "Peak resident memory of the whole process, imports included, both the Arrow table and the DataFrame in it.",
    ),
)
ROUNDS = 4
AGAIN = 3
KEY = b"a key of the benchmark, 32 bytes"


def measure(place: Path) -> dict[str, tuple[float, float]]:
    project = retail.new_project(place)
    sides = {side: lambda side=side: ask("governed_read", side, project) for side in ("ours", "peer")}
    found = alternate(sides, rounds=ROUNDS)
    for mine, theirs in zip(found["ours"], found["peer"], strict=True):
        require(mine.facts.pop("audited") == 1 + AGAIN, "a read is not in the audit log")
        require(mine.facts == theirs.facts, f"the two sides read something else: {mine.facts} and {theirs.facts}")
    ours = {name: laps(found["ours"], name) for name in ("first", "arrow", "frame", "again")}
    peer = {name: laps(found["peer"], name) for name in ("first", "again")}
    to_frame = {"wall": ours["arrow"].wall_s + ours["frame"].wall_s, "cpu": ours["arrow"].cpu_s + ours["frame"].cpu_s}
    return {
        "governed_read.wall": (to_frame["wall"], peer["again"].wall_s),
        "governed_read.cpu": (to_frame["cpu"], peer["again"].cpu_s),
        "governed_read.arrow_cpu": (ours["arrow"].cpu_s, peer["again"].cpu_s),
        "governed_read.first_cpu": (ours["first"].cpu_s, peer["first"].cpu_s),
        "governed_read.peak": (ours["first"].peak_mib, peer["first"].peak_mib),
    }
