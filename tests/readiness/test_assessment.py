import json

import pytest

from workbench.errors import BadInput
from workbench.findings import exit_code
from workbench.readiness import assess
from workbench.readiness.checks import compute, environment, governance, gpu, jupyter, repository, secrets, storage
from workbench.readiness.checks.jupyter import JupyterExposure
from workbench.readiness.interface import CRITICAL, HIGH, LOW, MEDIUM
from workbench.readiness.runner import measure
from workbench.readiness.scorecard import scorecard
from workbench.records.scorecard import Level, Pillar, Scorecard

MODULES = (compute, environment, governance, gpu, jupyter, repository, secrets, storage)
OURS = [check for module in MODULES for check in module.CHECKS]


@pytest.mark.parametrize("check", OURS, ids=lambda check: check.id)
def test_each_of_our_checks_answers_at_once_in_a_new_project(project, check):
    result = measure(project, check)
    assert result.level is not Level.ERROR, result.reason
    assert result.duration_s < 2.5
    assert result.remedy or result.level in (Level.READY, Level.NOT_APPLICABLE, Level.INCONCLUSIVE)


@pytest.mark.parametrize("check", OURS, ids=lambda check: check.id)
def test_each_of_our_checks_says_what_it_is(check):
    assert check.weight in (CRITICAL, HIGH, MEDIUM, LOW)
    assert isinstance(check.pillar, Pillar)
    assert check.title
    assert check.source


def test_no_two_checks_share_an_id():
    assert len({check.id for check in OURS}) == len(OURS)


def test_only_one_check_writes_anything():
    assert [check.id for check in OURS if check.writes] == ["storage.fsync"]


def test_a_new_project_on_an_ordinary_machine_exits_with_0(project, tmp_path):
    own = [check for check in OURS if not isinstance(check, JupyterExposure)]  # this machine's own server may be open
    results = [measure(project, check) for check in (*own, JupyterExposure([], tmp_path, {}))]
    made = scorecard(results, project="shop", environment="laptop", actor="ana", created=project.clock())
    assert [r.check for r in made.results if r.blocks] == []
    assert exit_code(made.findings) == 0
    assert made.coverage >= 0.7


def test_an_assessment_is_saved_and_audited_in_one_line(project):
    made = assess(project, environment="  laptop ")
    assert made.environment == "laptop"
    assert project.read(Scorecard) == project.read(Scorecard, "20261122T120000000000Z") == made
    *_, last = project.audit.path.read_text().splitlines()
    assert json.loads(last)["event"] == "readiness.assess"
    facts = json.loads(last)["facts"]
    assert facts == {
        "scorecard": "20261122T120000000000Z",
        "environment": "laptop",
        "level": made.level.value,
        "score": made.score,
        "coverage": made.coverage,
    }


def test_a_machine_without_a_name_is_refused_before_anything_is_looked_at(project):
    with pytest.raises(BadInput, match="the environment has no name"):
        assess(project, environment=" ")
    assert not project.folder(Scorecard).exists()


def test_nothing_but_the_scorecard_and_the_audit_line_stays_behind(project):
    before = set(project.root.rglob("*"))
    assess(project)
    assert {path.name for path in set(project.root.rglob("*")) - before} == {"scorecards", "20261122T120000000000Z.json"}
