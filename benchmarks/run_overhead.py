"""What the record of a run costs: one notebook of ten small cells through papermill, through papermill with our engine,
and through our own command.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure
from benchmarks.measure import Cost, alternate, middle, require, run

_SAME = "The same notebook, kernel and outputs"
FIGURES = (
    Figure(
        name="run_overhead.wall",
        title="a notebook of 10 cells with `papermill --engine workbench`",
        unit="wall s",
        goal="ratio >= 0.91",
        peer=("papermill",),
        against="`papermill`, its stock engine",
        meaning=f"{_SAME}: the difference is what our record of the run (parameters, environment, cells, audit) adds. The "
        "cells do next to nothing, so that it weighs the most that it can. The record is work on top, so "
        "a ratio above 1 is noise of the clock: the CPU seconds below say what it costs.",
    ),
    Figure(
        name="run_overhead.cpu",
        title="a notebook of 10 cells with `papermill --engine workbench`",
        unit="CPU s",
        goal="ratio >= 0.91",
        peer=("papermill",),
        against="`papermill`, its stock engine",
        meaning="As above in CPU seconds of papermill and the kernel, which other work on the machine disturbs less.",
    ),
    Figure(
        name="run_command.wall",
        title="a notebook of 10 cells with `workbench production run`",
        unit="wall s",
        goal="ratio >= 1",
        peer=("papermill",),
        against="`papermill`, its stock engine",
        meaning="From the command line to the finished record. It is papermill that executes on both sides: ours starts it "
        "without one import that no notebook needs. A scheduler that keeps papermill loaded has no such gain.",
    ),
    Figure(
        name="run_command.cpu",
        title="a notebook of 10 cells with `workbench production run`",
        unit="CPU s",
        goal="ratio >= 1",
        peer=("papermill",),
        against="`papermill`, its stock engine",
        meaning="As above in CPU seconds, our launcher, its child and the kernel together. With cells that compute for "
        "minutes the ratio goes to 1.",
    ),
)
ROUNDS = 4
CELLS = ("weeks: int = 8", *(f"print(sum(range({number}_000)) * weeks)" for number in range(1, 10)))


def measure(place: Path) -> dict[str, tuple[float, float]]:
    project, outside = place / "runs", place / "plain"
    run("workbench", "init", str(project))
    outside.mkdir()
    notebook = _write(place / "ten.ipynb")
    plain, ours = outside / "out.ipynb", project / "out.ipynb"
    papermill = ("papermill", "--no-progress-bar", "-p", "weeks", "9", str(notebook))
    costs = alternate(
        {
            "engine": lambda: run(*papermill, str(ours), "--engine", "workbench", cwd=project).cost,
            "plain": lambda: run(*papermill, str(plain), cwd=outside).cost,
            "command": lambda: _command(project, notebook, plain),
        },
        rounds=ROUNDS,
    )
    require(_outputs(ours) == _outputs(plain), "our engine's outputs are not those of the stock engine")
    # one cell more: papermill puts the parameters in
    require(len(_outputs(plain)) == len(CELLS) + 1, "the notebook was not executed to its end")
    engine, stock, command = (middle(costs[side]) for side in ("engine", "plain", "command"))
    return {
        "run_overhead.wall": (engine.wall_s, stock.wall_s),
        "run_overhead.cpu": (engine.cpu_s, stock.cpu_s),
        "run_command.wall": (command.wall_s, stock.wall_s),
        "run_command.cpu": (command.cpu_s, stock.cpu_s),
    }


def _command(project: Path, notebook: Path, plain: Path) -> Cost:
    """One run by our command; its outputs are compared with papermill's."""
    done = run("workbench", "production", "run", str(notebook), "-p", "weeks=9", "--fresh", "--json", cwd=project)
    record = json.loads(done.printed)
    require(record["state"] == "done", f"the run ended as {record['state']}")
    output = project / ".workbench" / "runs" / record["run_id"] / "output.ipynb"
    require(_outputs(output) == _outputs(plain), "our command's outputs are not those of the stock engine")
    return done.cost


def _write(path: Path) -> Path:
    cells: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "id": f"cell-{number}",
            "metadata": {"tags": [] if number else ["parameters"]},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for number, source in enumerate(CELLS)
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": cells}))
    return path


def _outputs(path: Path) -> list[tuple[str, int | None, list[Any]]]:
    """What each cell of an executed notebook says. What is printed may come in several pieces: they are put together."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [("".join(cell["source"]), cell["execution_count"], _said(cell["outputs"])) for cell in cells]


def _said(outputs: list[dict[str, Any]]) -> list[Any]:
    printed = "".join("".join(output["text"]) for output in outputs if output["output_type"] == "stream")
    return [printed, *(output for output in outputs if output["output_type"] != "stream")]
