"""A pipeline as a person writes it: steps are templates with parameters, outputs of one are inputs of another.

    title = "Weekly demand"
    include = ["other.toml"]          # its steps join these

    [steps.features]
    template = "features"
    parameters = { query = "features/weekly_demand.sql" }

    [steps.train]
    template = "train"
    inputs = { dataset = "features.table" }     # parameter = "step.artifact" (references.py)
    parameters = { target = "units" }
    sweep.grid = { family = ["histgb", "mlp"], seed = [1, 2, 3] }     # it is a sweep (fan_out.py)
    sweep.minimize = "test_wape"
    expect.test_wape = { min = 44.8, max = 46.8, below = "leak?", above = "broken promotion join?" }

    [steps.export]
    template = "export"
    inputs = { trained = "train.best.model" }
    require = ["train.test_wape < train.baseline_wape", "train has no fail"]     # else it must not run (conditions.py)

docs/pipelines.md is the whole of it.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, JsonValue

from workbench.errors import BadInput, unknown
from workbench.production.pipelines.fan_out import SweepSpec
from workbench.project import Project, read_toml


class Expect(BaseModel):
    """The range in which a step's figure must lie, and what it usually means when it does not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min: float
    max: float
    below: str = ""
    above: str = ""


class StepSpec(BaseModel):
    """One step: a template, its parameters, which of them come from earlier steps, and what opens it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    template: str
    title: str = ""
    parameters: dict[str, JsonValue] = {}
    inputs: dict[str, str] = {}
    after: tuple[str, ...] = ()  # steps that come before, though nothing is taken from them
    when: tuple[str, ...] = ()  # conditions, all of which call for the step
    require: tuple[str, ...] = ()  # conditions without which it must not run
    alone: bool = False  # no other step beside it
    sweep: SweepSpec | None = None
    expect: dict[str, Expect] = {}


class PipelineSpec(BaseModel):
    """A pipeline file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = ""
    include: tuple[str, ...] = ()
    steps: dict[str, StepSpec] = {}


def read_pipeline(project: Project, name: str, _seen: tuple[str, ...] = ()) -> PipelineSpec:
    """A pipeline file with its includes merged in, its own steps first. Raises UnknownName or BadInput."""
    folder = project.root / "pipelines"
    known = {path.stem: path for path in folder.glob("*.toml")}
    if name not in known:
        raise unknown("pipeline", name, known, fix=f"write {folder / f'{name}.toml'}")
    if name in _seen:
        raise BadInput(f"'{name}' includes itself", why=" → ".join((*_seen, name)), fix=f"mend pipelines/{name}.toml")
    spec = read_toml(known[name], PipelineSpec)
    steps: dict[str, StepSpec] = {}
    for other in (spec.steps, *(read_pipeline(project, Path(i).stem, (*_seen, name)).steps for i in spec.include)):
        twice = steps.keys() & other.keys()
        if twice:
            raise BadInput(
                f"the step '{min(twice)}' is there twice", why=f"'{name}' and a file it includes both have it", fix="rename one"
            )
        steps |= other
    if not steps:
        raise BadInput(f"the pipeline '{name}' has no steps", why="nothing to run", fix='add [steps.NAME] template = "…"')
    return spec.model_copy(update={"steps": steps})
