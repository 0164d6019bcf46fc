from __future__ import annotations

from tests.conftest import NOON
from tests.export.conftest import papers
from workbench.export.card import card
from workbench.findings import Finding, Outcome
from workbench.records.encoding import Column, Encoding, LeftOut
from workbench.records.model import Evaluation, Gain, ModelManifest, Score

EVALUATION = Evaluation(
    split="test",
    rows=21_049,
    baseline="column baseline_mean8",
    scores=(Score(metric="wape", unit="%", higher_is_better=False, model=45.8, baseline=52.75),),
    gain=Gain(metric="wape", unit="%", value=6.95, low=5.6, high=8.4, entity="product_id", resamples=500),
    findings=(Finding(check="leak", outcome=Outcome.WARN, message="disc1 alone nearly tells the target"),),
)
PROVEN = Finding(check="export.parity.held_out", outcome=Outcome.PASS, message="5,000 held-out rows: largest difference 2e-05")


def manifest(**fields: object) -> ModelManifest:
    trained = papers(2)
    return ModelManifest(**{
        "name": "demand", "model_version": 3, "created": NOON, "created_by": "ana", "family": "histgb",
        "task": "regression", "target": "units", "encoding": trained.encoding, "files": {}, "run_id": "r-1",
        "datasets": {"sales": "ab" * 32}, "evaluations": (EVALUATION,), "evidence": (PROVEN,), **fields,
    })  # fmt: skip


def test_the_sections_come_in_the_order_of_a_readers_questions():
    lines = card(manifest(), notice="").splitlines()
    assert [line for line in lines if line.startswith("#")] == [
        "# demand, version 3",
        "## Data",
        "## How good it is",
        "## Proof that this file is the trained model",
        "## Limits",
    ]


def test_model_and_baseline_stand_side_by_side_with_the_verdict():
    text = card(manifest(), notice="")
    assert "| wape (%) | 45.8 | 52.75 |" in text
    assert "Better: **model** (wape +6.95, 95 % interval 5.6 to 8.4)." in text


def test_data_proof_run_and_notice_are_named():
    text = card(manifest(), notice="Simulated data, for education.")
    assert "- `sales`, content sha256 `abababababab`" in text
    assert "- 5,000 held-out rows: largest difference 2e-05" in text
    assert "Exported 2026-11-22 12:00 UTC by ana from the run `r-1`." in text
    assert "Simulated data, for education." in text


def test_limits_tell_of_warnings_unused_columns_and_refused_missing_values():
    encoding = Encoding(columns=(Column(name="a", kind="numeric"),), left_out=(LeftOut(name="id", reason="identifier"),))
    refused = Finding(check="export.parity.missing", outcome=Outcome.NOT_APPLICABLE, message="refuses NaN")
    text = card(manifest(encoding=encoding, evidence=(PROVEN, refused)), notice="")
    assert "- test: disc1 alone nearly tells the target" in text
    assert "- `id` is not used: identifier." in text
    assert "- It takes no missing values: the scorer refuses such rows." in text


def test_words_of_people_cannot_become_markup():
    text = card(manifest(created_by="<script>"), notice="# [x](javascript:1)\n| a |")
    assert r"by \<script\>" in text
    assert r"\# \[x\](javascript:1) \| a \|" in text


def test_a_model_that_was_not_evaluated_says_so():
    assert "It was not evaluated." in card(manifest(evaluations=()), notice="")
