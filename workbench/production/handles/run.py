"""A run in the hands of Python."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from workbench.errors import RunFailed
from workbench.production.executor import Tail
from workbench.production.handles.base import ENDED, FOLLOW_S, SIGNS, Handle
from workbench.production.handles.following import span
from workbench.project import Project, look
from workbench.records.run import Artifact, Failure, RunRecord, State
from workbench.records.view import View

LONGEST = 80  # signs of a parameter's value on a card


class RunHandle(Handle[RunRecord]):
    """A run. Its figures, artifacts, output and failure wait for its end; `record` and `state` do not."""

    what = "run"

    @property
    def folder(self) -> Path:
        return self.project.runs / self.id

    @property
    def parameters(self) -> dict[str, JsonValue]:
        """All of them, defaults too."""
        return dict(self.record.parameters)

    @property
    def figures(self) -> dict[str, float | int | str | bool | None]:
        """What it has declared by `production.record`, by name. Raises RunFailed when it did not end well."""
        return {figure.name: figure.value for figure in self.wait().record.figures}

    @property
    def artifacts(self) -> dict[str, Path]:
        """The files and folders that it hands on, by name. Raises RunFailed when it did not end well."""
        return {artifact.name: self.folder / artifact.path for artifact in self.wait().record.artifacts}

    @property
    def output(self) -> Path:
        """The executed notebook, of a failed run too."""
        self._end()
        return self.folder / "output.ipynb"

    @property
    def failure(self) -> Failure | None:
        """What ended it, with the cell's source; None when it ended well."""
        return self._end().failure

    def view(self) -> View:
        record, state = self.record, self.state
        took = "" if record.wall_s is None else f" {'in' if state is State.DONE else 'after'} {span(record.wall_s)}"
        earlier = ", taken over from an earlier, equal run" if record.reused else ""
        output = self.folder / "output.ipynb"
        facts = (
            ("run", self.id),
            ("by", record.actor if record.actor != self.project.actor else ""),
            ("parameters", _listed(record.parameters)),
            ("cells", f"{record.cells_done} of {record.cells_total}" if state is not State.DONE and not self._going else ""),
            *((figure.label or figure.name, figure.shown()) for figure in record.figures),
            *((f"artifact {artifact.name}", _artifact(artifact)) for artifact in record.artifacts),
            ("executed notebook", str(output.relative_to(self.project.root)) if state.ended and output.exists() else ""),
        )
        return record.view().model_copy(
            update={
                "title": f"{SIGNS[state]} {record.template}: {state.value}{took}{earlier}",
                "facts": tuple((name, text) for name, text in facts if text),
            }
        )

    def _look(self) -> RunRecord:
        return look(self.folder)

    def _name(self, event: Mapping[str, Any]) -> str:
        return str(event.get("run", ""))

    def _follow(self, project: Project) -> RunRecord:
        tail = Tail(self.folder / "events.jsonl")
        while True:
            record = self._look()  # before the events: those of its end are then among them
            for event in tail.new():
                project.listener(event)
            if record.state.ended:
                return record
            time.sleep(FOLLOW_S)

    def _judge(self, record: RunRecord) -> None:
        if record.state is State.DONE:
            return
        failure = record.failure
        where = "" if failure is None or failure.cell is None else f"cell {failure.cell}: "
        raise RunFailed(
            f"the run {self.id} {ENDED[record.state]}",
            why=f"{where}{failure.name}: {failure.message.strip().partition(chr(10))[0]}"
            if failure
            else "its process is gone and left no ending",
            fix=f"look at its card, at `.failure`, or open {self.folder / 'output.ipynb'}",
        )


def _artifact(artifact: Artifact) -> str:
    return f"{artifact.path}, {artifact.size_bytes / 1024:,.0f} KiB, sha256 {artifact.sha256[:12]}…"


def _listed(values: Mapping[str, JsonValue]) -> str:
    """`weeks = 8, family = mlp`."""
    texts = {name: str(value) for name, value in values.items()}
    return ", ".join(f"{n} = {t if len(t) <= LONGEST else t[:LONGEST] + '…'}" for n, t in texts.items())
