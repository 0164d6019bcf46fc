"""A finding: one thing that was looked at, and what came of it.

A contract breach, a template lint, a readiness check and a drift alarm all speak it, so there is one renderer, one exit
code and one gate. A thing that could not be checked is a finding too (skipped, inconclusive, error), never a silent gap.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, JsonValue


class Outcome(StrEnum):
    """What came of a check, best first; `SEVERITY` gives the order."""

    PASS = "pass"
    INFO = "info"  # a known fact that a reader should see
    NOT_APPLICABLE = "not_applicable"
    SKIPPED = "skipped"  # a permission or a tool was missing; the message says which
    INCONCLUSIVE = "inconclusive"  # looked at, but the figures do not decide
    WARN = "warn"
    ERROR = "error"  # the check itself broke
    FAIL = "fail"


SEVERITY = {outcome: rank for rank, outcome in enumerate(Outcome)}


class Finding(BaseModel):
    """One check's result. `check` is a stable dotted id; `evidence` holds the figures behind `message`."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)  # most processes use few of the models

    check: str
    outcome: Outcome
    message: str
    fix: str = ""
    evidence: dict[str, JsonValue] = {}


def worst(findings: Iterable[Finding]) -> Outcome:
    """The most severe outcome; PASS for none."""
    return max((f.outcome for f in findings), key=SEVERITY.__getitem__, default=Outcome.PASS)


def blocking(findings: Iterable[Finding], *, fail_on: Outcome = Outcome.FAIL) -> list[Finding]:
    """The findings at least as severe as `fail_on`."""
    return [f for f in findings if SEVERITY[f.outcome] >= SEVERITY[fail_on]]


def exit_code(findings: Iterable[Finding], *, fail_on: Outcome = Outcome.FAIL) -> int:
    """0 when nothing blocks, 1 when a finding does."""
    return 1 if blocking(findings, fail_on=fail_on) else 0


def within(check: str, value: float, low: float, high: float, *, unit: str = "", below: str = "", above: str = "") -> Finding:
    """Is `value` inside [low, high]? Outside it fails, and says what a value there usually means.

    below, above: what it hints at when the value lies below or above ("leak?", "broken join?").
    NaN lies outside every range.
    """
    shown = f"{value:,.6g}{' ' + unit if unit else ''}"
    bounds = f"{low:,.6g} to {high:,.6g}" if low != high else f"{low:,.6g}"
    evidence: dict[str, JsonValue] = {"value": value, "low": low, "high": high}
    if low <= value <= high:
        return Finding(check=check, outcome=Outcome.PASS, message=f"{shown}, expected {bounds}", evidence=evidence)
    hint = below if value < low else above
    message = f"{shown}, expected {bounds}" + (f": {hint}" if hint else "")
    return Finding(
        check=check,
        outcome=Outcome.FAIL,
        message=message,
        fix="find out what changed before you trust or publish this figure",
        evidence=evidence,
    )
