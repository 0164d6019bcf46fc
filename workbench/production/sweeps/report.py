"""What came out of a sweep: one row a position, the best run, a plot. Read from the run folders each time it is asked for."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from pydantic import JsonValue

from workbench.errors import UserError
from workbench.production.ledger import Ledger
from workbench.production.sweeps.page import page
from workbench.production.sweeps.result import Row, SweepReport
from workbench.production.sweeps.spec import Goal, Sweep, SweepFolder
from workbench.project import Project, look
from workbench.records.files import write_atomic
from workbench.records.run import RunRecord, State

SHOWN = 20  # rows on a screen; results.csv holds all


def report(project: Project, folder: SweepFolder, *, keep: bool = False) -> SweepReport:
    """The sweep as its run folders tell it. keep: write results.csv and report.html into its folder."""
    spec = folder.spec
    rows = list(rows_of(project, folder))
    states = Counter("cached" if row.cached else row.state.value for row in rows)
    ranked = _ranked(rows, spec.goal)
    place = folder.path.relative_to(project.root)
    found = SweepReport(
        sweep_id=spec.sweep_id,
        template=spec.template,
        state=_state(rows, folder),
        states=dict(states.most_common()),
        goal=spec.goal,
        best=_best(ranked, spec.goal),
        names=spec.design.names,
        rows=tuple(ranked[:SHOWN]),
        results=str(place / "results.csv") if keep else "",
        report=str(place / "report.html") if keep else "",
    )
    if keep:
        write_atomic(folder.path / "results.csv", _csv(spec, rows).encode())
        write_atomic(folder.path / "report.html", page(spec, found, rows).encode())
    return found


def rows_of(project: Project, folder: SweepFolder) -> Iterator[Row]:
    """Every position, in order."""
    places = {place.position: place for place in Ledger(project).places(folder.path.name)}
    cached = folder.cached()
    for position, point in folder.points():
        place = places.get(position)
        if position in cached and (place is None or place.state is not State.DONE):
            yield _row(project, position, point, cached[position], 0, cached=True)
        elif place is not None:
            yield _row(project, position, point, place.run_id, place.attempts)
        else:
            yield Row(position=position, point=point, state=State.QUEUED)


def _row(
    project: Project, position: int, point: dict[str, JsonValue], run_id: str, attempts: int, *, cached: bool = False
) -> Row:
    try:
        run: RunRecord | None = look(project.runs / run_id)
    except UserError:
        run = None
    if run is None:  # its folder was removed: to be run again
        return Row(position=position, point=point, state=State.QUEUED)
    return Row(
        position=position,
        point=point,
        state=run.state,
        run_id=run_id,
        cached=cached,
        attempts=attempts,
        seconds=run.wall_s,
        figures=run.figures,
        problem=run.failure.name if run.failure and run.state is not State.DONE else "",
    )


def _ranked(rows: Iterable[Row], goal: Goal | None) -> list[Row]:
    """Best first by the goal, what is not done or lacks its figure last; without a goal, failed ones first."""
    if goal is None:
        return sorted(rows, key=lambda row: (row.state in (State.DONE, State.QUEUED), row.state is State.QUEUED, row.position))
    sign = 1 if goal.direction == "minimize" else -1

    def rank(row: Row) -> tuple[bool, bool, float, int]:
        value = row.figure(goal.figure)
        return row.state is not State.DONE, value is None, 0.0 if value is None else sign * value, row.position

    return sorted(rows, key=rank)


def _best(ranked: Sequence[Row], goal: Goal | None) -> str:
    """The run that the goal prefers: a finished one that has the figure."""
    first = ranked[0] if ranked and goal else None
    return first.run_id if first and goal and first.state is State.DONE and first.figure(goal.figure) is not None else ""


def _state(rows: Sequence[Row], folder: SweepFolder) -> State:
    states = {row.state for row in rows}
    if State.RUNNING in states:
        return State.RUNNING
    if folder.cancelled.exists() or State.CANCELLED in states:
        return State.CANCELLED
    if states <= {State.DONE}:
        return State.DONE
    if State.QUEUED in states or State.LOST in states:
        return State.QUEUED
    return State.FAILED


def _csv(spec: Sweep, rows: Sequence[Row]) -> str:
    names = list(dict.fromkeys(f.name for row in rows for f in row.figures))
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["position", "run", "state", "cached", "attempts", "seconds", "problem", *spec.design.names, *names])
    for row in rows:
        values = {f.name: f.value for f in row.figures}
        point = (_cell(row.point.get(name)) for name in spec.design.names)
        facts = (row.position, row.run_id, row.state.value, row.cached, row.attempts, row.seconds, row.problem)
        writer.writerow([*facts, *point, *(values.get(name) for name in names)])
    return text.getvalue()


def _cell(value: JsonValue) -> JsonValue:
    return json.dumps(value) if isinstance(value, (list, dict)) else value
