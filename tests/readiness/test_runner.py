import math
from textwrap import dedent

import pytest
from pydantic import ValidationError

from tests.readiness.fakes import Answers, Hangs
from workbench.readiness.interface import Measurement
from workbench.readiness.runner import installed, measure
from workbench.records.scorecard import Level


def test_a_value_is_scored_by_the_curve_of_its_check(project):
    result = measure(project, Answers(Measurement(value=15, reason="15 ms", fix="a faster disk")))
    assert result.level is Level.IMPROVE
    assert result.score == pytest.approx(0.70, abs=0.005)
    assert (result.value, result.unit, result.ready, result.must_fix) == (15, "ms", 10, 20)
    assert result.remedy == "a faster disk"


@pytest.mark.parametrize(("level", "score"), [(Level.READY, 1.0), (Level.IMPROVE, 0.5), (Level.MUST_FIX, 0.0)])
def test_a_step_has_its_own_score(project, level, score):
    assert measure(project, Answers(Measurement(level=level, reason="seen"))).score == score


@pytest.mark.parametrize("level", [Level.NOT_APPLICABLE, Level.SKIPPED, Level.INCONCLUSIVE, Level.ERROR])
def test_what_was_not_measured_has_no_score(project, level):
    result = measure(project, Answers(Measurement(level=level, reason="no tool")))
    assert (result.level, result.score, result.reason) == (level, None, "no tool")


def test_what_is_ready_needs_no_remedy(project):
    assert measure(project, Answers(Measurement(value=1, reason="fast", fix="a faster disk"))).remedy == ""


def test_a_check_that_breaks_is_a_result(project):
    result = measure(project, Answers(RuntimeError("no such thing")))
    assert (result.level, result.score) == (Level.ERROR, None)
    assert result.reason == "the check broke: RuntimeError: no such thing"


def test_a_check_that_hangs_is_left_behind_and_says_so(project):
    result = measure(project, Hangs(), limit_s=0.05)
    assert (result.level, result.reason) == (Level.ERROR, "it did not answer within 0.05 s and was left behind")
    assert result.duration_s < 5


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_measurement_is_a_finite_number_or_a_level(value):
    with pytest.raises(ValidationError):
        Measurement(value=value, reason="seen")
    with pytest.raises(ValidationError, match="needs a value or a level"):
        Measurement(reason="seen")


def distribution(folder, module, entry):
    """A distribution that declares one plug-in, as pip would have installed it into `folder`."""
    about = folder / f"{module}-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[workbench.checks]\n{module} = {module}:{entry}\n")


def test_the_checks_of_another_distribution_are_found(tmp_path, monkeypatch):
    distribution(tmp_path, "acme_checks", "CHECKS")
    source = """
        from tests.readiness.fakes import Answers
        from workbench.readiness.interface import Measurement

        class Mine(Answers):
            id = "acme.mine"

        CHECKS = (Mine(Measurement(value=1, reason="fine")),)
    """
    (tmp_path / "acme_checks.py").write_text(dedent(source))
    monkeypatch.syspath_prepend(str(tmp_path))
    checks, _ = installed()
    assert "acme.mine" in [check.id for check in checks]


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import no_such_package_xyz", "No module named 'no_such_package_xyz'"),
        ("CHECKS = (1,)", "1 lacks a part of the Check protocol"),
    ],
)
def test_a_plug_in_that_cannot_be_used_is_a_result(tmp_path, monkeypatch, source, why):
    name = f"broken_checks_{abs(hash(source))}"
    distribution(tmp_path, name, "CHECKS")
    (tmp_path / f"{name}.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    _, broken = installed()
    (result,) = [r for r in broken if r.check == f"plugin.{name}"]
    assert result.level is Level.ERROR
    assert why in result.reason
