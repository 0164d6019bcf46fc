"""What a sweep's outcome is, as records: a row a position, and the whole."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, JsonValue

from workbench.production.sweeps.spec import Goal
from workbench.records.base import Record
from workbench.records.run import Figure, State
from workbench.records.view import View


class Row(BaseModel):
    """One position: its point, and the run that decided it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    position: int
    point: dict[str, JsonValue]
    state: State
    run_id: str = ""
    cached: bool = False
    attempts: int = 0
    seconds: float | None = None
    figures: tuple[Figure, ...] = ()
    problem: str = ""

    def figure(self, name: str) -> float | None:
        """A figure as a number; None when there is none, or it is no number."""
        value = next((f.value for f in self.figures if f.name == name), None)
        number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        return float(value) if number else None  # type: ignore[arg-type]


class SweepReport(Record):
    """A sweep as it stands. `rows` are the best ones (or the first, without a goal), at most 20."""

    kind: ClassVar[str] = "sweep_report"

    sweep_id: str
    template: str
    state: State
    states: dict[str, int]
    goal: Goal | None = None
    best: str = ""  # run id
    names: tuple[str, ...] = ()  # parameters that vary
    rows: tuple[Row, ...] = ()
    results: str = ""  # paths in the project: results.csv, report.html
    report: str = ""

    def view(self) -> View:
        total = sum(self.states.values())
        told = ", ".join(f"{n:,} {state}" for state, n in self.states.items())
        columns = self._columns()
        facts = [
            ("template", self.template),
            ("runs", f"{total:,}: {told}"),
            ("best", f"{self.best} ({self.goal.direction} {self.goal.figure})" if self.goal and self.best else ""),
            ("all rows", self.results),
            ("report", self.report),
        ]
        return View(
            title=f"sweep {self.sweep_id}: {self.state.value}",
            facts=tuple((name, text) for name, text in facts if text),
            columns=("run", *self.names, "state", "seconds", *columns),
            rows=tuple(self._row(row, columns) for row in self.rows),
            next=self._next(),
        )

    def _columns(self) -> tuple[str, ...]:
        """Figures to show: the goal's, then headlines, then the others; at most four."""
        found = dict.fromkeys([self.goal.figure] if self.goal else [])
        for headline in (True, False):
            found |= dict.fromkeys(f.name for row in self.rows for f in row.figures if f.headline is headline)
        return tuple(found)[:4]

    def _row(self, row: Row, columns: Sequence[str]) -> tuple[str, ...]:
        shown = {f.name: f.shown() for f in row.figures}
        state = "cached" if row.cached else row.problem or row.state.value
        return (
            ("* " if row.run_id and row.run_id == self.best else "") + (row.run_id or f"#{row.position}"),
            *(str(row.point.get(name, "")) for name in self.names),
            state,
            "" if row.seconds is None else f"{row.seconds:.1f}",
            *(shown.get(name, "") for name in columns),
        )

    def _next(self) -> tuple[str, ...]:
        if self.state in (State.QUEUED, State.CANCELLED, State.LOST):
            return (f"workbench production resume {self.sweep_id}",)
        return (f"workbench production resume {self.sweep_id} --failed",) if self.state is State.FAILED else ()
