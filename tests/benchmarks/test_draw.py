"""docs/benchmarks.md says what was measured, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks import draw, figure
from benchmarks.figure import Figure
from benchmarks.suite import FIGURES, ORDER

SPEED = Figure(
    name="speed",
    title="to add",
    unit="CPU s",
    goal="ratio >= 2",
    peer=("pandas", "numpy"),
    against="adding by hand",
    meaning="Adding is faster.",
)


def row(**changed: Any) -> dict[str, Any]:
    machine = {"cpu": "a CPU", "cores": 2, "memory_gib": 23.4, "system": "Linux", "python": "3.11.9", "load": 0.5}
    measured = {
        "name": "speed",
        "ours": 2.0,
        "peer": 6.0,
        "unit": "CPU s",
        "ratio": 3.0,
        "goal": "ratio >= 2",
        "last_ratios": [2.5, 3.0],
    }
    return {**measured, "date": "2026-11-22", "machine": machine, "peer_name": "a, b", "peer_version": "1, 2"} | changed


def test_the_page_is_what_the_results_draw():
    assert draw.PAGE.read_text(encoding="utf-8") == draw.page(figure.load(), FIGURES)


def test_every_figure_is_measured_under_its_name_in_order():
    assert tuple(measured["name"] for measured in figure.load()) == ORDER
    assert len(set(ORDER)) == len(ORDER)


def test_the_goals_of_the_results_are_those_of_the_figures():
    assert {r["name"]: r["goal"] for r in figure.load()} == {f.name: f.goal for f in FIGURES}


def test_the_results_do_not_name_the_machine():
    kept = {"cpu", "cores", "memory_gib", "system", "python", "load"}
    assert all(set(measured["machine"]) == kept for measured in figure.load())


def test_a_line_of_the_page_holds_both_sides_the_ratio_and_the_goal():
    text = draw.page([row()], [SPEED])
    assert "| speed | to add | CPU s | 2.00 | 6.00 | **3.00** | 2.50 to 3.00 | ratio ≥ 2 | yes |" in text
    assert "- **speed**, beside adding by hand: Adding is faster." in text
    assert "- 2026-11-22: a CPU, 2 cores, 23 GiB, Linux, Python 3.11.9." in text
    assert "- Peers: a 1, b 2." in text


@pytest.mark.parametrize(
    ("goal", "keeps"), [("ratio >= 2", True), ("ratio >= 4", False), ("ours <= 2", True), ("ours <= 1.9", False)]
)
def test_a_goal_is_on_our_value_or_on_the_ratio(goal: str, keeps: bool):
    assert figure.met(row(goal=goal)) is keeps


def test_a_ratio_above_one_means_that_we_are_better():
    faster = SPEED.row(2.0, 6.0)
    more = Figure(**{**vars(SPEED), "more_is_better": True}).row(6.0, 2.0)
    assert (faster["ratio"], more["ratio"]) == (3.0, 3.0)
    assert faster["peer_name"] == "pandas, numpy"


def test_the_ratios_of_three_runs_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(figure, "RESULTS", tmp_path / "results.json")
    for ratio in (1.0, 2.0, 3.0, 4.0):
        figure.save([row(ratio=ratio)], ["speed"])
    (kept,) = json.loads(figure.RESULTS.read_text())
    assert (kept["ratio"], kept["last_ratios"]) == (4.0, [2.0, 3.0, 4.0])


def test_rows_are_replaced_by_name_and_old_names_go(tmp_path, monkeypatch):
    monkeypatch.setattr(figure, "RESULTS", tmp_path / "results.json")
    figure.save([row(), row(name="gone")], ["speed", "gone"])
    figure.save([row(ours=9.0)], ["speed", "later"])
    assert [(r["name"], r["ours"]) for r in json.loads(figure.RESULTS.read_text())] == [("speed", 9.0)]
