from __future__ import annotations

import pyarrow as pa
import pytest

from workbench.errors import BadInput, UnknownName
from workbench.findings import Outcome
from workbench.monitoring.outcomes import PerformanceReport, performance


def scored(*windows: tuple[float, float, float]) -> pa.Table:
    """Two cells a window, actual 100 each; a window = error of the model, its excess, error of the baseline (per cell)."""
    rows = [(w, 100.0, 100 + sign * error + excess, 100 + sign * base)
            for w, (error, excess, base) in enumerate(windows, start=46) for sign in (1, -1)]  # fmt: skip
    return pa.table(list(zip(*rows, strict=True)), names=["week", "units", "forecast", "mean8"])


def judged(table: pa.Table) -> PerformanceReport:
    return performance(table, actual="units", prediction="forecast", baseline="mean8", window="week", task="regression")


def test_wape_bias_and_ratio_are_those_of_the_formulas():
    window = judged(scored((45, 5, 50))).windows[0]
    assert (window.window, window.rows) == ("46", 2)
    assert window.error == pytest.approx((50 + 40) / 200)
    assert window.bias == pytest.approx(10 / 200)
    assert window.ratio == pytest.approx(90 / 100)


def test_a_good_model_passes():
    report = judged(scored((45, 0, 53), (46, 1, 54)))
    assert report.outcome is Outcome.PASS
    assert report.findings[-1].message == "window 47: the baseline is beaten in 2 of 2 window(s)"


def test_one_window_at_the_level_of_the_baseline_warns_and_two_in_a_row_fail():
    assert judged(scored((52, 0, 53), (45, 0, 53), (52, 0, 53))).outcome is Outcome.WARN
    failed = judged(scored((45, 0, 53), (52, 0, 53), (53, 0, 53)))
    assert [f.evidence["window"] for f in failed.findings if f.outcome is Outcome.FAIL] == ["48"]


@pytest.mark.parametrize("excess", [11, -11])
def test_a_bias_beyond_ten_percent_warns_once_and_fails_twice_in_a_row_to_the_same_side(excess):
    def biased(*excesses):
        report = judged(scored(*((45, e, 60) for e in excesses)))
        return [f.outcome for f in report.findings if f.check == "performance.bias"]

    assert biased(excess) == [Outcome.WARN]
    assert biased(excess, excess) == [Outcome.WARN, Outcome.FAIL]
    assert biased(excess, -excess) == [Outcome.WARN, Outcome.WARN]
    assert biased(excess, 0, excess) == [Outcome.WARN, Outcome.PASS, Outcome.WARN]


def test_rows_without_an_actual_wait_and_rows_without_a_prediction_warn():
    table = pa.table({"w": [1, 1, 1], "y": [10.0, None, 10.0], "p": [10.0, 10.0, float("nan")]})
    report = performance(table, actual="y", prediction="p", window="w", task="regression")
    assert (report.windows[0].rows, report.windows[0].without_actual, report.windows[0].without_prediction) == (1, 1, 1)
    assert [f.outcome for f in report.findings] == [Outcome.WARN, Outcome.INFO, Outcome.PASS]


def test_a_window_of_zeros_decides_nothing():
    table = pa.table({"w": [1, 1], "y": [0.0, 0.0], "p": [3.0, 2.0]})
    report = performance(table, actual="y", prediction="p", window="w", task="regression")
    assert report.outcome is Outcome.INCONCLUSIVE


def binary(positives: int, predicted: float, rows: int = 100) -> pa.Table:
    return pa.table({"campaign": ["16"] * rows, "y": [i < positives for i in range(rows)], "p": [predicted] * rows})


@pytest.mark.parametrize(
    ("positives", "predicted", "outcome"),
    [(30, 0.30, Outcome.PASS), (30, 0.43, Outcome.WARN), (30, 0.20, Outcome.WARN), (29, 0.9, Outcome.INCONCLUSIVE)],
)
def test_calibration_is_judged_from_thirty_positives_on(positives, predicted, outcome):
    report = performance(binary(positives, predicted), actual="y", prediction="p", window="campaign")
    assert (report.task, report.outcome) == ("binary", outcome)


def test_probabilities_off_to_the_same_side_in_two_windows_fail():
    table = pa.concat_tables([binary(30, 0.43), binary(30, 0.43).set_column(0, "campaign", [["17"] * 100])])
    report = performance(table, actual="y", prediction="p", window="campaign")
    assert [f.outcome for f in report.findings if f.check == "performance.calibration"] == [Outcome.WARN, Outcome.FAIL]


def test_the_brier_score_is_that_of_the_formula():
    window = performance(binary(30, 0.3), actual="y", prediction="p", window="campaign").windows[0]
    assert window.error == pytest.approx(0.3 * 0.7**2 + 0.7 * 0.3**2)
    assert window.calibration == pytest.approx(1.0)


def test_windows_keep_their_order_in_time():
    table = pa.table({"w": [10, 9, 11], "y": [1.0, 5.0, 2.0], "p": [1.0, 5.0, 2.0]})
    report = performance(table, actual="y", prediction="p", window="w")
    assert [w.window for w in report.windows] == ["9", "10", "11"]


def test_a_missing_column_and_an_empty_table_are_refused():
    with pytest.raises(UnknownName, match="did you mean 'forecast'"):
        performance(scored((1, 0, 1)), actual="units", prediction="forcast", window="week")
    with pytest.raises(BadInput, match="no window to judge"):
        performance(scored((1, 0, 1)).slice(0, 0), actual="units", prediction="forecast", window="week")


def test_a_report_survives_the_disk(tmp_path):
    report = judged(scored((45, 0, 53)))
    report.write(tmp_path / "report.json")
    assert PerformanceReport.load(tmp_path / "report.json") == report
