"""What executes runs: the seam for machines and clusters. Entry point group `workbench.executors`."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from workbench.records.run import State


class RunSpec(BaseModel):
    """A prepared run to execute. Small, so that thousands can be on their way: the run's folder holds the rest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    project: str  # the project's folder, which the executing machine must see too
    run_id: str


class RunRef(BaseModel):
    """What came of it; the record in the run's folder holds the rest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_id: str
    state: State


class Executor(Protocol):
    """Shaped like `concurrent.futures.Executor`. A spec that is delivered twice runs once: `execute` sees to that."""

    def submit(self, spec: RunSpec, /) -> Future[RunRef]:
        """Take a run; the future gives its end. It raises WorkbenchError when the machine failed before the run began."""
        ...

    def cancel(self, run_id: str) -> None:
        """Stop a run that was taken: its record is closed as cancelled."""
        ...

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """End, as `concurrent.futures.Executor.shutdown` does."""
        ...
