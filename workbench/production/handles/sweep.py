"""A sweep in the hands of Python."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any

from workbench.errors import BadInput, UserError
from workbench.production.handles.base import FOLLOW_S, SIGNS, Handle
from workbench.production.handles.frames import sweep_frame
from workbench.production.handles.run import RunHandle
from workbench.production.sweeps.report import report, rows_of
from workbench.production.sweeps.result import SweepReport
from workbench.production.sweeps.spec import Sweep, SweepFolder
from workbench.project import Project, look
from workbench.records.run import State
from workbench.records.view import View

if TYPE_CHECKING:
    import pandas as pd


class SweepHandle(Handle[SweepReport]):
    """A sweep. Its frame and its best run wait for its end. Runs that failed are rows of it, and no failure of the sweep."""

    what = "sweep"

    @property
    def state(self) -> State:
        return State.RUNNING if self._going else super().state

    @property
    def best(self) -> RunHandle:
        """The run that is best by `minimize` or `maximize`. Raises BadInput when no run can be."""
        found = self._end()
        if found.best:
            return RunHandle(self.project, found.best)
        raise BadInput(
            f"the sweep {self.id} has no best run",
            why=f"no run of it is done and has the figure '{found.goal.figure}'"
            if found.goal
            else "nothing says what is better",
            fix="look at .frame()" if found.goal else 'sweep(…, minimize="name of a figure"), or sort .frame()',
        )

    def frame(self, *, wait: bool = True) -> pd.DataFrame:
        """A row a point in order: parameters, figures, state, seconds, run. wait: for the end, else as it stands now."""
        if wait:
            self._end()
        return sweep_frame(rows_of(self.project, self._folder))

    def view(self) -> View:
        if not self._going:
            record, view = self.record, self.record.view()
            told = ", ".join(f"{n:,} {state}" for state, n in record.states.items())
            facts = (("sweep", self.id), *(fact for fact in view.facts if fact[0] not in ("template", "runs")))
            title = f"{SIGNS[record.state]} {record.template}: {sum(record.states.values()):,} runs, {told}"
            return view.model_copy(update={"title": title, "facts": facts})
        spec = self._spec
        goal = f"{spec.goal.direction} {spec.goal.figure}" if spec.goal else ""
        fixed = ", ".join(f"{name} = {value}" for name, value in spec.parameters.items())
        facts = (("sweep", self.id), ("over", ", ".join(spec.design.names)), ("fixed", fixed), ("goal", goal))
        return View(
            title=f"{SIGNS[State.RUNNING]} {spec.template}: {spec.design.count:,} runs, {self._progress.note or 'running'}",
            facts=tuple((name, text) for name, text in facts if text),
        )

    @property
    def _folder(self) -> SweepFolder:
        return SweepFolder(self.project, self.id)

    @cached_property
    def _spec(self) -> Sweep:
        return self._folder.spec

    def _look(self) -> SweepReport:
        return report(self.project, self._folder)

    def _name(self, event: Mapping[str, Any]) -> str:
        return str(event.get("sweep", ""))

    def _hear(self, event: Mapping[str, Any]) -> None:
        """A run on its way is called by its point: `#3 family = mlp`."""
        if event["event"] == "position" and event["state"] == "running":
            with suppress(UserError):  # its folder was removed by hand
                values = look(self.project.runs / event["run"]).parameters
                point = ", ".join(f"{name} = {values[name]}" for name in self._spec.design.names if name in values)
                event = {**event, "label": f"#{event['position']} {point}".strip()}
        super()._hear(event)

    def _follow(self, project: Project) -> SweepReport:
        spec = self._spec
        project.listener({"event": "sweep", "sweep": self.id, "state": "running", "total": spec.design.count})
        while (found := self._look()).state is State.RUNNING:
            project.listener({"event": "tally", "sweep": self.id, "states": found.states})
            time.sleep(4 * FOLLOW_S)  # it reads the records of all its runs
        return found

    def _judge(self, record: SweepReport) -> None:
        pass
