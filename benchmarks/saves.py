"""What it costs to keep the outputs of a long notebook safe while it runs: 20 cells, each with 2 MB of HTML.

Both sides are papermill's library in a process of its own (`papermill.execute_notebook`), with the notebook's own kernel.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure
from benchmarks.measure import Stopwatch, ask_in_turn, child, laps, require, run

_PEER = "`papermill.execute_notebook`, its stock engine"
FIGURES = (
    Figure(
        name="saves.cpu",
        title="20 cells of 2 MB output each, engine `workbench`",
        unit="CPU s",
        goal="ratio >= 5",
        peer=("papermill",),
        against=_PEER,
        meaning="CPU seconds of the process that drives the kernel, without the kernel, from the call to the notebook on the "
        "disk: twice for us, since the run's folder keeps one as well. It has run a notebook of one cell before, so that what "
        "each side loads once is not in it (that is in run_overhead). The stock engine writes the whole notebook at the start "
        "and the end of each cell, ours appends each output to a journal once: the time grows with the square of the outputs "
        "there and in proportion here. With small outputs there is nothing to gain.",
    ),
    Figure(
        name="saves.wall",
        title="20 cells of 2 MB output each, engine `workbench`",
        unit="wall s",
        goal="ratio >= 2",
        peer=("papermill",),
        against=_PEER,
        meaning="As above in wall seconds, with the start of the kernel and what it takes to make the outputs, which is equal "
        "on both sides. A run that is killed loses what its cells said within the last second; the stock engine's loses "
        "what the running cell has said in the last 30 s.",
    ),
)
ROUNDS = 3
CELLS = 20
SIZE_BYTES = 2_000_000


def measure(place: Path) -> dict[str, tuple[float, float]]:
    project = place / "project"
    run("workbench", "init", str(project))
    reports = ask_in_turn("saves", ("ours", "stock"), _write(place / "large.ipynb"), project, rounds=ROUNDS)
    told = {json.dumps(report.facts) for side in reports.values() for report in side}
    require(len(told) == 1, "our engine's outputs are not those of the stock engine")
    engine, stock = (laps(reports[side], "run") for side in ("ours", "stock"))
    return {"saves.cpu": (engine.cpu_s, stock.cpu_s), "saves.wall": (engine.wall_s, stock.wall_s)}


def ours(watch: Stopwatch, notebook: Path, project: Path) -> Mapping[str, Any]:
    return _execute(watch, notebook, project, "workbench")


def stock(watch: Stopwatch, notebook: Path, project: Path) -> Mapping[str, Any]:
    return _execute(watch, notebook, project, "nbclient")


def _execute(watch: Stopwatch, notebook: Path, project: Path, engine: str) -> Mapping[str, Any]:
    import papermill

    os.chdir(project)
    output = project / f"{engine}.ipynb"
    first = _write(project / "first.ipynb", cells=1)
    papermill.execute_notebook(str(first), str(output), engine_name=engine, progress_bar=False)
    watch.lap("start")
    papermill.execute_notebook(str(notebook), str(output), engine_name=engine, progress_bar=False)
    watch.lap("run")
    outputs = [cell["outputs"] for cell in json.loads(output.read_text(encoding="utf-8"))["cells"]]
    html = sum(len("".join(output["data"]["text/html"])) for (output,) in outputs)
    return {"cells": len(outputs), "html_bytes": html, "sha256": hashlib.sha256(json.dumps(outputs).encode()).hexdigest()}


def _write(path: Path, cells: int = CELLS) -> Path:
    source = f"from IPython.display import HTML\nHTML('<b>{{number:06d}}</b>' * {SIZE_BYTES // 13})"
    written: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "id": f"cell-{number}",
            "metadata": {},
            "source": source.format(number=number),
            "outputs": [],
            "execution_count": None,
        }
        for number in range(cells)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": written}))
    return path


if __name__ == "__main__":
    child(ours, stock)
