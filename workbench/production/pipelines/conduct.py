"""Conducts a pipeline: each step starts as soon as the steps that it needs are done, beside others, and at most so many runs
go on at once. Of those that could start, the first in the plan's order does.

When a step fails, no further one starts, and those on their way may end; a sweep's own runs likewise. One thread conducts; it
alone changes the record, which is written after every change.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError
from workbench.production import cache
from workbench.production.interface import Executor, RunSpec
from workbench.production.launch import Asked, closed, prepare
from workbench.production.pipelines.endings import Ending, of_run, of_sweep
from workbench.production.pipelines.gates import judge
from workbench.production.pipelines.plan import Plan, PlannedStep
from workbench.production.sweeps.drive import Driver
from workbench.production.sweeps.make import make_sweep, work_off
from workbench.project import Project
from workbench.records.pipeline import PipelineRecord, Step
from workbench.records.run import Failure, State


@dataclass
class Flight:
    """A step on its way."""

    step: PlannedStep
    driver: Driver | None = None  # of a sweep
    began_s: float = field(default_factory=time.monotonic)

    @property
    def slots(self) -> int:
        """How many runs it may have on their way."""
        return self.driver.workers if self.driver else 1


class Conductor:
    """Conducts one pipeline run.

    path: where its record is written. workers: runs at once, which the executor must be able to take.
    fresh: no earlier results.
    """

    def __init__(
        self,
        project: Project,
        planned: Plan,
        record: PipelineRecord,
        path: Path,
        executor: Executor,
        *,
        workers: int,
        fresh: bool = False,
    ) -> None:
        self.project, self.planned, self.record, self.path = project, planned, record, path
        self.executor, self.workers, self.fresh = executor, workers, fresh
        self.steps = {step.name: step for step in record.steps}
        self.threads = ThreadPoolExecutor(max(1, sum(s.points is not None for s in planned.steps)), thread_name_prefix="sweep")
        self.flying: dict[Future[Any], Flight] = {}
        self.state = State.DONE  # of the pipeline, once all has landed
        self.broke: WorkbenchError | None = None

    def conduct(self) -> None:
        """Run all that can be run; `record` and `state` tell the rest.

        Raises the WorkbenchError that kept a step from running, after the others have ended; KeyboardInterrupt after they
        were stopped.
        """
        try:
            self._start()
            while self.flying:
                for future in wait(self.flying, return_when=FIRST_COMPLETED).done:
                    self._landed(future)
                self._start()
        except BaseException:
            self._stop()
            raise
        finally:
            self.threads.shutdown()
        if self.broke is not None:
            raise self.broke

    # -- starting ------------------------------------------------------------------------------------------------------

    @property
    def free(self) -> int:
        return self.workers - sum(flight.slots for flight in self.flying.values())

    def _start(self) -> None:
        """Start what can start, in order; a step that wants to be alone holds back those behind it until it had its turn."""
        for step in self.planned.steps:
            if self.state is not State.DONE or self.free < 1 or any(f.step.spec.alone for f in self.flying.values()):
                return
            mine = self.steps[step.name]
            if mine.state is not State.QUEUED or mine.skipped or not self._may_judge(step):
                continue
            if step.spec.alone and self.flying:
                return
            try:
                self._begin(step)
            except WorkbenchError as error:
                self._broke(step, error)
        self._spread()

    def _may_judge(self, step: PlannedStep) -> bool:
        return all(self.steps[need].state is State.DONE or self.steps[need].skipped for need in step.needs)

    def _spread(self) -> None:
        """Slots that nobody else could use go to the sweeps; they keep them."""
        for driver in [flight.driver for flight in self.flying.values() if flight.driver]:
            driver.workers += max(0, min(self.free, driver.spec.design.count - driver.workers))

    def _begin(self, step: PlannedStep) -> None:
        """Skip it, take over an earlier result, or start it. Raises WorkbenchError when none of these is possible."""
        opening = judge(self.project, step, self.steps)
        if opening.findings or opening.skipped:
            self._set(step, findings=opening.findings, skipped=opening.skipped, reason=opening.reason)
        if opening.skipped:
            self._tell(step, "skipped", reason=opening.reason)
            return
        inputs = {p: reference.find(self.project, self.steps[reference.step]) for p, reference in step.references.items()}
        if step.points is not None:
            self._begin_sweep(step, inputs)
            return
        values = step.values(inputs)
        earlier = None if self.fresh else cache.find(self.project, step.notebook, values)
        if earlier is not None:
            self.project.audit.append("run.cached", run=earlier.run_id, template=earlier.template)
            self._end(step, of_run(earlier, reused=True))
            return
        folder = prepare(self.project, step.spec.template, step.notebook, values, asked=Asked(fresh=self.fresh))
        self._set(step, state=State.RUNNING, run_id=folder.name)
        self._tell(step, "running", run=folder.name)
        future = self.executor.submit(RunSpec(project=str(self.project.root), run_id=folder.name))
        self.flying[future] = Flight(step)

    def _begin_sweep(self, step: PlannedStep, inputs: Mapping[str, str | list[str]]) -> None:
        spec = step.spec.sweep
        assert spec is not None
        assert step.points is not None
        folder = make_sweep(
            self.project,
            step.spec.template,
            step.notebook,
            step.points.design,
            step.points.rows,
            parameters={**step.spec.parameters, **inputs},
            workers=self.workers,
            retries=spec.retries,
            fresh=self.fresh,
            goal=spec.goal,
        )
        driver = Driver(self.project, folder, self.executor, workers=1)
        self._set(step, state=State.RUNNING, sweep=folder.path.name)
        self._tell(step, "running", sweep=folder.path.name)
        future = self.threads.submit(work_off, self.project, driver, "sweep.start")
        self.flying[future] = Flight(step, driver)

    # -- ending --------------------------------------------------------------------------------------------------------

    def _landed(self, future: Future[Any]) -> None:
        flight = self.flying.pop(future)
        step = flight.step
        try:
            result = future.result()
            if flight.driver is None:
                ending = of_run(closed(self.project.runs / self.steps[step.name].run_id))
            else:
                ending = of_sweep(self.project, step, result, time.monotonic() - flight.began_s)
            self._end(step, ending)
        except WorkbenchError as error:
            self._broke(step, error)

    def _end(self, step: PlannedStep, ending: Ending) -> None:
        self._note(ending.close(step, self.steps[step.name]))
        self._tell(step, "reused" if ending.reused else ending.state.value)
        if ending.state is not State.DONE:
            self._fail(ending.state, ending.failure)

    def _fail(self, state: State, failure: Failure | None) -> None:
        """The first failure is the pipeline's. Sweeps on their way start no further runs."""
        if self.state is State.DONE:
            self.state = state
            self.record = self.record.model_copy(update={"failure": failure})
        for flight in self.flying.values():
            if flight.driver is not None:
                flight.driver.stop(at_once=False)

    def _broke(self, step: PlannedStep, error: WorkbenchError) -> None:
        """A step that could not be run: that is told once the others have ended."""
        self.broke = self.broke or error
        self._fail(State.FAILED, None)
        self._set(step, state=State.FAILED)

    def _stop(self) -> None:
        """Stop what is on its way, and wait for it."""
        self._fail(State.CANCELLED, None)
        for step in self.steps.values():
            if step.state is State.RUNNING and step.run_id:
                self.executor.cancel(step.run_id)
        for flight in self.flying.values():
            if flight.driver is not None:
                flight.driver.stop(at_once=True)
        for future in list(self.flying):
            wait([future])
            with contextlib.suppress(WorkbenchError):  # what stopped us is what to tell
                self._landed(future)

    def _set(self, step: PlannedStep, **changes: Any) -> None:
        self._note(self.steps[step.name].model_copy(update=changes))

    def _note(self, step: Step) -> None:
        self.steps[step.name] = step
        self.record = self.record.model_copy(update={"steps": tuple(self.steps.values())})
        self.record.write(self.path)

    def _tell(self, step: PlannedStep, state: str, **facts: str) -> None:
        self.project.listener({"event": "step", "step": step.name, "state": state, **facts})
