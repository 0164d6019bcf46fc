"""A gain is only claimed when chance does not explain it, and what the model is compared with is said."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from workbench.errors import BadInput
from workbench.experiments import Fitted, Prepared, Split, evaluate, fit, prepare
from workbench.findings import Outcome

N = 600
PART = ["train"] * 300 + ["test"] * 300


def case(**columns: object) -> Prepared:
    rng = np.random.default_rng(0)
    data = {"x": rng.normal(size=N), "y": rng.gamma(2.0, size=N), "shop": np.arange(N) % 30, "part": PART}
    baseline = "naive" if "naive" in columns else None
    return prepare(pa.table(data | columns), target="y", ids=("shop",), baseline=baseline, split=Split(column="part"))


def answering(prepared: Prepared, answer: object) -> Fitted:
    """A model that gives `answer` for the test rows."""
    fitted = fit(prepared, family="linear", seed=0)
    return replace(fitted, native=SimpleNamespace(predict=lambda x: answer, predict_proba=lambda x: answer))


def test_noise_is_not_separable_and_says_so():
    judged = evaluate(fit(case(), family="linear", seed=0), case())
    assert judged.verdict == "not separable"
    assert judged.findings[0].outcome is Outcome.WARN
    assert "use the baseline" in judged.findings[0].fix


def test_a_perfect_model_gains_the_whole_error_of_its_baseline():
    prepared = case()
    y = prepared.part("test").y
    judged = evaluate(answering(prepared, y), prepared)
    assert judged.score("wape").model == 0
    assert judged.gain.value == pytest.approx(judged.score("wape").baseline)
    assert (judged.verdict, judged.gain.entity, judged.gain.resamples) == ("model", "shop", 200)
    assert judged.gain.low < judged.gain.value < judged.gain.high


def test_a_model_worse_than_its_baseline_loses():
    prepared = case(naive=case().table["y"])
    assert evaluate(answering(prepared, np.zeros(300)), prepared).verdict == "baseline"


def test_two_equal_predictions_have_no_gain_at_all():
    prepared = case(naive=np.ones(N))
    gain = evaluate(answering(prepared, np.ones(300)), prepared).gain
    assert (gain.value, gain.low, gain.high, gain.verdict) == (0, 0, 0, "not separable")


def test_rows_of_one_entity_are_drawn_together():
    """Ten copies of each row say nothing new, and the interval must know that."""
    rng = np.random.default_rng(0)
    once = {"x": rng.normal(size=60), "y": rng.gamma(2.0, size=60)}
    tenfold = {name: np.repeat(values, 10) for name, values in once.items()}
    data = pa.table({**tenfold, "shop": np.repeat(np.arange(60), 10), "part": PART})
    prepared = prepare(data, target="y", ids=("shop",), split=Split(column="part"))
    fitted = answering(prepared, prepared.part("test").y * 0.5)
    by_shop, by_row = evaluate(fitted, prepared).gain, evaluate(fitted, prepared, entity="").gain
    assert (by_shop.high - by_shop.low) > 2 * (by_row.high - by_row.low)


def test_a_missing_baseline_is_refused():
    prepared = case(naive=[None, *[1.0] * (N - 2), None])
    with pytest.raises(BadInput, match="missing in 1 rows of 'test'"):
        evaluate(answering(prepared, np.ones(300)), prepared)


def test_an_evaluation_is_the_same_each_time():
    prepared = case()
    fitted = fit(prepared, family="linear", seed=0)
    assert evaluate(fitted, prepared) == evaluate(fitted, prepared)


def test_a_test_with_one_class_is_refused():
    labels = [0, 1] * 150 + [0] * 300
    prepared = prepare(pa.table({"x": np.arange(N) % 7, "y": labels, "part": PART}), target="y", split=Split(column="part"))
    with pytest.raises(BadInput, match="has one class only"):
        evaluate(fit(prepared, family="linear", seed=0), prepared)


def test_a_label_can_be_the_baseline_of_several_classes():
    grades = np.array(["low", "mid", "top"])[np.arange(N) % 3]
    naive = np.where(np.arange(N) % 2 == 0, grades, "low")
    data = pa.table({"x": np.arange(N) % 3 * 1.0, "y": grades, "baseline_y": naive, "part": PART})
    prepared = prepare(data, target="y", baseline="baseline_y", split=Split(column="part"))
    judged = evaluate(fit(prepared, family="histgb", seed=0), prepared)
    assert (judged.score("accuracy").model, judged.score("accuracy").baseline) == (1, pytest.approx(2 / 3))
    assert judged.score("log_loss").baseline is None
