"""What a readiness check is: the plug-in group `workbench.checks`.

An entry point names a tuple of checks, so one module declares all of its own in one line:

    [project.entry-points."workbench.checks"]
    compute = "workbench.readiness.checks.compute:CHECKS"
"""

from __future__ import annotations

from typing import ClassVar, Protocol, Self, runtime_checkable

from pydantic import BaseModel, ConfigDict, FiniteFloat, JsonValue, model_validator

from workbench.project import Project
from workbench.readiness.curve import Bounds
from workbench.records.scorecard import HOUSE, Level, Pillar

GROUP = "workbench.checks"

CRITICAL, HIGH, MEDIUM, LOW = 10.0, 7.5, 5.0, 2.5  # OpenSSF Scorecard's four weights


class Measurement(BaseModel):
    """What a check saw: a `value` for its curve, or a `level` that it decided itself.

    value: in the unit of the check's bounds. With a level it is only shown.
    reason: one sentence with the figures, and what was missing when nothing could be measured.
    fix: what to do when it is not ready; one line, a command where there is one.
    evidence: the figures behind the sentence; never a secret, never a row of data.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str
    level: Level | None = None
    value: FiniteFloat | None = None
    fix: str = ""
    evidence: dict[str, JsonValue] = {}

    @model_validator(mode="after")
    def _decides(self) -> Self:
        if self.level is None and self.value is None:
            raise ValueError("a measurement needs a value or a level")
        return self


@runtime_checkable
class Check(Protocol):
    """One question to the machine or the project, answered in less than 2 seconds (after 5 it is given up).

    `run` raises whatever it likes: it becomes a result of level "error". It must not change anything except what `writes`
    declares, and takes that away again. No network, no heavy library, nothing at import.
    """

    id: ClassVar[str]  # dotted and stable: "storage.fsync"
    title: ClassVar[str]  # what is asked, a few words
    pillar: ClassVar[Pillar]
    category: ClassVar[str]  # compute, storage, network, data management, security, skills
    weight: ClassVar[float]
    blocker: ClassVar[bool] = False  # must fix here caps the pillar at 0.49 and fails the assessment
    bounds: ClassVar[Bounds | None] = None  # None: `run` decides the level itself
    source: ClassVar[str] = HOUSE  # where the threshold comes from
    writes: ClassVar[str] = ""  # what it writes and removes again; empty: it only reads

    def run(self, project: Project) -> Measurement: ...
