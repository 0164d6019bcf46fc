"""The report of a sweep: one self-contained HTML page with the best run, a plot a parameter, and the table."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from workbench.production.page import draw
from workbench.production.sweeps.design import Axis
from workbench.production.sweeps.result import Row, SweepReport
from workbench.production.sweeps.spec import Sweep
from workbench.records.run import State

MOST_ROWS = 500  # of the table; results.csv has all
MOST_PLOTS = 6
# readable on white and on the dark page
_BLUE, _GREEN, _GREY = "#2f7fd6", "#2e9e63", "#7f8a9a"


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
        plots=_plots(spec, rows, figure, found.best) if figure and find_spec("matplotlib") else [],
        can_plot=find_spec("matplotlib") is not None,
        columns=list(dict.fromkeys(f.name for row in rows for f in row.figures)),
        rows=ranked[:MOST_ROWS],
        total=len(rows),
    )


def _headline(rows: Sequence[Row]) -> str:
    return next((f.name for row in rows for f in row.figures if f.headline), "")


def _plots(spec: Sweep, rows: Sequence[Row], figure: str, best: str) -> list[dict[str, str]]:
    """An SVG for each parameter that varies: the figure of the finished runs over the parameter's value."""
    done = [row for row in rows if row.state is State.DONE and row.figure(figure) is not None]
    found = []
    for axis in spec.design.axes[:MOST_PLOTS] if done else ():
        svg = _plot(axis, figure, [row.point.get(axis.name) for row in done], done, best)
        found.append({"svg": svg, "caption": f"{figure} over {axis.name}"})
    return found


def _plot(axis: Axis, figure: str, values: Sequence[Any], rows: Sequence[Row], best: str) -> str:
    from matplotlib.figure import Figure as Canvas  # no pyplot: it keeps state, and picks a screen
    from matplotlib.ticker import MaxNLocator

    canvas = Canvas(figsize=(4.8, 2.9), layout="constrained", facecolor="none")
    axes = canvas.add_subplot(facecolor="none")
    numeric = all(isinstance(x, (int, float)) and not isinstance(x, bool) and math.isfinite(x) for x in values)
    shown = values if numeric else [str(x) for x in values]
    heights = [row.figure(figure) or 0.0 for row in rows]  # none is missing: the caller has left those out
    axes.scatter(shown, heights, s=26, color=_BLUE, alpha=0.75, linewidths=0)
    chosen = [(x, y) for x, y, row in zip(shown, heights, rows, strict=True) if row.run_id == best]
    axes.scatter([x for x, _ in chosen], [y for _, y in chosen], s=110, facecolors="none", edgecolors=_GREEN, linewidths=2)
    axes.set_xlabel(axis.name, color=_GREY)
    axes.set_ylabel(figure, color=_GREY)
    axes.tick_params(colors=_GREY)
    axes.grid(alpha=0.25, color=_GREY)
    if axis.log:
        axes.set_xscale("log")
    elif numeric and all(isinstance(x, int) for x in values):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.spines[:].set_color(_GREY)
    axes.spines[["top", "right"]].set_visible(False)
    text = io.StringIO()
    canvas.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return "".join(text.getvalue().partition("<svg")[1:])
