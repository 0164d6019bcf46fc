from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.access.contract import Column, Contract
from workbench.access.policy import decide
from workbench.access.rules import Policy, PolicyRule

COLUMNS = (
    Column(name="id", logical="integer", classification="restricted", key=True),
    Column(name="person", logical="string", classification="restricted", entity="person"),
    Column(name="email", logical="string", classification="restricted"),
    Column(name="age", logical="integer", classification="confidential"),
    Column(name="day", logical="date", classification="internal"),
    Column(name="paid", logical="number", classification="public"),
)
CONTRACT = Contract(
    name="sales", version="1.0.0", status="active", description="", format="csv", path="x", columns=COLUMNS, keys=("id",),
    relationships=(), rules=(),
)  # fmt: skip


DRAFT = CONTRACT.model_copy(update={"status": "draft"})


def _where(column, value):
    return {"rows": [{"column": column, "op": "=", "value": value}]}


def _policy(*rules, **roles):
    whole = [{"role": "r", "datasets": ["sales"], "purposes": ["train"], **rule} for rule in rules]
    return Policy.model_validate({"roles": {"r": ["ann"], "s": [], **roles}, "rules": whole})


def _decide(policy, columns=None, *, actor="ann", purpose="train", contract=CONTRACT):
    return decide(policy, contract, actor, purpose, columns)


def test_restricted_ids_become_pseudonyms_and_other_restricted_columns_are_left_out():
    decision = _decide(_policy({}))
    assert decision.allowed
    assert decision.columns == ("id", "person", "age", "day", "paid")
    assert decision.masks == {"id": "pseudonym", "person": "pseudonym"}
    assert decision.withheld == ("email",)
    assert decision.reason == "rule 1: r may read it for train"


def test_a_restricted_column_is_handed_over_as_it_is_only_by_the_word_clear():
    decision = _decide(_policy({"masks": {"id": "clear", "email": "redact"}}), ("email", "id"))
    assert (decision.columns, decision.masks) == (("email", "id"), {"email": "redact"})


@pytest.mark.parametrize(
    ("policy", "options", "reason"),
    [
        (_policy(), {}, "no rule grants it to r"),
        (_policy({}), {"actor": "bob"}, "'bob' has no role"),
        (_policy({}), {"purpose": "trian"}, "r may read it for train only"),
        (_policy({"datasets": ["other"]}), {}, "no rule grants it to r"),
        (_policy({"role": "s"}), {}, "no rule grants it to r"),
        (_policy({}), {"columns": ("payed",)}, "its contract lists no column 'payed'; did you mean 'paid'?"),
        (_policy({}), {"columns": ()}, "no column was asked for"),
        (_policy({}), {"columns": ("email",)}, "column 'email' is restricted, and rule 1 has no mask for it"),
        (_policy({"columns": ["paid"]}), {"columns": ("paid", "age")}, "rule 1 does not grant 'age'"),
        (_policy({"deny_columns": ["age"]}), {"columns": ("age",)}, "rule 1 denies 'age' for train"),
        (_policy({"columns": ["email"]}), {}, "rule 1 does not grant 'id'"),
        (_policy({}, {"effect": "deny"}), {}, "rule 2 denies 'id' for train"),
        (_policy({"masks": {"paid": "year"}}), {}, "rule 1: the mask 'year' does not fit 'paid' (number)"),
        (_policy({"masks": {"day": "band:7"}}), {}, "rule 1: the mask 'band:7' does not fit 'day' (date)"),
        (_policy(_where("week", 1)), {}, "rule 1: its row filter needs the column 'week', which 'sales' does not have"),
        (_policy(_where("age", "1")), {}, "rule 1: its row filter compares 'age' (integer) with '1'"),
        (_policy(_where("age", True)), {}, "rule 1: its row filter compares 'age' (integer) with True"),
        (_policy({}), {"contract": DRAFT}, "its contract is draft: nobody has confirmed it"),
    ],
)  # fmt: skip
def test_a_refusal_says_why(policy, options, reason):
    decision = _decide(policy, **options)
    assert (decision.allowed, decision.reason, decision.columns) == (False, reason, ())
    assert decision.fix


def test_a_time_does_not_compare_with_a_date_column():
    rows = [{"column": "day", "op": "<", "value": datetime(2017, 1, 1, 12)}]
    assert "compares 'day' (date)" in _decide(_policy({"rows": rows})).reason
    assert _decide(_policy({"rows": [{"column": "day", "op": "<", "value": date(2017, 1, 1)}]})).allowed


def test_an_unclassified_column_stops_the_reading_until_it_is_classified():
    bare = CONTRACT.model_copy(update={"columns": (*COLUMNS, Column(name="new", logical="string"))})
    decision = _decide(_policy({}), contract=bare)
    assert (decision.reason, decision.fix) == (
        "column 'new' is not classified",
        "give it a classification in contracts/sales.odcs.yaml",
    )
    assert _decide(_policy({}), ("paid",), contract=bare).allowed


def test_the_first_rule_that_grants_all_columns_asked_for_decides_alone():
    filtered = {"rows": [{"column": "age", "op": "<", "value": 30}], "columns": ["age", "paid"]}
    policy = _policy(filtered, {"masks": {"paid": "null"}})
    narrow, wide = _decide(policy, ("paid",)), _decide(policy, ("paid", "day"))
    assert ([str(f) for f in narrow.rows], narrow.masks) == (["age < 30"], {})
    assert (wide.rows, wide.masks) == ((), {"paid": "null"})


def test_columns_come_in_the_order_asked_for_and_once():
    assert _decide(_policy({}), ("paid", "age", "paid")).columns == ("paid", "age")


names = st.sampled_from([c.name for c in COLUMNS] + ["*", "sales.paid", "other.paid"])
rules = st.fixed_dictionaries(
    {"role": st.sampled_from(["r", "s"]), "purposes": st.lists(st.sampled_from(["train", "score"]), min_size=1)},
    optional={
        "datasets": st.sampled_from([["sales"], ["*"], ["other"]]),
        "columns": st.lists(names, max_size=4),
        "deny_columns": st.lists(names, max_size=2),
        "masks": st.dictionaries(
            st.sampled_from([c.name for c in COLUMNS]),
            st.sampled_from(["clear", "null", "redact", "pseudonym", "year", "band:5", "last:2"]),
        ),
        "rows": st.lists(st.just({"column": "age", "op": ">", "value": 3}), max_size=1),
    },
)  # fmt: skip
denials = st.fixed_dictionaries(
    {"effect": st.just("deny"), "purposes": st.just(["train"])}, optional={"columns": st.lists(names, max_size=3)}
)
policies = st.lists(st.one_of(rules, denials), max_size=5).map(lambda found: _policy(*found))
asked = st.one_of(st.none(), st.lists(st.sampled_from([c.name for c in COLUMNS]), max_size=4).map(tuple))


@given(policies, asked)
def test_no_restricted_column_goes_out_unmasked_unless_a_rule_says_clear(policy, columns):
    decision = _decide(policy, columns)
    for name in decision.columns:
        column = CONTRACT.column(name)
        if column.classification == "restricted" and name not in decision.masks:
            assert any(rule.mask("sales", name) == "clear" for rule in policy.rules)


@given(policies, asked)
def test_all_that_was_asked_for_is_granted_or_nothing_is(policy, columns):
    decision = _decide(policy, columns)
    assert decision.allowed == bool(decision.columns)
    if columns is not None and decision.allowed:
        assert decision.columns == tuple(dict.fromkeys(columns))
    assert not set(decision.withheld) & set(decision.columns)
    assert decision.allowed or decision.reason


@given(policies, denials, st.integers(0, 5), asked)
def test_deny_beats_allow_wherever_it_stands(policy, denial, place, columns):
    _rule = _policy(denial).rules[0]
    more = policy.model_copy(update={"rules": (*policy.rules[:place], _rule, *policy.rules[place:])})
    taken = {c.name for c in COLUMNS if {"*", c.name, f"sales.{c.name}"} & set(_rule.columns)}
    assert not taken & set(_decide(more, columns).columns)


@given(policies, asked)
def test_whoever_has_no_role_reads_nothing(policy, columns):
    assert not _decide(policy, columns, actor="eve").allowed


@given(policies, asked, st.lists(st.sampled_from([c.name for c in COLUMNS]), min_size=1))
def test_a_rule_for_others_changes_nothing_for_me(policy, columns, granted):
    other = PolicyRule(role="s", datasets=("*",), purposes=("train",), columns=tuple(granted))
    more = policy.model_copy(update={"rules": (*policy.rules, other)})
    same = {"policy_sha256": "", "reason": "", "fix": ""}
    assert _decide(more, columns).model_copy(update=same) == _decide(policy, columns).model_copy(update=same)
