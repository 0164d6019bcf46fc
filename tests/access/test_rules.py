import pytest
from pydantic import ValidationError

from workbench.access.rules import Policy, PolicyRule, RowFilter, load_policy
from workbench.errors import BadInput, UnknownName

RULE = {"role": "r", "datasets": ["d"], "purposes": ["p"]}


def test_a_new_projects_policy_is_valid_and_makes_its_maker_the_owner(tmp_path):
    from workbench.project import init, open_project

    init(tmp_path / "p")
    project = open_project(tmp_path / "p")
    assert load_policy(project).roles_of(project.actor) == ("owner",)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('role = "clerk"', 'role = "clerc"', "rule 2 names the role 'clerc', which [roles] does not define"),
        ("band:10", "bend:10", "the mask 'bend:10' of paid is none of"),
        ("band:10", "band", "the mask 'band' of paid is none of"),
        ("band:10", "band:0", "the mask 'band:0' of paid is none of"),
        ("band:10", "year:2", "the mask 'year:2' of paid is none of"),
        ('op = "<="', 'op = "=<"', "rules.1.rows.0.op"),
        ("masks =", "mask =", "this key is not known"),
        ("value = 2", "value = [2]", "'<=' needs one value"),
        ("value = 2", "value = 2017-01-01T00:00:00Z", "write the time without a zone"),
        ('datasets = ["sales"]', 'datasets = ["sales"]\neffect = "deny"', "a rule with effect 'deny' takes columns only"),
    ],
)
def test_a_slip_in_the_policy_is_refused_and_not_passed_over(project, old, new, why):
    path = project.root / "policy.toml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(BadInput) as caught:
        load_policy(project)
    assert why in caught.value.why


def test_without_a_policy_nothing_is_read(project):
    (project.root / "policy.toml").unlink()
    with pytest.raises(UnknownName, match=r"no policy\.toml"):
        load_policy(project)


@pytest.mark.parametrize(("op", "value"), [("in", 3), ("in", []), ("is null", 3), ("=", None), ("<", [1])])
def test_an_operator_has_the_value_it_needs(op, value):
    with pytest.raises(ValidationError):
        RowFilter(column="a", op=op, value=value)


@pytest.mark.parametrize("value", [True, 3, 3.5, "3", "2017-01-01"])
def test_a_value_keeps_its_type(value):
    found = RowFilter(column="a", op="=", value=value)
    assert (found.value, type(found.value)) == (value, type(value))


def test_a_name_with_its_dataset_counts_there_only():
    rows = (RowFilter(column="d.w", op="=", value=1), RowFilter(column="v", op="is null"))
    rule = PolicyRule(**RULE, masks={"a": "null", "d.a": "redact"}, rows=rows)
    assert (rule.mask("d", "a"), rule.mask("e", "a"), rule.mask("d", "b")) == ("redact", "null", None)
    assert [str(f) for f in rule.filters("d")] == ["w = 1", "v is null"]
    assert [str(f) for f in rule.filters("e")] == ["v is null"]


def test_the_hash_of_a_policy_follows_its_meaning():
    a = Policy(roles={"r": ("ann",)}, rules=(PolicyRule(**RULE),))
    assert a.sha256 == Policy(roles={"r": ("ann",)}, rules=(PolicyRule(**RULE, effect="allow"),)).sha256
    assert a.sha256 != Policy(roles={"r": ("bob",)}, rules=(PolicyRule(**RULE),)).sha256
