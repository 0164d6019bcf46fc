"""A pipeline as a person writes it: steps are templates with parameters, outputs of one are inputs of another.

    title = "Weekly demand"
    include = ["other.toml"]          # its steps join these

    [steps.features]
    template = "features"
    parameters = { query = "features/weekly_demand.sql" }

    [steps.train]
    template = "train"
    inputs = { dataset = "features.table" }     # parameter = "step.artifact"
    parameters = { target = "units" }
    expect.test_wape = { min = 44.8, max = 46.8, below = "leak?", above = "broken promotion join?" }

The whole file is checked before the first kernel starts: names, parameters, references, cycles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, JsonValue

from workbench.errors import BadInput, UserError, unknown
from workbench.production.inputs import check_inputs
from workbench.production.notebook import Notebook
from workbench.production.parameters import Parameter
from workbench.production.templates import load
from workbench.production.validation import validate
from workbench.project import Project, read_toml


class Expect(BaseModel):
    """The range in which a step's figure must lie, and what it usually means when it does not."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min: float
    max: float
    below: str = ""
    above: str = ""


class StepSpec(BaseModel):
    """One step: a template, its parameters, and which of them come from earlier steps."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    template: str
    title: str = ""
    parameters: dict[str, JsonValue] = {}
    inputs: dict[str, str] = {}
    after: tuple[str, ...] = ()  # steps that must be done before, though nothing is taken from them
    expect: dict[str, Expect] = {}

    @property
    def needs(self) -> set[str]:
        return {reference.partition(".")[0] for reference in self.inputs.values()} | set(self.after)


class PipelineSpec(BaseModel):
    """A pipeline file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = ""
    include: tuple[str, ...] = ()
    steps: dict[str, StepSpec] = {}


@dataclass(frozen=True)
class PlannedStep:
    """A checked step, ready to run once its inputs are known."""

    name: str
    spec: StepSpec
    notebook: Notebook
    parameters: tuple[Parameter, ...]

    def values(self, inputs: Mapping[str, str]) -> dict[str, Any]:
        """The step's parameters with its inputs filled in, checked."""
        return validate(self.parameters, {**self.spec.parameters, **inputs}, self.spec.template)


@dataclass(frozen=True)
class Plan:
    """The steps of a pipeline in an order that respects their dependence, else the order of the file."""

    name: str
    title: str
    steps: tuple[PlannedStep, ...]


def plan(project: Project, name: str) -> Plan:
    """Read and check a pipeline. Raises UnknownName or BadInput for whatever cannot run."""
    spec = read_pipeline(project, name)
    for step_name, step in spec.steps.items():
        for needed in sorted(step.needs):
            if needed not in spec.steps:
                raise unknown(f"step needed by '{step_name}'", needed, spec.steps, fix=f"mend pipelines/{name}.toml")
    planned = tuple(_planned(project, s, spec.steps[s]) for s in _order(spec, name))
    return Plan(name=name, title=spec.title or name, steps=planned)


def read_pipeline(project: Project, name: str, _seen: tuple[str, ...] = ()) -> PipelineSpec:
    """A pipeline file with its includes merged in, its own steps first."""
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


def _order(spec: PipelineSpec, name: str) -> list[str]:
    sorter = TopologicalSorter({step: spec.steps[step].needs for step in spec.steps})
    position = {step: i for i, step in enumerate(spec.steps)}
    try:
        sorter.prepare()
    except CycleError as error:
        raise BadInput(
            f"the pipeline '{name}' runs in a circle", why=" → ".join(error.args[1]), fix="remove one of these inputs"
        ) from None
    order: list[str] = []
    ready: list[str] = []
    while sorter.is_active():
        ready = sorted([*ready, *sorter.get_ready()], key=position.__getitem__)
        step = ready.pop(0)
        order.append(step)
        sorter.done(step)
    return order


def _planned(project: Project, name: str, spec: StepSpec) -> PlannedStep:
    _, notebook, parameters = load(project, spec.template)
    step = PlannedStep(name=name, spec=spec, notebook=notebook, parameters=parameters)
    for parameter, reference in spec.inputs.items():
        if not all(reference.partition(".")):
            raise BadInput(
                f"the input '{parameter}' of step '{name}' cannot be read", why=f"'{reference}'", fix='write "step.artifact"'
            )
    try:
        values = step.values(spec.inputs)
        check_inputs(project, (p for p in parameters if p.name not in spec.inputs), values)
    except UserError as error:
        raise type(error)(f"step '{name}': {error.what}", why=error.why, fix=error.fix) from None
    return step
