"""Did the inputs move? Each feature is judged by its declared class, on effect sizes, never by a p-value.

sample        values drawn anew in each window: the detector decides, and may alarm
calendar      a plan or a calendar fact (one value a week): only its range can be checked
accumulating  grows by itself (tenure, counts "so far"): windows are not comparable, its range is reported
id            a name, not a quantity: never monitored
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, JsonValue

from workbench import plugins
from workbench.errors import BadInput, unknown
from workbench.findings import SEVERITY, Finding, Outcome, worst
from workbench.monitoring.interface import Detector, Shift
from workbench.monitoring.psi import is_level, is_number, level_counts, numbers
from workbench.records.base import Record
from workbench.records.view import View

FeatureClass = Literal["sample", "calendar", "accumulating", "id"]
CLASSES: tuple[FeatureClass, ...] = ("sample", "calendar", "accumulating", "id")
SLACK = 0.1  # of the reference's range: a plan a little beyond it is a fact, not a warning (house default)
MOSTLY_DISTINCT = 0.5  # distinct values by rows; above it an undeclared text or whole-number column is taken for an id


class ColumnDrift(BaseModel):
    """One column: its class, how far it moved (sample columns only), and its range in both windows (numbers only)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    feature_class: FeatureClass
    declared: bool
    shift: Shift | None = None
    range_reference: tuple[float, float] | None = None
    range_current: tuple[float, float] | None = None
    outcome: Outcome


class DriftReport(Record):
    """Two windows compared column by column; findings in column order."""

    kind: ClassVar[str] = "drift_report"

    detector: str
    rows_reference: int
    rows_current: int
    columns: tuple[ColumnDrift, ...]
    findings: tuple[Finding, ...]

    @property
    def outcome(self) -> Outcome:
        return worst(self.findings)

    @property
    def moved(self) -> tuple[str, ...]:
        """The columns with a warning or worse, worst first; alike ones by how many times over their limit they are."""
        bad = [c for c in self.columns if SEVERITY[c.outcome] >= SEVERITY[Outcome.WARN]]
        over = {c.column: c.shift.value / c.shift.warn_at if c.shift else 0.0 for c in bad}
        return tuple(c.column for c in sorted(bad, key=lambda c: (-SEVERITY[c.outcome], -over[c.column])))

    def view(self) -> View:
        rows = tuple(
            (
                c.column,
                c.feature_class + ("" if c.declared else " (assumed)"),
                "" if c.shift is None else f"{c.shift.value:.4f}",
                "" if c.shift is None else f"{c.shift.alarm_at:.3f}",
                c.outcome.value,
            )
            for c in self.columns
        )
        return View(
            title=f"drift of {self.rows_current:,} rows against {self.rows_reference:,}",
            columns=("column", "class", self.detector, "alarm at", "outcome"),
            rows=rows,
            findings=self.findings,
        )


def drift(
    reference: pa.Table, current: pa.Table, *, classes: Mapping[str, str], detector: str | Detector = "psi"
) -> DriftReport:
    """Compare the features of a current window with those of the reference window (usually the training rows).

    reference, current: one row a scored case, at least one row each. classes: feature name -> one of CLASSES; a column
    that is not declared gets a class by its type, and an info finding says so. detector: a name of the plug-in group
    `workbench.detectors`, or the detector itself.
    Raises BadInput for an empty window and UnknownName for a class or a declared column that is not there.
    """
    _refuse_unusable(reference, current, classes)
    compare: Detector = plugins.load("workbench.detectors", detector) if isinstance(detector, str) else detector
    columns: list[ColumnDrift] = []
    findings: list[Finding] = []
    for name in dict.fromkeys((*reference.column_names, *current.column_names)):
        feature_class = _class(name, reference if name in reference.column_names else current, classes)
        column, found = _judge(name, feature_class, name in classes, reference, current, compare)
        columns.append(column)
        findings += found
    return DriftReport(
        detector=detector if isinstance(detector, str) else getattr(detector, "__name__", type(detector).__name__),
        rows_reference=reference.num_rows,
        rows_current=current.num_rows,
        columns=tuple(columns),
        findings=tuple(findings),
    )


def _refuse_unusable(reference: pa.Table, current: pa.Table, classes: Mapping[str, str]) -> None:
    for role, table in (("reference", reference), ("current", current)):
        if table.num_rows == 0:
            raise BadInput(f"the {role} window is empty", why="shares of nothing do not exist", fix="widen the window")
    there = {*reference.column_names, *current.column_names}
    for name, given in classes.items():
        if given not in CLASSES:
            raise unknown(f"feature class (declared for '{name}')", given, CLASSES)
        if name not in there:
            raise unknown("column", name, there, fix="declare classes for the columns of the two windows")


def _class(name: str, table: pa.Table, classes: Mapping[str, str]) -> FeatureClass:
    """The declared class, or what the type suggests: times accumulate, near-unique names are ids, all else is a sample."""
    for known in CLASSES:
        if classes.get(name) == known:
            return known
    column = table[name]
    if not (is_number(column.type) or is_level(column.type)):
        return "accumulating"
    countable = is_level(column.type) or pa.types.is_integer(column.type)
    if countable and table.num_rows > 1 and pc.count_distinct(column).as_py() > MOSTLY_DISTINCT * table.num_rows:
        return "id"
    return "sample"


def _judge(
    name: str, feature_class: FeatureClass, declared: bool, reference: pa.Table, current: pa.Table, compare: Detector
) -> tuple[ColumnDrift, list[Finding]]:
    """One column's line and its findings."""
    shift: Shift | None = None
    ranges: tuple[tuple[float, float] | None, tuple[float, float] | None] = (None, None)
    if feature_class == "id":
        finding = _finding(name, Outcome.NOT_APPLICABLE, "an id is a name, not a quantity: not monitored")
    elif name not in current.column_names or name not in reference.column_names:
        finding = _one_sided(name, in_reference=name in reference.column_names)
    elif is_number(reference[name].type) != is_number(current[name].type):
        kinds = f"it was {reference[name].type} and is {current[name].type}"
        finding = _finding(name, Outcome.FAIL, f"changed its type: {kinds}", "mend the query that makes this column")
    elif feature_class == "sample":
        shift = compare(reference[name], current[name])
        finding = _sample(name, shift)
    else:
        ranges = (_range(reference[name]), _range(current[name]))
        finding = _in_range(name, feature_class, reference[name], current[name], ranges)
    findings = [finding]
    if not declared:
        findings.append(_finding(name, Outcome.INFO, f"no class declared: treated as {feature_class}", _DECLARE))
    column = ColumnDrift(
        column=name,
        feature_class=feature_class,
        declared=declared,
        shift=shift,
        range_reference=ranges[0],
        range_current=ranges[1],
        outcome=finding.outcome,
    )
    return column, findings


_DECLARE = "declare sample, calendar, accumulating or id for it"


def _finding(name: str, outcome: Outcome, message: str, fix: str = "", **evidence: JsonValue) -> Finding:
    return Finding(check=f"drift.{name}", outcome=outcome, message=f"{name}: {message}", fix=fix, evidence=evidence)


def _one_sided(name: str, *, in_reference: bool) -> Finding:
    if in_reference:
        return _finding(name, Outcome.FAIL, "is missing in the current window", "mend the query that makes this column")
    return _finding(name, Outcome.INFO, "is new: the reference does not hold it", "take it into the next reference")


def _sample(name: str, shift: Shift) -> Finding:
    outcome, limit = Outcome.PASS, shift.warn_at
    if shift.value > shift.alarm_at:
        outcome, limit = Outcome.FAIL, shift.alarm_at
    elif shift.value > shift.warn_at:
        outcome = Outcome.WARN
    message = f"moved by {shift.value:.4f}, limit {limit:.3f}"
    if outcome is not Outcome.PASS:
        message += f"; most in {shift.moved}"
    if shift.new_levels:
        message += f"; {shift.new_levels:,} new level(s) in {shift.new_rows:,} row(s)"
    fix = "find what changed upstream; if it is here to stay, train again on newer rows"
    return _finding(name, outcome, message, "" if outcome is Outcome.PASS else fix, **shift.model_dump(mode="json"))


def _range(column: pa.ChunkedArray) -> tuple[float, float] | None:
    """Least and greatest finite value; None when there is none, or when the column does not hold numbers."""
    if not is_number(column.type):
        return None
    values = numbers(column)
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else None


def _in_range(
    name: str,
    feature_class: FeatureClass,
    reference: pa.ChunkedArray,
    current: pa.ChunkedArray,
    ranges: tuple[tuple[float, float] | None, tuple[float, float] | None],
) -> Finding:
    """A calendar value well outside the range of the reference warns; an accumulating one leaves it by nature."""
    before, now = ranges
    if feature_class == "accumulating":
        note, inside, outside, fix = "not comparable between windows", Outcome.INFO, Outcome.INFO, ""
    else:
        note, inside, outside = "range check only", Outcome.PASS, Outcome.WARN
        fix = "the model has not seen such a value: judge its predictions by hand"
    if before and now:
        message = f"{now[0]:,.6g} to {now[1]:,.6g}, in the reference {before[0]:,.6g} to {before[1]:,.6g} ({note})"
        if before[0] <= now[0] and now[1] <= before[1]:
            return _finding(name, inside, message)
        slack = SLACK * (before[1] - before[0])
        if before[0] - slack <= now[0] and now[1] <= before[1] + slack:
            return _finding(name, Outcome.INFO, message)
        return _finding(name, outside, message, fix)
    if is_level(reference.type) and is_level(current.type):
        new = sorted(level_counts(current).keys() - level_counts(reference).keys())
        if new:
            return _finding(name, outside, f"{len(new):,} new level(s), for example '{new[0]}' ({note})", fix)
        return _finding(name, inside, f"no new level ({note})")
    return _finding(name, Outcome.INFO, f"no range to compare ({note})")
