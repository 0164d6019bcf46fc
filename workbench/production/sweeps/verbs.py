"""Start a sweep, go on with it, stop it, list them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from pydantic import JsonValue

from workbench import plugins
from workbench.errors import BadInput
from workbench.machine import effective_cpus
from workbench.production.interface import Executor
from workbench.production.launch import limits
from workbench.production.parameters import Parameter
from workbench.production.secrecy import secrets
from workbench.production.sweeps.design import Design, draws, grid, table, typed
from workbench.production.sweeps.drive import Driver
from workbench.production.sweeps.make import check_points, make_sweep, work_off
from workbench.production.sweeps.report import report
from workbench.production.sweeps.result import SweepReport
from workbench.production.sweeps.spec import Goal, SweepFolder, find_sweep, sweep_ids
from workbench.production.templates import load
from workbench.project import Project
from workbench.records.base import Record
from workbench.records.view import View


def sweep(
    project: Project,
    template: str,
    *,
    grid: Mapping[str, str] | None = None,
    random: int | None = None,
    space: Mapping[str, str] | None = None,
    from_: Path | None = None,
    parameter: Mapping[str, str] | None = None,
    minimize: str | None = None,
    maximize: str | None = None,
    workers: int | None = None,
    timeout: float | None = None,
    cell_timeout: float | None = None,
    memory: str | None = None,
    retries: int = 2,
    retry_on: tuple[str, ...] = (),
    fresh: bool = False,
    seed: int = 0,
    executor: str = "local",
) -> SweepReport:
    """Run TEMPLATE at many points, some at once, and compare what comes out.

    grid: `name=a,b,c`; every combination of all of them is run.
    random: so many points, drawn from the ranges of `--space`.
    space: `name=low..high`, `name=low..high:log`, or `name=a,b,c`.
    from_: a CSV file, a row a run, its first line the parameters' names.
    parameter: `name=value` for all runs alike.
    minimize, maximize: the figure that makes one run better than another.
    workers: runs at once; as many as there are processors when left out.
    timeout, cell_timeout: seconds that a run, or one cell, may take.
    memory: what all processes of one run may hold together, as in 2GiB.
    retries: further tries of a run that the machine broke (kernel died, process killed), with growing pauses.
    retry_on: also try again after an error of this name, as in ConnectionError or CellTimeoutError.
    fresh: run points even if equal runs have results already.
    seed: of the random points.
    executor: where the runs are executed.
    Ctrl-C once lets the running ones end, twice stops them; `workbench production resume` goes on in both cases.
    """
    name, notebook, known = load(project, template)
    fixed = typed(known, name, parameter or {}, "-p")
    design, rows = _design(known, name, grid, random, space, from_, seed)
    both = sorted(set(design.names) & set(fixed))
    if both:
        raise BadInput(
            f"'{both[0]}' is fixed and swept", why="it cannot be both", fix=f"leave out -p {both[0]}=… or its values"
        )
    check_points(project, known, name, fixed, design, rows)
    secrets.check(fixed, notebook.raw)
    if workers is not None and workers < 1:
        raise BadInput(f"--workers {workers} runs nothing", why="it counts the runs at once", fix="--workers 2")
    goal = _goal(minimize, maximize)
    plugins.load("workbench.executors", executor)
    folder = make_sweep(
        project,
        name,
        notebook,
        design,
        rows,
        parameters=fixed,
        limits=limits(timeout, cell_timeout, memory),
        workers=workers or effective_cpus(),
        retries=retries,
        retry_on=retry_on,
        fresh=fresh,
        executor=executor,
        goal=goal,
    )
    return _drive(project, folder, "sweep.start")


def resume(project: Project, sweep: str, *, failed: bool = False, workers: int | None = None) -> SweepReport:
    """Go on with SWEEP (its id or the end of it): what is done is not done again, what was broken off is.

    failed: also run again what ended in an error, or was cancelled.
    workers: runs at once, when it should be another number than before.
    """
    folder = find_sweep(project, sweep)
    folder.cancelled.unlink(missing_ok=True)
    return _drive(project, folder, "sweep.resume", failed=failed, workers=workers)


class SweepList(Record):
    """Sweeps, newest first."""

    kind: ClassVar[str] = "sweep_list"

    sweeps: tuple[SweepReport, ...]

    def view(self) -> View:
        rows = tuple(
            (s.sweep_id, s.state.value, ", ".join(f"{n:,} {state}" for state, n in s.states.items()), s.best)
            for s in self.sweeps
        )
        return View(title=f"{len(rows)} sweeps", columns=("sweep", "state", "runs", "best"), rows=rows)


def sweeps(project: Project, *, limit: int = 10) -> SweepList:
    """List sweeps, newest first.

    limit: at most so many.
    """
    return SweepList(sweeps=tuple(report(project, SweepFolder(project, one)) for one in sweep_ids(project)[: max(limit, 0)]))


def _design(
    known: tuple[Parameter, ...],
    name: str,
    grid_: Mapping[str, str] | None,
    random: int | None,
    space: Mapping[str, str] | None,
    from_: Path | None,
    seed: int,
) -> tuple[Design, list[dict[str, JsonValue]]]:
    forms = [flag for flag, given in (("--grid", grid_), ("--random", random is not None), ("--from", from_)) if given]
    if len(forms) != 1:
        raise BadInput(
            "a sweep needs one of --grid, --random and --from",
            why=f"given: {' and '.join(forms)}" if forms else "none is given",
            fix="--grid name=1,2,3",
        )
    if space and random is None:
        raise BadInput("--space without --random", why="ranges are drawn from, and nothing says how often", fix="--random 20")
    if from_ is not None:
        return table(known, name, from_)
    if random is not None:
        return draws(known, name, space or {}, random, seed), []
    return grid(known, name, grid_ or {}), []


def _goal(minimize: str | None, maximize: str | None) -> Goal | None:
    if minimize and maximize:
        raise BadInput("--minimize and --maximize at once", why="one figure decides which run is best", fix="give one of them")
    if minimize:
        return Goal(figure=minimize, direction="minimize")
    return Goal(figure=maximize, direction="maximize") if maximize else None


def _drive(
    project: Project, folder: SweepFolder, event: str, *, failed: bool = False, workers: int | None = None
) -> SweepReport:
    spec = folder.spec
    make = plugins.load("workbench.executors", spec.executor)
    executor: Executor = make(project, workers or spec.workers)
    try:
        driver = Driver(project, folder, executor, workers=workers or spec.workers, failed=failed)
        return work_off(project, driver, event)
    finally:
        executor.shutdown(wait=True, cancel_futures=True)
