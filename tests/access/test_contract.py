import pytest
import yaml

from workbench.access.contract import Column, Relationship, Rule, parse
from workbench.errors import BadInput

TEXT = """\
apiVersion: v3.1.0
kind: DataContract
id: sales
version: 1.2.0
status: active
servers: [{server: file, type: local, format: csv, path: data/sales.csv}]
schema:
  - name: sales
    customProperties: [{property: knownDuplicates, value: 3}]
    properties:
      - name: week
        logicalType: integer
        physicalType: BIGINT
        classification: public
        primaryKey: true
        primaryKeyPosition: 2
      - name: household_id
        logicalType: integer
        classification: restricted
        primaryKey: true
        primaryKeyPosition: 1
        customProperties: [{property: entity, value: household}, {property: featureClass, value: id}]
        relationships:
          - to: households.id
            customProperties: [{property: knownOrphans, value: 5}]
    relationships:
      - from: [sales.week, sales.household_id]
        to: [plan.w, plan.h]
    quality:
      - name: rows
        type: sql
        query: SELECT count(*) FROM sales
        mustBe: 7
        customProperties: [{property: knownFact, value: true}]
"""


def _changed(old: str, new: str) -> bytes:
    assert old in TEXT
    return TEXT.replace(old, new).encode()


def test_a_contract_is_read_into_the_parts_we_act_on():
    contract = parse(TEXT.encode(), "sales")
    assert (contract.version, contract.status, contract.format, contract.path) == ("1.2.0", "active", "csv", "data/sales.csv")
    assert contract.keys == ("household_id", "week")
    assert contract.known_duplicates == 3
    assert contract.column("household_id") == Column(
        name="household_id", logical="integer", classification="restricted", key=True, required=True,
        entity="household", feature_class="id",
    )  # fmt: skip
    assert contract.types == {"week": "BIGINT"}
    assert contract.relationships == (
        Relationship(columns=("household_id",), to="households", to_columns=("id",), known_orphans=5),
        Relationship(columns=("week", "household_id"), to="plan", to_columns=("w", "h")),
    )
    query = "SELECT count(*) FROM sales"
    assert contract.rules == (Rule(name="rows", type="sql", query=query, bound="mustBe", value=7, known_fact=True),)


def test_a_column_without_classification_is_read_as_such():
    contract = parse(_changed("        classification: public\n", ""), "sales")
    assert [c.classification for c in contract.columns] == [None, "restricted"]


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("  - name: sales\n", "  - name: sale\n", "named 'sales' like the file"),
        ("classification: public", "classification: secret", "classification 'secret' is none of"),
        ("value: id}", "value: idd}", "featureClass 'idd' is none of"),
        ("status: active", "stattus: active", "stattus: Extra inputs are not permitted"),
        ("logicalType: integer\n        classification", "logicalTyp: x\n        classification", "properties[1].logicalTyp'"),
        ("primaryKeyPosition: 2", "primaryKeyPosition: two", "primaryKeyPosition"),
        ("kind: DataContract", "kind: Other", "it needs kind: DataContract"),
        ("name: household_id", "name: week", "must list the columns, each once"),
        ("to: households.id", "to: households", "as 'dataset.column'"),
        ("        mustBe: 7\n", "", "needs a query and one bound"),
        ("format: csv, ", "", "must have a path and a format"),
    ],
)
def test_a_contract_that_cannot_be_used_says_where(old, new, why):
    with pytest.raises(BadInput) as caught:
        parse(_changed(old, new), "sales")
    assert why in caught.value.why
    assert caught.value.fix == "mend contracts/sales.odcs.yaml"


@pytest.mark.parametrize("raw", [b"a: [", b"\xff\xfe", b"", b"- 1\n"])
def test_what_is_no_yaml_document_is_refused(raw):
    with pytest.raises(BadInput, match=r"sales\.odcs\.yaml"):
        parse(raw, "sales")


def test_nothing_of_the_file_is_lost_in_the_standards_model():
    from open_data_contract_standard.model import OpenDataContractStandard

    again = yaml.safe_load(OpenDataContractStandard.from_string(TEXT).to_yaml())
    assert again == yaml.safe_load(TEXT)
