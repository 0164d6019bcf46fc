"""A pipeline in the hands of Python."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import BadInput, RunFailed, UnknownName
from workbench.production.cancel import cancel
from workbench.production.handles.base import ENDED, FOLLOW_S, SIGNS, Handle
from workbench.production.handles.frames import steps_frame
from workbench.production.handles.run import RunHandle
from workbench.project import Project, look_pipeline
from workbench.records.pipeline import PipelineRecord
from workbench.records.run import State
from workbench.records.view import View

if TYPE_CHECKING:
    import pandas as pd


class PipelineHandle(Handle[PipelineRecord]):
    """A run of a pipeline. Its steps wait for its end."""

    what = "pipeline"

    @property
    def folder(self) -> Path:
        return self.project.state / "pipelines" / self.id

    @property
    def steps(self) -> pd.DataFrame:
        """A row a step in order: state, seconds, run, headline figure. Of a failed pipeline too."""
        return steps_frame(self._end().steps)

    def step(self, name: str) -> RunHandle:
        """The run of one step. Raises BadInput when it has none."""
        run_id = next((s.run_id for s in self._end().steps if s.name == name), "")
        if run_id:
            return RunHandle(self.project, run_id)
        raise BadInput(
            f"the step '{name}' of {self.id} has no run",
            why="it was not reached, or the pipeline has no such step",
            fix="its steps: " + ", ".join(s.name for s in self.record.steps),
        )

    def cancel(self) -> None:
        """Stop the steps that run, and with them the pipeline."""
        for step in self.record.steps:
            if step.state is State.RUNNING and (running := step.sweep or step.run_id):
                with suppress(BadInput, UnknownName):  # it has just ended
                    cancel(self.project, running)

    def view(self) -> View:
        view, state = self.record.view(), self.state
        return view.model_copy(
            update={
                "title": f"{SIGNS[state]} {view.title}: {state.value}",
                "facts": (("pipeline", self.id), *view.facts),
            }
        )

    def _look(self) -> PipelineRecord:
        return look_pipeline(self.folder)

    def _name(self, event: Mapping[str, Any]) -> str:
        return str(event.get("pipeline", ""))

    def _follow(self, project: Project) -> PipelineRecord:
        record = self._look()
        names = [step.name for step in record.steps]
        project.listener({"event": "pipeline", "pipeline": self.id, "title": record.title, "steps": names, "notice": ""})
        told: dict[str, str] = {}
        while True:
            record = self._look()
            for step in record.steps:
                if step.status != told.get(step.name, State.QUEUED):
                    project.listener({"event": "step", "step": step.name, "state": step.status})
                told[step.name] = step.status
            if record.state.ended:
                return record
            time.sleep(FOLLOW_S)

    def _judge(self, record: PipelineRecord) -> None:
        if record.state is State.DONE:
            return
        stuck = next((s for s in record.steps if s.state not in (State.DONE, State.QUEUED)), None)
        failure = record.failure
        why = f"{failure.name}: {failure.message}" if failure else "it was stopped"
        raise RunFailed(
            f"the pipeline {self.id} {ENDED[record.state]}",
            why=f"step '{stuck.name}': {why}" if stuck else why,
            fix="look at its card, or at `.steps`" + (f"; once mended, go on with from_='{stuck.name}'" if stuck else ""),
        )
