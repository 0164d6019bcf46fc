"""Is the model still good? Its errors window by window, against a baseline where there is one.

Drift alone cannot tell: promotions shifted by one week leave every column's distribution as it was and raise the error
of the sample's demand model from 46 to 52 %, the level of its baseline.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, ClassVar, Literal

import duckdb
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, JsonValue

from workbench.errors import BadInput, unknown
from workbench.findings import Finding, Outcome, worst
from workbench.records.base import Record
from workbench.records.view import View

WORST_RATIO = 0.95  # a model whose error is above this share of the baseline's is not worth its upkeep
WORST_BIAS = 0.10
CALIBRATION = (0.7, 1.4)
LEAST_POSITIVES = 30

Task = Literal["regression", "binary"]
MEASURE = {"regression": "WAPE", "binary": "Brier score"}


class Window(BaseModel):
    """One window's figures. error: WAPE for regression, Brier score for binary; None when it is not defined.

    bias: Σ(prediction − actual)/Σ|actual| (regression). calibration: Σ prediction/Σ actual (binary). ratio: the error by
    that of the baseline. rows counts those with both an actual and a prediction.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    window: str
    rows: int
    without_actual: int
    without_prediction: int
    positives: int | None = None
    error: float | None
    bias: float | None = None
    calibration: float | None = None
    ratio: float | None = None


class PerformanceReport(Record):
    """Windows in order, and what is wrong with them."""

    kind: ClassVar[str] = "performance_report"

    task: Task
    windows: tuple[Window, ...]
    findings: tuple[Finding, ...]

    @property
    def outcome(self) -> Outcome:
        return worst(self.findings)

    def view(self) -> View:
        tilt = "bias" if self.task == "regression" else "calibration"
        rows = tuple(
            (
                w.window,
                f"{w.rows:,}",
                _shown(w.error, ".4f" if self.task == "binary" else ".1%"),
                _shown(w.bias, "+.1%") if self.task == "regression" else _shown(w.calibration, ".2f"),
                _shown(w.ratio, ".2f"),
            )
            for w in self.windows
        )
        return View(
            title=f"performance over {len(rows)} window(s)",
            columns=("window", "rows", MEASURE[self.task], tilt, "to baseline"),
            rows=rows,
            findings=self.findings,
        )


def _shown(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def performance(
    table: pa.Table, *, actual: str, prediction: str, baseline: str | None = None, window: str, task: Task | None = None
) -> PerformanceReport:
    """Errors of the predictions in `table` by window, and findings where the model is no longer worth using.

    actual, prediction, baseline: numeric (or boolean) columns in the same unit; for a binary target actual is 0 or 1 and
    prediction its probability. window: the column that names a row's window; its order is the order in time.
    task: None takes binary when every actual is 0 or 1 and every prediction lies in 0..1.
    Two windows in a row fail, one warns: |bias| > 10 % to the same side (regression); calibration outside 0.7 to 1.4 to the
    same side, each with at least 30 positives (binary); error above 0.95 of the baseline's.
    Raises UnknownName for a missing column, BadInput when no row has a window.
    """
    needed = [c for c in (actual, prediction, baseline, window) if c is not None]
    for column in needed:
        if column not in table.column_names:
            raise unknown("column", column, table.column_names)
    names = {"y": actual, "p": prediction, "b": baseline or prediction, "w": window}
    cases = pa.table([table[name] for name in names.values()], names=list(names))
    figures = _figures(cases)
    if not figures:
        raise BadInput("there is no window to judge", why=f"no row has a '{window}'", fix="score some rows first")
    chosen = task or ("binary" if all(f["binary"] for f in figures) else "regression")
    windows = tuple(_window(f, chosen, with_baseline=baseline is not None) for f in figures)
    findings = [f for w, before in zip(windows, (None, *windows), strict=False) for f in _judge(w, before, chosen)]
    if baseline is not None:
        findings += _against_baseline(windows, chosen)
    return PerformanceReport(task=chosen, windows=windows, findings=tuple(findings))


_SQL = """
WITH typed AS (SELECT w, y::DOUBLE y, p::DOUBLE p, b::DOUBLE b FROM cases WHERE w IS NOT NULL),
     whole AS (SELECT w, CASE WHEN NOT isnan(y) THEN y END y, CASE WHEN NOT isnan(p) THEN p END p,
                      CASE WHEN NOT isnan(b) THEN b END b FROM typed),
     cases_ AS (SELECT *, y IS NOT NULL AND p IS NOT NULL AS ok FROM whole)
SELECT w::VARCHAR AS window,
       count(*) FILTER (ok) AS rows, count(*) FILTER (y IS NULL) AS without_actual,
       count(*) FILTER (p IS NULL) AS without_prediction, count(*) FILTER (ok AND y = 1) AS positives,
       coalesce(bool_and(y IN (0, 1) AND p BETWEEN 0 AND 1) FILTER (ok), true) AS binary,
       sum(abs(y - p)) FILTER (ok) AS absolute, sum(p - y) FILTER (ok) AS excess, sum(abs(y)) FILTER (ok) AS size,
       sum((y - p) ** 2) FILTER (ok) AS squared,
       sum(p) FILTER (ok) AS predicted,
       sum(abs(y - p)) FILTER (ok AND b IS NOT NULL) AS absolute_both, sum(abs(y - b)) FILTER (ok) AS absolute_baseline,
       sum((y - p) ** 2) FILTER (ok AND b IS NOT NULL) AS squared_both, sum((y - b) ** 2) FILTER (ok) AS squared_baseline
FROM cases_ GROUP BY w ORDER BY w
"""


def _figures(cases: pa.Table) -> list[dict[str, Any]]:
    """Sums of each window, windows in order. cases: columns y, p, b, w."""
    with duckdb.connect() as connection:
        connection.register("cases", cases)
        sums: list[dict[str, Any]] = connection.sql(_SQL).to_arrow_table().to_pylist()
    return sums


def _window(sums: dict[str, Any], task: Task, *, with_baseline: bool) -> Window:
    counts = {key: sums[key] for key in ("window", "rows", "without_actual", "without_prediction")}
    loss = "absolute" if task == "regression" else "squared"
    ratio = _divided(sums[f"{loss}_both"], sums[f"{loss}_baseline"]) if with_baseline else None
    if task == "regression":
        wape, bias = _divided(sums["absolute"], sums["size"]), _divided(sums["excess"], sums["size"])
        return Window(**counts, error=wape, bias=bias, ratio=ratio)
    brier, calibration = _divided(sums["squared"], sums["rows"]), _divided(sums["predicted"], sums["positives"])
    return Window(**counts, positives=sums["positives"], error=brier, calibration=calibration, ratio=ratio)


def _divided(top: float | None, by: float | None) -> float | None:
    """None where the quotient is not defined: no rows, or nothing to divide by."""
    return top / by if top is not None and by else None


def _finding(w: Window, about: str, outcome: Outcome, message: str, fix: str = "", **evidence: JsonValue) -> Finding:
    return Finding(
        check=f"performance.{about}",
        outcome=outcome,
        message=f"window {w.window}: {message}",
        fix=fix,
        evidence={"window": w.window, **evidence},
    )


def _judge(w: Window, before: Window | None, task: Task) -> list[Finding]:
    found = []
    if w.without_prediction:
        message = f"{w.without_prediction:,} row(s) without a prediction"
        found.append(_finding(w, "unscored", Outcome.WARN, message, "find out why these rows were not scored"))
    if w.without_actual:
        message = f"{w.without_actual:,} row(s) still wait for their actual value"
        found.append(_finding(w, "waiting", Outcome.INFO, message))
    found.append(_bias(w, before) if task == "regression" else _calibration(w, before))
    return found


def _beyond(value: float | None, low: float, high: float) -> int:
    """-1 below the range, 1 above it, 0 inside or not known."""
    return 0 if value is None or low <= value <= high else (-1 if value < low else 1)


def _tilt(side: int, side_before: int) -> tuple[Outcome, str]:
    """One window out of range may be a holiday: the same side twice in a row is not."""
    if side and side == side_before:
        return Outcome.FAIL, ", as in the window before"
    return (Outcome.WARN, "; a second such window in a row fails") if side else (Outcome.PASS, "")


def _bias(w: Window, before: Window | None) -> Finding:
    if w.bias is None:
        return _finding(w, "bias", Outcome.INCONCLUSIVE, "no row with an actual other than 0: no WAPE, no bias")
    earlier = before.bias if before else None
    outcome, more = _tilt(_beyond(w.bias, -WORST_BIAS, WORST_BIAS), _beyond(earlier, -WORST_BIAS, WORST_BIAS))
    return _finding(
        w,
        "bias",
        outcome,
        f"bias {w.bias:+.1%}, allowed is {WORST_BIAS:.0%} either way{more}",
        "" if outcome is Outcome.PASS else "do not order by these forecasts; check the window's inputs, then train again",
        bias=w.bias,
        wape=w.error,
    )


def _calibration(w: Window, before: Window | None) -> Finding:
    if w.calibration is None or (w.positives or 0) < LEAST_POSITIVES:
        message = f"{w.positives} positive(s): a calibration figure needs {LEAST_POSITIVES}"
        return _finding(w, "calibration", Outcome.INCONCLUSIVE, message, "take a longer window")
    low, high = CALIBRATION
    earlier = before.calibration if before and (before.positives or 0) >= LEAST_POSITIVES else None
    outcome, more = _tilt(_beyond(w.calibration, low, high), _beyond(earlier, low, high))
    return _finding(
        w,
        "calibration",
        outcome,
        f"{w.calibration:.2f} predicted for each one that happened, allowed is {low} to {high}{more}",
        "" if outcome is Outcome.PASS else "do not use these probabilities as rates; recalibrate, or train again",
        calibration=w.calibration,
        positives=w.positives,
    )


def _against_baseline(windows: tuple[Window, ...], task: Task) -> list[Finding]:
    """One window near the baseline may be chance: two in a row are not."""
    beaten = [w for w in windows if w.ratio is not None and w.ratio <= WORST_RATIO]
    weak = [(a, b) for a, b in pairwise(windows) if a.ratio and b.ratio and min(a.ratio, b.ratio) > WORST_RATIO]
    fix = "use the baseline until the model is trained again"
    if weak:
        return [
            _finding(
                b,
                "baseline",
                Outcome.FAIL,
                f"{MEASURE[task]} at {b.ratio:.2f} of the baseline's, and {a.ratio:.2f} the window before: no gain left",
                fix,
                ratio=b.ratio,
                ratio_before=a.ratio,
            )
            for a, b in weak
        ]
    alone = [w for w in windows if w.ratio is not None and w.ratio > WORST_RATIO]
    if alone:
        message = f"{MEASURE[task]} at {alone[-1].ratio:.2f} of the baseline's; a second such window in a row fails"
        return [_finding(alone[-1], "baseline", Outcome.WARN, message, ratio=alone[-1].ratio)]
    outcome = Outcome.PASS if beaten else Outcome.INCONCLUSIVE
    message = f"the baseline is beaten in {len(beaten)} of {len(windows)} window(s)"
    return [_finding(windows[-1], "baseline", outcome, message)]
