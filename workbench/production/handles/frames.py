"""Results as pandas tables. Names are those that the template uses; where two things share one, the later is `figure.name`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.production.sweeps.result import Row
from workbench.records.pipeline import Step
from workbench.records.run import Figure, RunRecord

if TYPE_CHECKING:
    import pandas as pd

Cells = Mapping[tuple[str, str], Any]  # (kind, name) → value; kind: "parameter" or "figure"
_RUN = ("run", "template", "state", "created", "seconds")
_POINT = ("state", "cached", "attempts", "seconds", "problem", "run")


def sweep_frame(rows: Iterable[Row]) -> pd.DataFrame:
    """A row a point, indexed by its position: parameters that vary, figures, state, cached, attempts, seconds, problem, run."""
    found = list(rows)
    facts = [(r.state.value, r.cached, r.attempts, r.seconds, r.problem, r.run_id) for r in found]
    frame = _frame(_POINT, facts, [_cells(r.point, r.figures) for r in found], facts_first=False)
    frame.index = frame.index.rename("position")
    return frame


def runs_frame(records: Iterable[RunRecord]) -> pd.DataFrame:
    """A row a run: run, template, state, created, seconds, parameters, figures."""
    found = list(records)
    facts = [(r.run_id, r.template, r.state.value, r.created, r.wall_s) for r in found]
    return _frame(_RUN, facts, [_cells(r.parameters, r.figures) for r in found], facts_first=True)


def steps_frame(steps: Iterable[Step]) -> pd.DataFrame:
    """A row a step: step, template, status, seconds, run, and its headline figure's name, value and unit."""
    import pandas as pd

    columns = ["step", "template", "status", "seconds", "run", "figure", "value", "unit"]
    rows = [
        (
            s.name,
            s.template,
            s.status,
            s.seconds,
            s.run_id,
            *((s.headline.name, s.headline.value, s.headline.unit) if s.headline else ("", None, "")),
        )
        for s in steps
    ]
    return pd.DataFrame(rows, columns=columns)


def _cells(parameters: Mapping[str, Any], figures: Iterable[Figure]) -> Cells:
    return {("parameter", n): v for n, v in parameters.items()} | {("figure", f.name): f.value for f in figures}


def _frame(names: Sequence[str], facts: Sequence[Any], cells: Sequence[Cells], *, facts_first: bool) -> pd.DataFrame:
    import pandas as pd

    keys = sorted({key for row in cells for key in row}, key=_order(cells))
    taken, columns = set(names), {}
    for kind, name in keys:
        columns[kind, name] = name if name not in taken else f"{kind}.{name}"
        taken.add(columns[kind, name])
    left = pd.DataFrame(list(facts), columns=list(names))
    right = pd.DataFrame({column: [row.get(key) for row in cells] for key, column in columns.items()}, index=left.index)
    return pd.concat([left, right] if facts_first else [right, left], axis=1)


def _order(cells: Sequence[Cells]) -> Any:
    """Parameters before figures, each as they first come."""
    seen = {key: index for index, key in enumerate(dict.fromkeys(key for row in cells for key in row))}
    return lambda key: (key[0] == "figure", seen[key])
