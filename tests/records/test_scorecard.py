from datetime import UTC, datetime

import pytest

from workbench.errors import BadInput
from workbench.findings import Outcome, exit_code
from workbench.records.scorecard import LIMITS, CheckResult, Level, Pillar, PillarScore, Scorecard, hundred

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def result(name="c", level=Level.READY, *, score=None, blocker=False, weight=5.0, **changes):
    fields = {
        "check": name, "title": name, "pillar": Pillar.DATA, "category": "storage", "weight": weight, "blocker": blocker,
        "level": level, "score": score, "value": None, "source": "house default", "reason": "seen", "remedy": f"mend {name}",
        "duration_s": 0.1,
    }  # fmt: skip
    return CheckResult(**{**fields, **changes})


def card(*results, level=Level.READY, score=0.95, coverage=1.0):
    pillar = PillarScore(pillar=Pillar.DATA, level=level, score=score, capped=False, scored=len(results), checks=len(results))
    return Scorecard(
        project="shop", environment="laptop", actor="ana", created=NOON, level=level, score=score, coverage=coverage,
        pillars=(pillar,), results=results,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("level", "blocker", "outcome"),
    [
        (Level.READY, True, Outcome.PASS),
        (Level.IMPROVE, True, Outcome.WARN),
        (Level.MUST_FIX, True, Outcome.FAIL),
        (Level.MUST_FIX, False, Outcome.WARN),
        (Level.ERROR, True, Outcome.ERROR),
        (Level.SKIPPED, True, Outcome.SKIPPED),
        (Level.INCONCLUSIVE, False, Outcome.INCONCLUSIVE),
        (Level.NOT_APPLICABLE, False, Outcome.NOT_APPLICABLE),
    ],
)
def test_only_a_blocker_that_must_be_fixed_fails(level, blocker, outcome):
    finding = result(level=level, blocker=blocker).finding()
    assert (finding.check, finding.outcome, finding.message) == ("readiness.c", outcome, "c: seen")
    assert exit_code([finding]) == (outcome is Outcome.FAIL)


def test_it_reads_back_as_it_was_written(tmp_path):
    written = card(result(score=0.9, value=10.0, ready=10, must_fix=20, unit="ms", evidence={"writes": 100}))
    written.write(tmp_path / "card.json")
    assert Scorecard.load(tmp_path / "card.json") == written


def test_a_card_of_a_newer_workbench_is_refused(tmp_path):
    raw = card().dump().replace(b'"version": 1', b'"version": 2')
    with pytest.raises(BadInput, match="was written by a newer workbench"):
        Scorecard.parse(raw, source="card.json")


def test_failed_blockers_come_first_and_then_what_weighs_most():
    light = result("light", Level.MUST_FIX, score=0.0, weight=2.5)
    heavy = result("heavy", Level.IMPROVE, score=0.5, weight=10)
    blocker = result("blocker", Level.MUST_FIX, score=0.0, weight=1, blocker=True)
    fine = result("fine", Level.READY, score=1.0, weight=10)
    ordered = card(light, fine, heavy, blocker).worst_first()
    assert [r.check for r in ordered] == ["blocker", "heavy", "light"]


def test_too_little_evidence_is_said_instead_of_a_number():
    assert (
        card(level=Level.NOT_ENOUGH, score=0.95, coverage=0.6).headline
        == "not enough evidence: 60 % of the weight could be scored"
    )
    assert card(level=Level.MUST_FIX, score=0.31).headline == "must fix: 31 of 100"


@pytest.mark.parametrize(("score", "shown"), [(0.8999, 89), (0.9, 90), (0.29, 29), (0.4999999, 49), (1.0, 100), (0.0, 0)])
def test_a_score_is_never_rounded_up_over_a_bound(score, shown):
    assert hundred(score) == shown


def test_the_limits_are_part_of_what_every_face_shows():
    view = card(result(value=7.5, unit="ms", score=0.95)).view()
    assert view.text == "\n".join(LIMITS)
    assert view.title == "readiness of shop: ready: 95 of 100"
    assert view.rows == (("c", "ready", "95", "7.5 ms"),)
    assert ("environment", "laptop") in view.facts


def test_bounds_say_which_way_is_better():
    assert result(ready=10, must_fix=20, unit="ms").bounds() == "ready at 10, must fix beyond 20 ms"
    assert result(ready=15, must_fix=10, unit="% free").bounds() == "ready at 15, must fix below 10 % free"
    assert result().bounds() == ""
