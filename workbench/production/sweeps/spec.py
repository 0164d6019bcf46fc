"""What a sweep is: its spec, and the files in its folder. The queue is the spec's points minus the finished run folders."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from workbench.errors import BadInput, unknown
from workbench.production.notebook import Notebook, read_notebook
from workbench.production.sweeps.design import Design
from workbench.project import Project
from workbench.records.base import Record
from workbench.records.files import cannot_write
from workbench.records.run import Limits


class Goal(BaseModel):
    """Which figure makes a run better than another."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    figure: str
    direction: Literal["minimize", "maximize"]


class Sweep(Record):
    """One sweep as it was asked for. It never changes; the template it uses is the copy in its folder."""

    kind: ClassVar[str] = "sweep"

    sweep_id: str
    template: str
    template_sha256: str
    parameters: dict[str, JsonValue] = {}  # the same for every run
    design: Design
    limits: Limits = Limits()
    workers: int
    retries: int = 2
    retry_on: tuple[str, ...] = ()
    fresh: bool = False
    executor: str = "local"
    goal: Goal | None = None
    actor: str
    created: datetime


class SweepFolder:
    """The folder of a sweep: `spec.json`, the frozen `template.ipynb`, a table's points, and what was known before."""

    def __init__(self, project: Project, sweep_id: str) -> None:
        self.path = project.state / "sweeps" / sweep_id

    @property
    def spec(self) -> Sweep:
        return Sweep.load(self.path / "spec.json")

    @property
    def notebook(self) -> Notebook:
        return read_notebook(self.path / "template.ipynb")

    @property
    def table(self) -> Path:
        return self.path / "points.jsonl"

    @property
    def cancelled(self) -> Path:
        """The mark by which a person stops it."""
        return self.path / "cancel"

    def points(self) -> Iterator[tuple[int, dict[str, JsonValue]]]:
        """The points with their positions."""
        yield from enumerate(self.spec.design.points(self.table))

    def note_cached(self, position: int, run_id: str) -> None:
        """An equal run had the result of this position already."""
        path = self.path / "cached.jsonl"
        try:
            with open(path, "a", encoding="utf-8") as file:
                file.write(json.dumps({"position": position, "run": run_id}) + "\n")
        except OSError as error:
            raise cannot_write(path, error) from error

    def cached(self) -> dict[int, str]:
        """Position → the run that had its result already; a torn last line is left out."""
        path = self.path / "cached.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        found: dict[int, str] = {}
        for line in lines:
            try:
                noted: dict[str, Any] = json.loads(line)
                found[noted["position"]] = noted["run"]
            except (ValueError, KeyError, TypeError):
                continue
        return found


def sweep_ids(project: Project) -> list[str]:
    """Every sweep, newest first."""
    return sorted((path.parent.name for path in (project.state / "sweeps").glob("*/spec.json")), reverse=True)


def find_sweep(project: Project, name: str) -> SweepFolder:
    """A sweep by its id or the end of it. Raises UnknownName, or BadInput when several end so."""
    ids = sweep_ids(project)
    fitting = [one for one in ids if one.endswith(name)] if name else []
    if len(fitting) > 1:
        raise BadInput(f"'{name}' fits {len(fitting)} sweeps", why=", ".join(sorted(fitting)[:5]), fix="give more of the id")
    if not fitting:
        raise unknown("sweep", name, ids, fix="workbench production sweeps")
    return SweepFolder(project, fitting[0])
