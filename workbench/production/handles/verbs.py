"""The verbs as Python calls: values with their own types in, handles out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import BadInput, UnknownName, unknown
from workbench.production.handles.frames import runs_frame
from workbench.production.handles.pipeline import PipelineHandle
from workbench.production.handles.run import RunHandle
from workbench.production.handles.sweep import SweepHandle
from workbench.production.handles.values import as_list, as_table, as_text, plain
from workbench.production.inputs import check_inputs
from workbench.production.launch import Asked, limits
from workbench.production.launch import start as start_run
from workbench.production.parameters import Parameter
from workbench.production.pipelines.pipeline import pipeline as run_pipeline
from workbench.production.runs import run_folder
from workbench.production.runs import runs as list_runs
from workbench.production.sweeps.spec import find_sweep, sweep_ids
from workbench.production.sweeps.verbs import resume as resume_sweep
from workbench.production.sweeps.verbs import sweep as run_sweep
from workbench.production.templates import load
from workbench.production.validation import validate
from workbench.project import Project, find
from workbench.records.run import RunList, State

if TYPE_CHECKING:
    import pandas as pd

Home = Project | Path | str | None
_LIMITS = ("timeout", "cell_timeout", "memory")
_AS_THEY_ARE = ("random", "minimize", "maximize", "workers", "retries", "fresh", "executor", *_LIMITS)


def run(
    template: str,
    /,
    *,
    parameters: Mapping[str, Any] | None = None,
    fresh: bool = False,
    timeout: float | None = None,
    cell_timeout: float | None = None,
    memory: str | None = None,
    project: Home = None,
    **more: Any,
) -> RunHandle:
    """Start a run of a template and go on: `production.run("train", dataset="sales", target="revenue")`.

    template: a name, or the path or URL of a notebook.
    parameters: by name; they may as well be given as arguments of their own.
    fresh: run it even if an equal run has a result already.
    timeout, cell_timeout: seconds that the run, or one cell, may take; memory: what it may hold, as in "2GiB".
    project: a project, or its folder; else the one found from here.
    Raises UnknownName, BadInput and NotAllowed, before anything starts.
    """
    options = locals()
    home = _home(project)
    name, notebook, known = load(home, template)
    values = validate(known, _given(run, options, known, name), name)
    check_inputs(home, known, values)
    asked = Asked(limits=limits(timeout, cell_timeout, memory), fresh=fresh)
    return RunHandle(home).start(lambda heard: start_run(heard, template, notebook, values, asked=asked))


def sweep(
    template: str,
    /,
    grid: Mapping[str, Iterable[Any]] | None = None,
    *,
    random: int | None = None,
    space: Mapping[str, Iterable[Any]] | None = None,
    random_seed: int = 0,
    points: Path | str | pd.DataFrame | Iterable[Mapping[str, Any]] | None = None,
    parameters: Mapping[str, Any] | None = None,
    minimize: str | None = None,
    maximize: str | None = None,
    workers: int | None = None,
    timeout: float | None = None,
    cell_timeout: float | None = None,
    memory: str | None = None,
    retries: int = 2,
    retry_on: Iterable[str] = (),
    fresh: bool = False,
    executor: str = "local",
    project: Home = None,
    **more: Any,
) -> SweepHandle:
    """Start a sweep: `production.sweep("train", {"family": ["histgb", "mlp"], "seed": range(3)}, minimize="test_wape")`.

    grid: lists of values; every combination is run.
    random, space: so many points, drawn from lists of values and from ranges like "1..8" or "1e-4..0.1:log".
    points: the points themselves: a DataFrame, a list of mappings, or the path of a CSV file.
    parameters: those that are the same in every run; they may as well be given as arguments of their own.
    minimize, maximize: the figure that makes one run better than another.
    workers: runs at once; as many as there are processors when left out.
    timeout, cell_timeout, memory: of each run, as in `run`.
    retries: further tries of a run that the machine broke; retry_on: names of errors after which one is tried again, too.
    Raises UnknownName, BadInput and NotAllowed, before anything starts.
    """
    options = locals()
    home = _home(project)
    name, _, known = load(home, template)
    asked: dict[str, Any] = {option: options[option] for option in _AS_THEY_ARE} | {
        "grid": {n: as_list(n, values) for n, values in (grid or {}).items()} or None,
        "space": {n: v if isinstance(v, str) else as_list(n, v) for n, v in (space or {}).items()} or None,
        "parameter": {n: as_text(known, name, n, value) for n, value in _given(sweep, options, known, name).items()},
        "retry_on": tuple(retry_on),
        "seed": random_seed,
    }
    with as_table(known, name, points) as path:
        return SweepHandle(home).start(lambda heard: run_sweep(heard, template, from_=path, **asked))


def resume(id: str, *, failed: bool = False, workers: int | None = None, project: Home = None) -> SweepHandle:
    """Go on with a sweep that was broken off, by its id or the end of it: what is done is not done again.

    failed: also run again what ended in an error, or was cancelled. workers: runs at once, if not as many as before.
    """
    return SweepHandle(_home(project)).start(lambda heard: resume_sweep(heard, id, failed=failed, workers=workers))


def pipeline(
    name: str, *, from_: str | None = None, fresh: bool = False, workers: int | None = None, project: Home = None
) -> PipelineHandle:
    """Start a pipeline of the project and go on: `production.pipeline("retail")`.

    from_: go on from this step with the results of the last run.
    fresh: run steps even if equal runs have results already. workers: steps at once.
    """
    asked = {"from_": from_, "fresh": fresh, "workers": workers}
    given: dict[str, Any] = {option: value for option, value in asked.items() if value}
    return PipelineHandle(_home(project)).start(lambda heard: run_pipeline(heard, name, **given))


class Runs(RunList):
    """Runs, newest first, also as a table."""

    def frame(self) -> pd.DataFrame:
        """A row a run: run, template, state, created, seconds, and all parameters and figures."""
        return runs_frame(self.runs)


def runs(template: str | None = None, state: str | None = None, limit: int = 100, *, project: Home = None) -> Runs:
    """The runs of the project, newest first: of one template, in one state, at most `limit`."""
    if state is not None and state not in list(State):
        raise unknown("state", state, list(State))
    found = list_runs(_home(project), template=template, state=State(state) if state else None, limit=limit)
    return Runs(runs=found.runs, findings=found.findings)


def get(id: str, *, project: Home = None) -> RunHandle | SweepHandle | PipelineHandle:
    """A run, sweep or pipeline of before, or one that goes on elsewhere, by its id or the end of it."""
    home = _home(project)
    with suppress(UnknownName):
        return RunHandle(home, run_folder(home, id).name)
    with suppress(UnknownName):
        return SweepHandle(home, find_sweep(home, id).path.name)
    pipelines = sorted((path.parent.name for path in (home.state / "pipelines").glob("*/record.json")), reverse=True)
    fitting = [one for one in pipelines if id and one.endswith(id)]
    if len(fitting) > 1:
        raise BadInput(f"'{id}' fits {len(fitting)} pipelines", why=", ".join(fitting[:5]), fix="give more of the id")
    if fitting:
        return PipelineHandle(home, fitting[0])
    known = [*(run.run_id for run in list_runs(home, limit=1000).runs), *sweep_ids(home), *pipelines]
    raise unknown("run, sweep or pipeline", id, known, fix="production.runs() lists the runs")


def _home(project: Home) -> Project:
    return project if isinstance(project, Project) else find(explicit=project)


def _given(verb: Callable[..., Any], options: Mapping[str, Any], known: tuple[Parameter, ...], name: str) -> dict[str, Any]:
    """The parameters that the caller of `verb` means. options: what its arguments were.

    Raises BadInput when an argument may mean an option of the verb or a parameter of the template.
    """
    given: dict[str, Any] = {**(options["parameters"] or {}), **options["more"]}
    for option in signature(verb).parameters.values():
        if option.kind is option.POSITIONAL_ONLY or option.name in ("parameters", "more"):
            continue
        asked_for = options[option.name] is not option.default
        if asked_for and option.name not in given and any(p.name == option.name for p in known):
            raise BadInput(
                f"'{option.name}' may mean two things",
                why=f"'{name}' has a parameter of this name, and {verb.__name__} an option",
                fix=f'for the parameter: parameters={{"{option.name}": …}}',
            )
    return {parameter: plain(value) for parameter, value in given.items()}
