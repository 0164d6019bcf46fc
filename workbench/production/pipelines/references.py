"""What a step takes from an earlier one, as a pipeline names it.

table = "features.table"           the artifact `table` of the step `features`
trained = "train.best.model"       of a sweep: the artifact of its best run
models = "train.all.model"         of a sweep: a list, one for every run that is done, in the order of its points
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from workbench.errors import BadInput, unknown
from workbench.production.pipelines.fan_out import done_runs
from workbench.project import Project, look
from workbench.records.pipeline import Step


@dataclass(frozen=True)
class Reference:
    """An artifact of an earlier step: of its run, of a sweep's best run, or of all its runs."""

    text: str
    step: str
    artifact: str
    of: Literal["run", "best", "all"] = "run"

    @property
    def placeholder(self) -> str | list[str]:
        """A value of the right form, to check a plan with."""
        return [self.text] if self.of == "all" else self.text

    def find(self, project: Project, producer: Step) -> str | list[str]:
        """The artifact's path (or paths), relative to the project, which is the working directory of a run.

        producer: the step as it ended. Raises UnknownName when a run has no such artifact.
        """
        if self.of == "all":
            return [self._path(project, run_id) for run_id in done_runs(project, producer.sweep)]
        return self._path(project, producer.run_id)

    def _path(self, project: Project, run_id: str) -> str:
        folder = project.runs / run_id
        run = look(folder)
        artifact = run.artifact(self.artifact)
        if artifact is None:
            names = [a.name for a in run.artifacts]
            raise unknown(f"artifact of step '{self.step}'", self.artifact, names, fix="mend the pipeline's inputs")
        return str((folder / artifact.path).relative_to(project.root))


def producer_of(text: str) -> str:
    """The step that a reference names."""
    return text.partition(".")[0]


def read_reference(text: str, parameter: str, step: str, *, swept: bool, has_goal: bool) -> Reference:
    """A reference as it is written. swept, has_goal: of the step that it names. Raises BadInput."""
    producer, _, artifact = text.partition(".")
    which, dot, name = artifact.partition(".")
    if not (producer and artifact):
        raise _unreadable(text, parameter, step, f"'{text}'", 'write "step.artifact"')
    if not swept:
        return Reference(text=text, step=producer, artifact=artifact)
    if which not in ("best", "all") or not (dot and name):
        forms = f'"{producer}.best.{artifact}" or "{producer}.all.{artifact}"'
        raise _unreadable(text, parameter, step, f"'{producer}' is a sweep: it has many runs", f"write {forms}")
    if which == "best" and not has_goal:
        why = f"nothing says which run of '{producer}' is the best"
        raise _unreadable(text, parameter, step, why, f'add sweep.minimize = "FIGURE" (or maximize) to [steps.{producer}]')
    return Reference(text=text, step=producer, artifact=name, of="best" if which == "best" else "all")


def _unreadable(text: str, parameter: str, step: str, why: str, fix: str) -> BadInput:
    return BadInput(f"the input '{parameter}' of step '{step}' cannot be read", why=why, fix=fix)
