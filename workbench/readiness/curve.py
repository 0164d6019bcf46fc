"""The one curve that turns a measured value into a score, and the scores of steps.

Its two control points are the bounds themselves: at the ready bound the score is 0.9, at the must-fix bound 0.5. So the
bounds need no second table that could disagree.
"""

from __future__ import annotations

import math
from statistics import NormalDist

from pydantic import BaseModel, ConfigDict, model_validator

from workbench.records.scorecard import Level

READY, IMPROVE = 0.9, 0.5
STEPS = {Level.READY: 1.0, Level.IMPROVE: 0.5, Level.MUST_FIX: 0.0}  # for yes/no and for counts; half credit, ML Test Score

_NORMAL = NormalDist()
_Z90 = _NORMAL.inv_cdf(0.9)  # 1.2816
_BELOW_READY = math.nextafter(READY, 0)
_BELOW_IMPROVE = math.nextafter(IMPROVE, 0)


def score(value: float, *, ready: float, must_fix: float) -> float:
    """Score of a measured value, 0..1: 0.9 at `ready`, 0.5 at `must_fix`, never rising as the value gets worse.

    score = Phi(1.2816 * ln(must_fix / value) / ln(must_fix / ready)), Phi the normal distribution function.
    ready < must_fix: lower is better (a latency). ready > must_fix: higher is better (free space); the reciprocals of all
    three give the same quotient, so the one formula serves both. A value <= 0 is the best or the worst there is.
    Raises ValueError for NaN, bounds that are not positive and finite, or equal bounds.
    Source: Lighthouse, shared/statistics.js, getLogNormalScore (p10 = ready, median = must_fix), with its clamps: rounding
    never moves a value over a bound. Example, fdatasync with 10 and 20 ms: 10, 15, 20, 40 ms score .90, .70, .50, .10.
    """
    if not (0 < ready < math.inf and 0 < must_fix < math.inf) or ready == must_fix:
        raise ValueError(f"bounds must be positive, finite and different: ready {ready}, must fix {must_fix}")
    if math.isnan(value):
        raise ValueError("NaN has no score")
    lower_is_better = ready < must_fix
    if value <= 0 or value == math.inf:
        return 1.0 if (value <= 0) == lower_is_better else 0.0
    at_ready = value <= ready if lower_is_better else value >= ready
    at_must_fix = value <= must_fix if lower_is_better else value >= must_fix
    # differences of logarithms, because a quotient of extreme values would leave the range of a float
    span = math.log(must_fix) - math.log(ready)
    if span == 0:  # bounds so close that their logarithms are equal: between them the curve is a step
        return READY if at_ready else IMPROVE if at_must_fix else 0.0
    exact = _NORMAL.cdf(_Z90 * (math.log(must_fix) - math.log(value)) / span)
    if at_ready:
        return max(READY, exact)
    return min(_BELOW_READY, max(IMPROVE, exact)) if at_must_fix else min(_BELOW_IMPROVE, exact)


def level(score: float) -> Level:
    """The band of a score, 0..1."""
    return Level.READY if score >= READY else Level.IMPROVE if score >= IMPROVE else Level.MUST_FIX


class Bounds(BaseModel):
    """The two control points of a check, in `unit`; `ready` must be better than `must_fix`, and their order says which way."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ready: float
    must_fix: float
    unit: str = ""

    @model_validator(mode="after")
    def _usable(self) -> Bounds:
        score(self.ready, ready=self.ready, must_fix=self.must_fix)
        return self

    def score(self, value: float) -> float:
        return score(value, ready=self.ready, must_fix=self.must_fix)
