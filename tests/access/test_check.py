import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.access.check import check, check_all
from workbench.access.registry import contract_path
from workbench.errors import UnknownName
from workbench.findings import Outcome

CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: sales
version: 1.0.0
status: active
servers: [{server: file, type: local, format: parquet, path: sales.parquet}]
schema:
  - name: sales
    customProperties: [{property: knownDuplicates, value: 1}]
    properties:
      - {name: line, logicalType: integer, classification: internal, primaryKey: true}
      - name: customer_id
        logicalType: integer
        classification: restricted
        relationships: [{to: customers.customer_id, customProperties: [{property: knownOrphans, value: 1}]}]
      - {name: paid, logicalType: number, classification: internal, required: true}
    quality: RULES
"""
KNOWN = (
    "[{name: big, type: sql, query: SELECT count(*) FROM sales WHERE paid > 10, mustBe: 2,"
    " customProperties: [{property: knownFact, value: true}]}]"
)
GOOD = {"line": [1, 1, 2, 3], "customer_id": [7, None, 5, 8], "paid": [12.5, 31.0, 8.0, 4.0]}


@pytest.fixture
def checked(shop):
    """Check the dataset sales after its data and its rules were set; gives (check, outcome, message) triples."""

    def run(data=GOOD, rules="[]"):
        contract_path(shop, "sales").write_text(CONTRACT.replace("RULES", rules))
        pq.write_table(pa.table(data), shop.root / "sales.parquet")
        return [
            (f.check.removeprefix("access."), f.outcome.value, f.message.removeprefix("sales: "))
            for f in check(shop, "sales").findings
        ]

    return run  # fmt: skip


def test_a_count_that_equals_the_known_one_is_a_known_fact(checked):
    assert checked(rules=KNOWN) == [
        ("file", "pass", "sales.parquet is there"),
        ("columns", "pass", "3 columns as listed, types fit"),
        ("rows", "pass", "4 rows"),
        ("key", "info", "rows that repeat the key line: 1 (known fact)"),
        ("relationship", "info", "rows whose customer_id is not in customers: 1 (known fact)"),
        ("quality", "info", "big: 2 (known fact)"),
    ]


def test_another_count_fails_fewer_too(checked):
    data = {"line": [1, 2, 3], "customer_id": [5, 6, 8], "paid": [12.5, 1.0, 8.0]}
    assert checked(data, KNOWN)[3:] == [
        ("key", "fail", "rows that repeat the key line: 0, expected 1"),
        ("relationship", "fail", "rows whose customer_id is not in customers: 2, expected 1"),
        ("quality", "fail", "big: 1, but mustBe 2"),
    ]


@pytest.mark.parametrize(
    ("bound", "outcome"),
    [
        ("mustBe: 4", "pass"), ("mustBe: 5", "fail"), ("mustNotBe: 5", "pass"), ("mustBeGreaterThan: 4", "fail"),
        ("mustBeGreaterOrEqualTo: 4", "pass"), ("mustBeLessThan: 4", "fail"), ("mustBeLessOrEqualTo: 4", "pass"),
        ("mustBeBetween: [1, 4]", "pass"), ("mustNotBeBetween: [1, 4]", "fail"),
    ],
)  # fmt: skip
def test_a_rule_keeps_its_bound(checked, bound, outcome):
    assert checked(rules=f"[{{type: sql, query: SELECT count(*) FROM sales, {bound}}}]")[-1][1] == outcome


def test_a_rule_that_cannot_run_or_is_not_run_is_a_finding_too(checked):
    rules = "[{type: sql, query: SELECT no_such FROM sales, mustBe: 1}, {type: text, name: words}]"
    broken, words = checked(rules=rules)[-2:]
    assert broken[:2] == ("quality", "error")
    assert words == ("quality", "skipped", "words: not checked, a rule of type 'text' is not run here")


def test_a_rule_reaches_no_file_beyond_the_catalog(checked, shop):
    rules = f"[{{type: sql, query: \"SELECT count(*) FROM read_text('{shop.root}/policy.toml')\", mustBe: 1}}]"
    assert checked(rules=rules)[-1][1] == "error"


def test_a_gap_in_a_required_column_fails(checked):
    found = checked({**GOOD, "paid": [1.0, None, 2.0, None]})
    assert ("required", "fail", "2 rows have no 'paid', which is required") in found


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"line": [1], "paid": [1.0]}, "column 'customer_id' of the contract is not in sales.parquet"),
        ({**GOOD, "paid": ["a", "b", "c", "d"]}, "column 'paid' is VARCHAR, not number"),
    ],
)
def test_a_lost_or_changed_column_fails_by_name(checked, data, message):
    assert checked(data) == [("file", "fail", message)]


def test_a_column_beyond_the_contract_is_a_warning(checked):
    found = checked({**GOOD, "new": [1, 2, 3, 4]})
    assert found[1] == ("columns", "warn", "not in the contract, so never handed over: new")


def test_a_relationship_to_a_dataset_that_cannot_be_read_is_skipped_and_not_passed(checked, shop):
    (shop.root / "customers.parquet").unlink()
    message = "rows whose customer_id is not in customers: not counted, customers cannot be read"
    assert ("relationship", "skipped", message) in checked()


def test_a_text_file_whose_values_left_their_type_fails_with_the_line(project):
    from workbench.access import confirm, register

    path = project.root / "notes.csv"
    path.write_text("n\n1\n2\n")
    register(project, path)
    confirm(project, "notes")
    path.write_text("n\n1\nx\n")
    last = check(project, "notes").findings[-1]
    assert (last.check, last.outcome) == ("access.columns", Outcome.FAIL)
    assert "line 3" in last.message


def test_checking_all_checks_each_and_the_names_in_the_policy(shop):
    report = check_all(shop)
    assert report.datasets == ("customers", "sales")
    assert report.findings[-1].message == "policy.toml: 2 rules, all names are in the catalog"
    policy = shop.root / "policy.toml"
    policy.write_text(policy.read_text().replace('masks = { paid = "band:10" }', 'masks = { payed = "band:10" }'))
    last = check_all(shop).findings[-1]
    assert (last.outcome, last.message) == (Outcome.FAIL, "policy.toml, rule 2: no dataset of it has the column 'payed'")


def test_a_broken_contract_is_a_finding_of_the_whole_and_an_unknown_name_an_error(shop):
    contract_path(shop, "sales").write_text("a: [")
    assert ("access.file", Outcome.FAIL) in [(f.check, f.outcome) for f in check_all(shop).findings]
    with pytest.raises(UnknownName):
        check(shop, "sale")
