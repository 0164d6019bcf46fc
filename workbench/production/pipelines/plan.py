"""The plan of a pipeline: its file, checked whole before the first kernel starts. Names, parameters, references, conditions,
the points of sweeps, and that nothing runs in a circle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Any

from workbench.errors import BadInput, UserError, unknown
from workbench.production.inputs import check_inputs
from workbench.production.notebook import Notebook
from workbench.production.parameters import Parameter
from workbench.production.pipelines.conditions import Comparison, Condition, read_condition
from workbench.production.pipelines.fan_out import Points, read_points
from workbench.production.pipelines.references import Reference, producer_of, read_reference
from workbench.production.pipelines.spec import PipelineSpec, StepSpec, read_pipeline
from workbench.production.sweeps.make import check_points
from workbench.production.templates import load
from workbench.production.validation import validate
from workbench.project import Project


@dataclass(frozen=True)
class PlannedStep:
    """A checked step, ready to run once its inputs are known."""

    name: str
    spec: StepSpec
    notebook: Notebook
    parameters: tuple[Parameter, ...]
    references: Mapping[str, Reference]  # by parameter
    when: tuple[Condition, ...] = ()
    require: tuple[Condition, ...] = ()
    points: Points | None = None  # of a sweep

    @cached_property
    def takes_from(self) -> frozenset[str]:
        """Steps without whose results it cannot be run or judged."""
        asked = (condition.steps for condition in (*self.when, *self.require))
        return frozenset(r.step for r in self.references.values()).union(*asked)

    @cached_property
    def needs(self) -> tuple[str, ...]:
        """Steps that come before it."""
        return tuple(sorted(self.takes_from | set(self.spec.after)))

    def values(self, inputs: Mapping[str, str | list[str]]) -> dict[str, Any]:
        """The step's parameters with its inputs filled in, checked. Not for a sweep, whose points have some of them."""
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
    conditions = {step: (_conditions(step, s.when), _conditions(step, s.require)) for step, s in spec.steps.items()}
    needs: dict[str, set[str]] = {}
    for step, s in spec.steps.items():
        asked = {c.steps for c in (*conditions[step][0], *conditions[step][1])}
        needs[step] = {producer_of(reference) for reference in s.inputs.values()}.union(s.after, *asked)
        for needed in sorted(needs[step]):
            if needed not in spec.steps:
                raise unknown(f"step needed by '{step}'", needed, spec.steps, fix=f"mend pipelines/{name}.toml")
    planned = tuple(_planned(project, spec, step, *conditions[step]) for step in _order(needs, name))
    return Plan(name=name, title=spec.title or name, steps=planned)


def _conditions(step: str, texts: tuple[str, ...]) -> tuple[Condition, ...]:
    try:
        return tuple(read_condition(text) for text in texts)
    except BadInput as error:
        raise _in_step(step, error) from None


def _order(needs: Mapping[str, set[str]], name: str) -> list[str]:
    """needs: by step, in the order of the file."""
    sorter = TopologicalSorter(needs)
    position = {step: i for i, step in enumerate(needs)}
    try:
        sorter.prepare()
    except CycleError as error:
        circle = " → ".join(error.args[1])
        raise BadInput(
            f"the pipeline '{name}' runs in a circle", why=circle, fix="remove one of these inputs or conditions"
        ) from None
    order: list[str] = []
    ready: list[str] = []
    while sorter.is_active():
        ready = sorted([*ready, *sorter.get_ready()], key=position.__getitem__)
        step = ready.pop(0)
        order.append(step)
        sorter.done(step)
    return order


def _planned(
    project: Project, pipeline: PipelineSpec, name: str, when: tuple[Condition, ...], require: tuple[Condition, ...]
) -> PlannedStep:
    spec = pipeline.steps[name]
    _, notebook, parameters = load(project, spec.template)
    references = {parameter: _reference(pipeline, text, parameter, name) for parameter, text in spec.inputs.items()}
    try:
        for condition in (*when, *require):
            _check_sweeps(pipeline, condition)
        points = None if spec.sweep is None else read_points(project, spec.sweep, parameters, spec.template)
        step = PlannedStep(name, spec, notebook, parameters, references, when, require, points)
        _check_values(project, step)
    except UserError as error:
        raise _in_step(name, error) from None
    return step


def _reference(pipeline: PipelineSpec, text: str, parameter: str, step: str) -> Reference:
    producer = pipeline.steps.get(producer_of(text))
    sweep = producer and producer.sweep
    return read_reference(text, parameter, step, swept=bool(sweep), has_goal=bool(sweep and sweep.goal))


def _check_sweeps(pipeline: PipelineSpec, condition: Condition) -> None:
    """Figures of a sweep are those of its best run: there must be one."""
    for name in condition.steps if isinstance(condition, Comparison) else ():
        sweep = pipeline.steps[name].sweep
        if sweep is not None and sweep.goal is None:
            raise BadInput(
                f"the condition '{condition.text}' has no figure to judge",
                why=f"'{name}' is a sweep, and nothing says which of its runs is the best",
                fix=f'add sweep.minimize = "FIGURE" (or maximize) to [steps.{name}]',
            )


def _check_values(project: Project, step: PlannedStep) -> None:
    spec, taken = step.spec, {name: reference.placeholder for name, reference in step.references.items()}
    both = sorted(taken.keys() & spec.parameters.keys())
    if both:
        raise BadInput(f"'{both[0]}' is given twice", why="among parameters and inputs", fix="leave one of them out")
    if step.points is None:
        values = step.values(taken)
        check_inputs(project, (p for p in step.parameters if p.name not in taken), values)
        return
    fixed = {**spec.parameters, **taken}
    both = sorted(set(step.points.design.names) & fixed.keys())
    if both:
        raise BadInput(f"'{both[0]}' is fixed and swept", why="it cannot be both", fix="leave it out of one of them")
    if spec.expect and not (spec.sweep and spec.sweep.goal):
        why = "nothing says which of its runs is the best"
        raise BadInput("it expects figures of a sweep", why=why, fix='add sweep.minimize = "FIGURE" (or maximize)')
    check_points(project, step.parameters, spec.template, fixed, step.points.design, step.points.rows, later=taken)


def _in_step(name: str, error: UserError) -> UserError:
    return type(error)(f"step '{name}': {error.what}", why=error.why, fix=error.fix)
