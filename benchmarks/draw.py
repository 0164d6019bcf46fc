"""results.json as a page for people: docs/benchmarks.md. Nothing is measured here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.figure import Figure, met
from benchmarks.measure import ROOT

PAGE = ROOT / "docs" / "benchmarks.md"
_HEAD = """\
# Benchmarks

Drawn from `benchmarks/results.json` by `python -m benchmarks --draw`; `make bench` measures again. Both sides run in turn
(A B A B …) in processes of their own on one machine, and the medians are compared. A ratio of 1 and above means that we
are better; "last runs" is the range of the ratio in up to three runs, this one among them, and a ratio is worth no more
than that range is narrow. The goals gate nothing: a benchmark fails on a wrong result only, never on a slow one.

Trust ratios more than seconds, and CPU seconds more than wall seconds: other machines are faster or busier than this one.
"""


def page(rows: Sequence[Mapping[str, Any]], figures: Iterable[Figure]) -> str:
    """The page's text. A figure without a row was not measured yet, and is left out."""
    known = {figure.name: figure for figure in figures}
    shown = [(row, known[row["name"]]) for row in rows if row["name"] in known]
    return "\n".join([_HEAD, *_table(shown), "", "## What each figure means", "", *_meanings(shown), *_machines(rows)])


def _table(shown: Sequence[tuple[Mapping[str, Any], Figure]]) -> list[str]:
    head = [
        "| figure | what we do | unit | ours | peer | ratio | last runs | goal | met |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    return head + [
        f"| {row['name']} | {figure.title} | {row['unit']} | {_number(row['ours'])} | {_number(row['peer'])} "
        f"| **{_number(row['ratio'])}** | {_spread(row['last_ratios'])} | {_goal(row['goal'])} "
        f"| {'yes' if met(row) else 'no'} |"
        for row, figure in shown
    ]


def _meanings(shown: Sequence[tuple[Mapping[str, Any], Figure]]) -> list[str]:
    return [f"- **{row['name']}**, beside {figure.against}: {figure.meaning}" for row, figure in shown]


def _machines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Where and when, and the peers' versions."""
    lines = ["", "## Where and when", ""]
    if not rows:
        return lines
    said = dict.fromkeys(_place(row) for row in rows)
    loads = sorted(row["machine"]["load"] for row in rows)
    load = f"- Load of the machine as the figures were ready: {loads[0]} to {loads[-1]}; the benchmark's own is 1 to 2."
    versions = {f"{name} {number}" for row in rows for name, number in _versions(row)}
    return [*lines, *(f"- {place}" for place in said), load, f"- Peers: {', '.join(sorted(versions))}.", ""]


def _versions(row: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    return zip(row["peer_name"].split(", "), row["peer_version"].split(", "), strict=True)


def _place(row: Mapping[str, Any]) -> str:
    m = row["machine"]
    memory = f"{m['memory_gib']:.0f} GiB"
    return f"{row['date']}: {m['cpu']}, {m['cores']} cores, {memory}, {m['system']}, Python {m['python']}."


def _spread(ratios: Sequence[float]) -> str:
    return f"{_number(min(ratios))} to {_number(max(ratios))}"


def _goal(goal: str) -> str:
    return goal.replace(">=", "≥").replace("<=", "≤")


def _number(value: float) -> str:
    """Three digits, and no more than a reader can use."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def draw(rows: Sequence[Mapping[str, Any]], figures: Iterable[Figure]) -> None:
    """Write the page."""
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(rows, figures), encoding="utf-8")
