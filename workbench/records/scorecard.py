"""A readiness scorecard: what each check saw on one machine, what it is worth, and what to mend first.

Written by `readiness.assess`; other nouns may gate on the newest one. How the scores come about: `readiness/scorecard.py`.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, JsonValue

from workbench.findings import Finding, Outcome
from workbench.records.base import Record
from workbench.records.view import View

HOUSE = "house default"  # a threshold that no outside source backs

LIMITS = (
    "It describes one node: the machine that this kernel runs on. A laptop's score says nothing about the cluster; run "
    "the template `assess` where production runs.",
    "Idle is not contended, a virtual disk may cache below fdatasync, and one reading is not a trend.",
    "Searches miss things: no hit means none found by these patterns in the files that were read.",
    "It is not an audit and no certification.",
)


class Pillar(StrEnum):
    """What a check is about; the worst one is the headline."""

    ARCHITECTURE = "Architecture"
    DATA = "Data"
    SECURITY = "Security"
    OPERATIONS = "Operations"


class Level(StrEnum):
    """Where a check or a pillar stands. Only the first three carry a score."""

    READY = "ready"  # score >= 0.9
    IMPROVE = "improve"  # score >= 0.5
    MUST_FIX = "must fix"
    INCONCLUSIVE = "inconclusive"  # looked at, but it does not decide
    NOT_APPLICABLE = "not applicable"  # there is nothing here that it could be about
    SKIPPED = "skipped"  # a tool or a permission was missing
    ERROR = "error"  # the check itself broke, or did not answer in time
    NOT_ENOUGH = "not enough evidence"  # of a pillar or the headline: too little was scored


SCORED = frozenset({Level.READY, Level.IMPROVE, Level.MUST_FIX})

_OUTCOMES = {
    Level.READY: Outcome.PASS,
    Level.IMPROVE: Outcome.WARN,
    Level.MUST_FIX: Outcome.WARN,  # of a blocker: FAIL
    Level.INCONCLUSIVE: Outcome.INCONCLUSIVE,
    Level.NOT_APPLICABLE: Outcome.NOT_APPLICABLE,
    Level.SKIPPED: Outcome.SKIPPED,
    Level.ERROR: Outcome.ERROR,
}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CheckResult(_Part):
    """What one check saw. `score` is None unless `level` is one that carries a score.

    ready, must_fix: the bounds of its curve in `unit`; None for a check that decides in steps.
    source: where the bounds come from. reason: one sentence with the figures. remedy: what to do next.
    """

    check: str
    title: str
    pillar: Pillar
    category: str
    weight: float
    blocker: bool
    level: Level
    score: float | None
    value: float | None
    unit: str = ""
    ready: float | None = None
    must_fix: float | None = None
    source: str
    reason: str
    remedy: str
    duration_s: float
    evidence: dict[str, JsonValue] = {}

    @property
    def blocks(self) -> bool:
        """It alone keeps its pillar from 0.5."""
        return self.blocker and self.level is Level.MUST_FIX

    def shown(self) -> str:
        """The measured value as a person reads it; empty for a bare count, which the reason tells better."""
        return "" if self.value is None or not self.unit else f"{self.value:,.3g} {self.unit}"

    def row(self) -> tuple[str, ...]:
        return self.title, self.level.value, "" if self.score is None else str(hundred(self.score)), self.shown()

    def bounds(self) -> str:
        """`ready at 10, must fix beyond 20 ms`; empty for a check that decides in steps."""
        if self.ready is None or self.must_fix is None:
            return ""
        beyond = "beyond" if self.ready < self.must_fix else "below"
        return f"ready at {self.ready:g}, must fix {beyond} {self.must_fix:g} {self.unit}".strip()

    def finding(self) -> Finding:
        """In the words that all nouns share. Only a blocker fails: the rest warns, so a fresh project exits with 0."""
        figures: dict[str, JsonValue] = {"value": self.value, "ready": self.ready, "must_fix": self.must_fix}
        return Finding(
            check=f"readiness.{self.check}",
            outcome=Outcome.FAIL if self.blocks else _OUTCOMES[self.level],
            message=f"{self.title}: {self.reason}",
            fix=self.remedy,
            evidence={"score": self.score, "source": self.source, **figures, **self.evidence},
        )


class PillarScore(_Part):
    """One pillar. capped: a failed blocker holds it below 0.5, whatever the rest."""

    pillar: Pillar
    level: Level
    score: float | None
    capped: bool
    scored: int
    checks: int


class Scorecard(Record):
    """The assessment of one project on one machine at one time."""

    kind: ClassVar[str] = "scorecard"

    project: str
    environment: str  # the label that a person gives the machine: "laptop", "hub pod", "scheduler worker"
    actor: str
    created: datetime
    level: Level
    score: float | None  # the worst pillar's, 0..1
    coverage: float  # weight scored / weight applicable, 0..1
    pillars: tuple[PillarScore, ...]
    results: tuple[CheckResult, ...]

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(result.finding() for result in self.results)

    @property
    def headline(self) -> str:
        """`must fix: 31 of 100`, or that there is too little evidence."""
        if self.level is Level.NOT_ENOUGH or self.score is None:
            return f"{Level.NOT_ENOUGH}: {percent(self.coverage)} of the weight could be scored"
        return f"{self.level}: {hundred(self.score)} of 100"

    def worst_first(self) -> tuple[CheckResult, ...]:
        """What to mend, in this order: failed blockers, then by the weight still to be gained."""
        open_ = [r for r in self.results if r.level in (Level.IMPROVE, Level.MUST_FIX)]
        return tuple(sorted(open_, key=lambda r: (not r.blocks, -r.weight * (1 - (r.score or 0)))))

    def view(self) -> View:
        return View(
            title=f"readiness of {self.project}: {self.headline}",
            facts=(
                ("environment", self.environment),
                *((p.pillar.value, pillar_line(p)) for p in self.pillars),
                ("coverage", f"{percent(self.coverage)} of the weight that applies"),
            ),
            columns=("check", "level", "score", "value"),  # what was seen stands in the findings: a terminal is narrow
            rows=tuple(r.row() for pillar in Pillar for r in self.results if r.pillar is pillar),
            findings=self.findings,
            text="\n".join(LIMITS),
            next=("workbench production run assess",),  # the same as a page, where production runs
        )


def hundred(score: float) -> int:
    """0..1 as 0..100, rounded down: 89.9 must not read as the 90 that is ready."""
    return int(score * 100 + 1e-9)


def percent(share: float) -> str:
    return f"{hundred(share)} %"


def pillar_line(pillar: PillarScore) -> str:
    """`must fix, 49 of 100, held down by a blocker (5 of 6 checks)`."""
    number = "" if pillar.score is None else f", {hundred(pillar.score)} of 100"
    capped = ", held down by a blocker" if pillar.capped else ""
    return f"{pillar.level}{number}{capped} ({pillar.scored} of {pillar.checks} checks)"
