"""One sentence from both sides of monitoring: inputs that moved, and errors that grew."""

from __future__ import annotations

from typing import ClassVar

from workbench.findings import Finding, Outcome, worst
from workbench.monitoring.inputs import DriftReport
from workbench.monitoring.outcomes import PerformanceReport
from workbench.records.base import Record
from workbench.records.view import View

# (inputs moved, errors grew; None = no actuals yet) -> what it means and what to do
_MEANING: dict[tuple[bool, bool | None], str] = {
    (False, False): "inputs and errors are as they were: nothing to do",
    (False, True): "worse although no input moved: look for a join or plan shifted in time, or a changed market",
    (True, False): "inputs moved and the model still holds: find out why before it stops holding",
    (True, True): "inputs moved and the model got worse: mend or retrain, the farthest moved column first",
    (False, None): "no input moved; how good the model is will be known when the actual values arrive",
    (True, None): "inputs moved; whether the model suffers will be known when the actual values arrive",
}


class MonitoringReport(Record):
    """Drift and performance of one model over the same time, under one headline."""

    kind: ClassVar[str] = "monitoring_report"

    headline: str
    drift: DriftReport
    performance: PerformanceReport | None

    @property
    def findings(self) -> tuple[Finding, ...]:
        return self.drift.findings + (self.performance.findings if self.performance else ())

    @property
    def outcome(self) -> Outcome:
        return worst(self.findings)

    def view(self) -> View:
        moved = ", ".join(self.drift.moved) or "none"
        return View(title=self.headline, facts=(("inputs that moved", moved),), findings=self.findings)


def combined(drift: DriftReport, performance: PerformanceReport | None = None) -> MonitoringReport:
    """Both reports under one headline. performance: None while no actual values are known."""
    moved = drift.outcome in (Outcome.WARN, Outcome.ERROR, Outcome.FAIL)
    worse = None if performance is None else performance.outcome in (Outcome.ERROR, Outcome.FAIL)
    return MonitoringReport(headline=_MEANING[moved, worse], drift=drift, performance=performance)
