"""The report of a sweep: one self-contained HTML page with the best run, a plot a parameter, and the table."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from workbench.production.page import draw
from workbench.production.sweeps.result import Row, SweepReport
from workbench.production.sweeps.spec import Sweep

MOST_ROWS = 500  # of the table; results.csv has all
MOST_PLOTS = 6
_BLUE = "#2f7fd6"  # readable on white and on the dark page


def page(spec: Sweep, found: SweepReport, rows: Sequence[Row]) -> str:
    """The page as text. Plots need matplotlib (extra ml); without it the page says so."""
    figure = spec.goal.figure if spec.goal else _headline(rows)
    ranked = sorted(rows, key=lambda row: (row.run_id != found.best, row.position))
    return draw(
        "sweep.html.j2",
        spec=spec,
        found=found,
        figure=figure,
        best=next((row for row in rows if row.run_id and row.run_id == found.best), None),
        plots=_plots(spec, rows, figure) if figure and find_spec("matplotlib") else [],
        can_plot=find_spec("matplotlib") is not None,
        columns=list(dict.fromkeys(f.name for row in rows for f in row.figures)),
        rows=ranked[:MOST_ROWS],
        total=len(rows),
    )


def _headline(rows: Sequence[Row]) -> str:
    return next((f.name for row in rows for f in row.figures if f.headline), "")


def _plots(spec: Sweep, rows: Sequence[Row], figure: str) -> list[dict[str, str]]:
    """An SVG for each parameter that varies: the figure over the parameter's value."""
    found = []
    for axis in spec.design.axes[:MOST_PLOTS]:
        points = [(row.point.get(axis.name), row.figure(figure)) for row in rows]
        drawn = [(x, y) for x, y in points if y is not None]
        if drawn:
            found.append({"svg": _plot(axis.name, figure, drawn, log=axis.log), "caption": f"{figure} over {axis.name}"})
    return found


def _plot(name: str, figure: str, points: Sequence[tuple[Any, float]], *, log: bool) -> str:
    from matplotlib.figure import Figure as Canvas  # no pyplot: it keeps state, and picks a screen

    canvas = Canvas(figsize=(4.6, 2.9), layout="constrained")
    axes = canvas.add_subplot()
    numeric = all(isinstance(x, (int, float)) and not isinstance(x, bool) and math.isfinite(x) for x, _ in points)
    values = [x if numeric else str(x) for x, _ in points]
    axes.scatter(values, [y for _, y in points], s=22, color=_BLUE, alpha=0.75, linewidths=0)
    axes.set_xlabel(name)
    axes.set_ylabel(figure)
    axes.grid(alpha=0.25)
    if log:
        axes.set_xscale("log")
    axes.spines[["top", "right"]].set_visible(False)
    text = io.StringIO()
    canvas.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return text.getvalue().partition("<svg")[1] + text.getvalue().partition("<svg")[2]
