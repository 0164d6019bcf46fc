"""What a figure is: what it measures, beside whom, and its row in results.json."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results.json")
LAST = 3  # runs whose ratios are kept


@dataclass(frozen=True)
class Figure:
    """One figure. Lower is better, unless `more_is_better`.

    goal: on our value or on the ratio, such as `ours <= 0.25` or `ratio >= 2`.
    peer: the distributions that the other side is made of, the leading one first; against: what it does, in words.
    meaning: what the figure says, and what it does not.
    """

    name: str
    title: str
    unit: str
    goal: str
    peer: tuple[str, ...]
    against: str
    meaning: str
    more_is_better: bool = False

    def row(self, ours: float, peer: float) -> dict[str, Any]:
        """The figure's row. ratio: 1 and above means that we are better."""
        ratio = ours / peer if self.more_is_better else peer / ours
        return {
            "name": self.name,
            "ours": _rounded(ours),
            "peer": _rounded(peer),
            "unit": self.unit,
            "ratio": _rounded(ratio),
            "goal": self.goal,
            "date": datetime.now(UTC).date().isoformat(),
            "machine": machine(),
            "peer_name": ", ".join(self.peer),
            "peer_version": ", ".join(version(name) for name in self.peer),
        }


def met(row: Mapping[str, Any]) -> bool:
    """Whether a row keeps its goal."""
    what, sign, limit = row["goal"].split()
    value = float(row[what])
    return value <= float(limit) if sign == "<=" else value >= float(limit)


def _rounded(value: float) -> float:
    """Four digits: more would be noise."""
    return float(f"{value:.4g}")


def machine() -> dict[str, Any]:
    """What the figures were measured on; nothing that names the machine. load: of the last minute, the benchmark's own
    with it; above the number of cores others kept the machine busy."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.system(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
    }


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def load() -> list[dict[str, Any]]:
    """The rows that were measured last; none before the first time."""
    rows: list[dict[str, Any]] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else []
    return rows


def save(rows: Sequence[Mapping[str, Any]], order: Sequence[str]) -> None:
    """Write these rows over those of the same name; the others stay. Names that are no longer measured go.

    `last_ratios` of a row are those of the last runs, this one last: how far they are apart is what a ratio is worth.
    """
    kept = {row["name"]: row for row in load()}
    for row in rows:
        before = kept.get(row["name"], {}).get("last_ratios", [])
        kept[row["name"]] = {**row, "last_ratios": [*before, row["ratio"]][-LAST:]}
    text = json.dumps([kept[name] for name in order if name in kept], indent=1, ensure_ascii=False)
    RESULTS.write_text(text + "\n", encoding="utf-8")
