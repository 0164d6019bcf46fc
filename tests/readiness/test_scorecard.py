from datetime import UTC, datetime

import pytest

from tests.records.test_scorecard import result
from workbench.readiness.scorecard import coverage, scorecard
from workbench.records.scorecard import Level, Pillar

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def scored(score, pillar=Pillar.DATA, *, weight=5.0, blocker=False):
    level = Level.READY if score >= 0.9 else Level.IMPROVE if score >= 0.5 else Level.MUST_FIX
    return result("c", level, score=score, weight=weight, blocker=blocker, pillar=pillar)


def card(*results):
    return scorecard(results, project="shop", environment="laptop", actor="ana", created=NOON)


def pillar(made, which=Pillar.DATA):
    return next(p for p in made.pillars if p.pillar is which)


def test_a_pillar_is_the_weighted_mean_of_its_checks():
    assert pillar(card(scored(1.0, weight=10), scored(0.4, weight=5))).score == pytest.approx(0.8)


def test_a_failed_blocker_holds_its_pillar_below_a_half():
    held = pillar(card(scored(1.0, weight=10), scored(0.0, weight=2.5, blocker=True)))
    assert (held.score, held.level, held.capped) == (0.49, Level.MUST_FIX, True)


def test_a_blocker_that_is_only_to_be_improved_holds_nothing():
    held = pillar(card(scored(1.0, weight=10), scored(0.6, weight=2.5, blocker=True)))
    assert (held.score, held.capped) == (pytest.approx(0.92), False)


def test_a_pillar_below_the_cap_stays_where_it_is():
    held = pillar(card(scored(0.0, blocker=True), scored(0.2)))
    assert (held.score, held.capped) == (pytest.approx(0.1), False)


def test_the_headline_is_the_worst_pillar_and_not_the_mean():
    made = card(scored(1.0), scored(1.0, Pillar.SECURITY), scored(0.6, Pillar.OPERATIONS))
    assert (made.score, made.level) == (0.6, Level.IMPROVE)


def test_what_does_not_apply_counts_for_nothing():
    absent = result("gpu", Level.NOT_APPLICABLE, weight=10, pillar=Pillar.ARCHITECTURE)
    made = card(scored(1.0), absent)
    assert (made.coverage, made.level) == (1.0, Level.READY)
    assert pillar(made, Pillar.ARCHITECTURE).level is Level.NOT_APPLICABLE


def test_below_70_percent_of_the_weight_there_is_not_enough_evidence():
    skipped = result("s", Level.SKIPPED, weight=3.0)
    assert card(scored(1.0, weight=7.0), skipped).level is Level.READY
    made = card(scored(1.0, weight=6.9), skipped)
    assert (made.level, made.score) == (Level.NOT_ENOUGH, 1.0)
    assert made.headline == "not enough evidence: 69 % of the weight could be scored"


def test_a_pillar_without_any_score_leaves_the_worst_one_unknown():
    broken = result("b", Level.ERROR, weight=2.5, pillar=Pillar.SECURITY)
    made = card(scored(1.0, weight=10), broken)
    assert made.coverage == 0.8
    assert pillar(made, Pillar.SECURITY).level is Level.NOT_ENOUGH
    assert made.level is Level.NOT_ENOUGH


def test_no_check_at_all_is_no_evidence():
    made = card()
    assert (coverage(()), made.level, made.score) == (0.0, Level.NOT_ENOUGH, None)
