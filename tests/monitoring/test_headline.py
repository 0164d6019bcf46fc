from __future__ import annotations

import pyarrow as pa

from workbench.findings import Outcome
from workbench.monitoring.headline import combined
from workbench.monitoring.inputs import DriftReport, drift
from workbench.monitoring.outcomes import PerformanceReport, performance
from workbench.monitoring.psi import psi


def moved(yes: bool) -> DriftReport:
    reference = pa.table({"price": [1.0, 2.0] * 500})
    current = pa.table({"price": [9.0, 9.5] * 500}) if yes else reference
    return drift(reference, current, classes={"price": "sample"}, detector=psi)


def worse(yes: bool) -> PerformanceReport:
    predicted = [15.0, 15.0] if yes else [9.9, 10.1]
    table = pa.table({"week": [1, 1, 2, 2], "y": [10.0] * 4, "p": predicted * 2})
    return performance(table, actual="y", prediction="p", window="week", task="regression")


def test_a_model_that_got_worse_on_unmoved_inputs_is_the_alarm_that_drift_alone_misses():
    report = combined(moved(False), worse(True))
    assert report.headline.startswith("worse although no input moved")
    assert report.outcome is Outcome.FAIL


def test_each_of_the_six_situations_has_its_own_sentence():
    situations = [combined(moved(m), p).headline for m in (True, False) for p in (worse(True), worse(False), None)]
    assert len(set(situations)) == 6


def test_the_headline_names_the_inputs_that_moved():
    assert combined(moved(True)).view().facts == (("inputs that moved", "price"),)
