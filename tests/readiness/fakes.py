"""Checks that answer what a test tells them."""

import time
from typing import ClassVar

from workbench.project import Project
from workbench.readiness.curve import Bounds
from workbench.readiness.interface import MEDIUM, Check, Measurement
from workbench.records.scorecard import Pillar


class Answers(Check):
    """Hands back a measurement, or raises it."""

    id: ClassVar[str] = "fake.answers"
    title: ClassVar[str] = "what it was told"
    pillar: ClassVar[Pillar] = Pillar.DATA
    category: ClassVar[str] = "storage"
    weight: ClassVar[float] = MEDIUM
    bounds: ClassVar[Bounds | None] = Bounds(ready=10, must_fix=20, unit="ms")

    def __init__(self, answer: Measurement | Exception) -> None:
        self.answer = answer

    def run(self, project: Project) -> Measurement:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Hangs(Answers):
    """Answers after a minute."""

    def __init__(self) -> None:
        super().__init__(Measurement(value=1, reason="too late"))

    def run(self, project: Project) -> Measurement:
        time.sleep(60)
        return super().run(project)
