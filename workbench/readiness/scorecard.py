"""From results to pillars and a headline. Pure.

A pillar is the weighted mean of its scored checks, held at 0.49 while one of its blockers must be fixed. The headline is
the worst pillar, not the mean: strength in one does not make up for another (ML Test Score). With less than 70 % of the
applicable weight scored, or a pillar that applies and has no score at all, it says that there is not enough evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from workbench.readiness.curve import level
from workbench.records.scorecard import SCORED, CheckResult, Level, Pillar, PillarScore, Scorecard

CAP = 0.49
MIN_COVERAGE = 0.7


def scorecard(results: Sequence[CheckResult], *, project: str, environment: str, actor: str, created: datetime) -> Scorecard:
    """The scorecard of these results. created: UTC."""
    pillars = tuple(_pillar(pillar, [r for r in results if r.pillar is pillar]) for pillar in Pillar)
    scores = [p.score for p in pillars if p.score is not None]
    covered = coverage(results)
    unknown = covered < MIN_COVERAGE or any(p.level is Level.NOT_ENOUGH for p in pillars)
    return Scorecard(
        project=project,
        environment=environment,
        actor=actor,
        created=created,
        level=Level.NOT_ENOUGH if unknown else level(min(scores)),
        score=min(scores, default=None),
        coverage=covered,
        pillars=pillars,
        results=tuple(results),
    )


def coverage(results: Iterable[CheckResult]) -> float:
    """Weight scored / weight applicable, 0..1; 0 when nothing applies."""
    applicable = [r for r in results if r.level is not Level.NOT_APPLICABLE]
    weight = sum(r.weight for r in applicable)
    return sum(r.weight for r in applicable if r.level in SCORED) / weight if weight else 0.0


def _pillar(pillar: Pillar, results: Sequence[CheckResult]) -> PillarScore:
    applicable = [r for r in results if r.level is not Level.NOT_APPLICABLE]
    scored = [(r.weight, r.score) for r in applicable if r.score is not None]
    if not scored:
        nothing = Level.NOT_ENOUGH if applicable else Level.NOT_APPLICABLE
        return PillarScore(pillar=pillar, level=nothing, score=None, capped=False, scored=0, checks=len(results))
    mean = sum(w * s for w, s in scored) / sum(w for w, _ in scored)
    capped = mean > CAP and any(r.blocks for r in applicable)
    final = CAP if capped else mean
    return PillarScore(pillar=pillar, level=level(final), score=final, capped=capped, scored=len(scored), checks=len(results))
