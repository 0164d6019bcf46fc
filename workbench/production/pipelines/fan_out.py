"""A step that is a sweep: which points a pipeline file asks for, and which runs came of it.

sweep.grid = { family = ["histgb", "mlp"], seed = [1, 2, 3] }     every combination
sweep.random = 20                                                 or draws, from
sweep.space = { depth = "2..8", rate = "1e-4..1e-1:log", family = ["histgb", "mlp"] }
sweep.table = "points.csv"                                        or the rows of a file in the project
sweep.minimize = "test_wape"                                      which run is the best one
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from workbench.errors import BadInput
from workbench.production.parameters import Parameter
from workbench.production.sweeps.design import Design, draws, grid, table
from workbench.production.sweeps.report import rows_of
from workbench.production.sweeps.spec import Goal, SweepFolder
from workbench.project import Project
from workbench.records.run import State


class SweepSpec(BaseModel):
    """The sweep of a step, as a person writes it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    grid: dict[str, tuple[JsonValue, ...]] = {}
    random: int | None = Field(default=None, ge=1)
    space: dict[str, str | tuple[JsonValue, ...]] = {}
    table: str = ""  # a CSV file, its path from the project's folder
    seed: int = 0  # of the draws
    minimize: str = ""
    maximize: str = ""
    retries: int = Field(default=2, ge=0)  # of a run that the machine broke
    allow_failures: bool = False  # the step is done when one run is

    @property
    def goal(self) -> Goal | None:
        if self.minimize:
            return Goal(figure=self.minimize, direction="minimize")
        return Goal(figure=self.maximize, direction="maximize") if self.maximize else None


@dataclass(frozen=True)
class Points:
    """A sweep's design, with the rows of a table."""

    design: Design
    rows: list[dict[str, Any]] = field(default_factory=list)


def read_points(project: Project, spec: SweepSpec, known: tuple[Parameter, ...], template: str) -> Points:
    """The points that a step asks for. Raises BadInput or UnknownName."""
    given = {"grid": bool(spec.grid), "random": spec.random is not None, "table": bool(spec.table)}
    if sum(given.values()) != 1:
        there = [f"sweep.{name}" for name, is_there in given.items() if is_there]
        why = f"given: {' and '.join(there)}" if there else "none is given"
        fix = "sweep.grid = { name = [1, 2, 3] }"
        raise BadInput("a sweep needs one of sweep.grid, sweep.random and sweep.table", why=why, fix=fix)
    if bool(spec.space) != given["random"]:
        raise BadInput(
            "sweep.space and sweep.random belong together",
            why="one says from where to draw, the other how often",
            fix='sweep.random = 20 and sweep.space = { name = "1..8" }',
        )
    if spec.minimize and spec.maximize:
        why = "one figure decides which run is the best"
        raise BadInput("sweep.minimize and sweep.maximize at once", why=why, fix="give one of them")
    if spec.table:
        design, rows = table(known, template, project.root / spec.table)
        return Points(design, [dict(row) for row in rows])
    if spec.random is not None:
        return Points(draws(known, template, spec.space, spec.random, spec.seed))
    return Points(grid(known, template, spec.grid))


def done_runs(project: Project, sweep_id: str) -> list[str]:
    """Ids of a sweep's runs that are done, in the order of its points."""
    return [row.run_id for row in rows_of(project, SweepFolder(project, sweep_id)) if row.state is State.DONE]
