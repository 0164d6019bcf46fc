"""A sweep of 10,000 runs: finding one of them, and what its driver holds in memory.

The peer is what people do with papermill alone: a folder of output notebooks, each with its parameters in its metadata, and a
pool to which all calls are submitted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure
from benchmarks.measure import Stopwatch, ask_in_turn, child, laps, require, run

COUNT = 10_000
LOOKED_FOR = range(250, COUNT, 500)  # spread over all runs
ROUNDS = 3
FIGURES = (
    Figure(
        name="lookup.wall",
        title="find and read one run among 10,000",
        unit="wall s",
        goal="ours <= 0.01",
        peer=("papermill",),
        against="a folder of papermill's output notebooks, read until the one with these parameters is found",
        meaning="By the end of its id; the median of 20 runs spread over all. papermill keeps no record of "
        "a run but the notebook, so a loop over the files is all there is; here they are as small as they can be.",
    ),
    Figure(
        name="driver.memory",
        title="the driver of a sweep with 10,000 runs, from the queue to the report",
        unit="MiB",
        goal="ours <= 200",
        peer=("papermill",),
        against="a process that has papermill loaded and 10,000 calls submitted to a thread pool",
        meaning="The peak of the driver alone: it goes through the queue of 10,000 points (all have results), and writes "
        "table and report. The runs are processes of their own on our side; on the other none is started yet.",
    ),
)


def measure(place: Path) -> dict[str, tuple[float, float]]:
    project, notebooks = place / "project", place / "notebooks"
    run("workbench", "init", str(project))
    _write_runs(project)
    _write_notebooks(notebooks)
    reports = ask_in_turn("production", ("ours", "peer"), project, notebooks, rounds=ROUNDS)
    found = {json.dumps(report.facts["found"]) for side in reports.values() for report in side}
    require(len(found) == 1, "both sides did not find the same runs")
    require(all(r.facts["states"] == {"done": COUNT} for r in reports["ours"]), "the driver did not see every run as done")
    look, files = (laps(reports[side], "look") for side in ("ours", "peer"))
    driver, pool = (laps(reports[side], "drive") for side in ("ours", "peer"))
    return {"lookup.wall": (look.wall_s, files.wall_s), "driver.memory": (driver.peak_mib, pool.peak_mib)}


def ours(watch: Stopwatch, project_folder: Path, _notebooks: Path) -> Mapping[str, Any]:
    from workbench.production.runs import run_folder
    from workbench.production.sweeps.spec import sweep_ids
    from workbench.production.sweeps.verbs import resume
    from workbench.project import find, look

    project = find(explicit=project_folder)
    found = []
    for position in LOOKED_FOR:
        watch.mark()
        record = look(run_folder(project, f"{position:08x}"))
        watch.lap("look")
        found.append(record.parameters["n"])
    (sweep,) = sweep_ids(project)
    report = resume(project, sweep)
    watch.lap("drive")
    return {"found": found, "states": report.states}


def peer(watch: Stopwatch, _project: Path, notebooks: Path) -> Mapping[str, Any]:
    found = []
    for position in LOOKED_FOR:
        watch.mark()
        path = next(p for p in sorted(notebooks.glob("*.ipynb")) if _parameters(p)["n"] == position)
        watch.lap("look")
        found.append(_parameters(path)["n"])
    from concurrent.futures import ThreadPoolExecutor
    from threading import Event

    import papermill

    go = Event()
    with ThreadPoolExecutor(1) as pool:
        pool.submit(go.wait)
        calls = [
            pool.submit(papermill.execute_notebook, "t.ipynb", f"out-{n}.ipynb", {"n": n}, progress_bar=False)
            for n in range(COUNT)
        ]
        for call in calls:
            call.cancel()
        go.set()
    watch.lap("drive")
    return {"found": found}


def _parameters(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_bytes())["metadata"]["papermill"]["parameters"]
    return found


def _write_runs(root: Path) -> None:
    """The folders that a sweep of so many runs leaves, with the records of runs that are done."""
    from workbench.production.notebook import read_notebook
    from workbench.production.sweeps.design import Axis, Design
    from workbench.production.sweeps.spec import Sweep
    from workbench.records.run import Figure as Result
    from workbench.records.run import RunRecord, State

    sweep, now = "20261122T120000Z-t-00000000", datetime(2026, 11, 22, 12, tzinfo=UTC)
    folder = root / ".workbench" / "sweeps" / sweep
    folder.mkdir(parents=True)
    _notebook(folder / "template.ipynb", {})
    code = read_notebook(folder / "template.ipynb").code_sha256
    spec = Sweep(
        sweep_id=sweep,
        template="t",
        template_sha256=code,
        design=Design(form="grid", axes=(Axis(name="n", values=tuple(range(COUNT))),), count=COUNT),
        workers=2,
        actor="bench",
        created=now,
    )
    spec.write(folder / "spec.json")
    for n in range(COUNT):
        record = RunRecord(
            run_id=f"20261122T120000Z-t-{n:08x}",
            run_key=f"{n:064x}",
            accepted=True,
            sweep=sweep,
            position=n,
            template="t",
            template_sha256=code,
            parameters={"n": n},
            state=State.DONE,
            actor="bench",
            created=now,
            started=now,
            finished=now,
            figures=(Result(name="score", value=n / 7, headline=True),),
        )
        place = root / ".workbench" / "runs" / record.run_id
        place.mkdir(parents=True)
        (place / "record.json").write_bytes(record.dump())


def _write_notebooks(folder: Path) -> None:
    folder.mkdir()
    for n in range(COUNT):
        _notebook(folder / f"out-{n:05d}.ipynb", {"papermill": {"parameters": {"n": n}}})


def _notebook(path: Path, metadata: dict[str, Any]) -> None:
    cell = {
        "cell_type": "code",
        "id": "c",
        "metadata": {"tags": ["parameters"]},
        "source": "n: int = 0",
        "outputs": [],
        "execution_count": None,
    }
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel, **metadata}
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": [cell]}))


if __name__ == "__main__":
    child(ours, peer)
