import pytest

from workbench.readiness.checks.governance import AuditChain, Contracts, Policy
from workbench.readiness.runner import measure
from workbench.records.scorecard import Level

OPEN_RULE = '[[rules]]\nrole = "all"\ndatasets = ["*"]\npurposes = ["training"]\n'


def contract(project, name, text):
    (project.root / "contracts" / f"{name}.odcs.yaml").write_text(text)


def test_without_datasets_contracts_do_not_apply(project):
    assert measure(project, Contracts()).level is Level.NOT_APPLICABLE


def test_all_contracts_in_force_are_ready(project):
    contract(project, "sales", "status: active\n")
    result = measure(project, Contracts())
    assert (result.level, result.reason) == (Level.READY, "1 of 1 active")


def test_a_draft_is_named(project):
    contract(project, "sales", "status: active\n")
    contract(project, "stores", "status: draft\n")
    result = measure(project, Contracts())
    assert (result.level, result.reason) == (Level.IMPROVE, "1 of 2 active; stores: draft")


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("name: x\n", "no status"),
        ("- a\n", "no status"),
        ("{", "not readable"),
        ("a: !!python/object:os.system\n", "not readable"),
    ],
)
def test_a_contract_that_says_nothing_is_not_in_force(project, text, status):
    contract(project, "sales", text)
    result = measure(project, Contracts())
    assert (result.level, result.reason) == (Level.MUST_FIX, f"0 of 1 active; sales: {status}")


def policy(project, text):
    (project.root / "policy.toml").write_text(text)


def test_the_policy_of_a_new_project_is_ready(project):
    assert measure(project, Policy()).level is Level.READY


@pytest.mark.parametrize("roles", ['all = ["*"]', 'all = ["ana", "ben"]\nowner = ["ana"]'])
def test_everything_for_everyone_blocks(project, roles):
    policy(project, f"[roles]\n{roles}\n{OPEN_RULE}")
    result = measure(project, Policy())
    assert result.blocks
    assert result.reason == "the role 'all' gives every dataset and column, unmasked, to everyone"


@pytest.mark.parametrize(
    "rule", ['deny_columns = ["card"]', 'masks = {household = "pseudonym"}', 'columns = ["week"]', 'effect = "deny"']
)
def test_a_rule_that_holds_something_back_is_fine(project, rule):
    policy(project, f'[roles]\nall = ["ana", "ben"]\n{OPEN_RULE}{rule}\n')
    assert measure(project, Policy()).level is Level.READY


def test_a_rule_for_some_of_the_people_is_fine(project):
    policy(project, f'[roles]\nall = ["ana"]\nguest = ["ben"]\n{OPEN_RULE}')
    assert measure(project, Policy()).level is Level.READY


def test_without_a_policy_it_blocks(project):
    (project.root / "policy.toml").unlink()
    assert measure(project, Policy()).blocks


def test_a_policy_that_cannot_be_read_says_where(project):
    policy(project, "[roles")
    result = measure(project, Policy())
    assert result.blocks
    assert result.reason.startswith("policy.toml is not valid TOML: ")


def test_a_whole_chain_is_ready(project):
    result = measure(project, AuditChain())
    assert (result.level, result.reason) == (Level.READY, "1 lines, chain unbroken")


def test_a_changed_line_breaks_the_chain(project):
    project.audit.append("access.read", dataset="sales")
    path = project.audit.path
    path.write_text(path.read_text().replace("project.init", "project.unit"))
    result = measure(project, AuditChain())
    assert result.level is Level.MUST_FIX
    assert result.reason.startswith("the chain breaks 1 times, first at line 1: its text was changed")


def test_a_torn_last_line_is_to_be_looked_at(project):
    with open(project.audit.path, "a") as file:
        file.write('{"seq": 2, "ti')
    assert measure(project, AuditChain()).level is Level.IMPROVE


def test_without_a_log_nothing_is_audited(project):
    project.audit.path.unlink()
    result = measure(project, AuditChain())
    assert (result.level, result.blocks) == (Level.MUST_FIX, False)
