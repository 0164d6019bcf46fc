"""Every family learns, predicts in the units of the target, and gives the same model for the same seed."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import BadInput, UnknownName
from workbench.experiments import Split, evaluate, fit, permutation_importance, prepare
from workbench.experiments.families import FAMILIES, complete

RNG = np.random.default_rng(1)
N = 900
A, B = RNG.normal(size=N), np.where(RNG.random(N) < 0.1, np.nan, RNG.normal(size=N))
KIND = RNG.choice(["x", "y"], N)
SIGNAL = 2 * A + (KIND == "x")
LEVEL = np.exp(RNG.normal(1, 1, N))
DATA = pa.table(
    {
        "a": A,
        "b": B,
        "kind": KIND,
        "amount": SIGNAL + RNG.normal(0, 0.2, N),
        "units": LEVEL * np.exp(0.5 * A) + 0.01,
        "level": LEVEL,
        "yes": (SIGNAL + RNG.normal(0, 0.5, N) > 0.5).astype(int),
        "grade": np.array(["low", "mid", "top"])[np.digitize(SIGNAL, [-1, 1])],
    }
)
OTHERS = ("amount", "units", "level", "yes", "grade")


def prepared(target: str, **options: object):
    return prepare(DATA, target=target, exclude=[c for c in OTHERS if c not in (target, options.get("scale"))], **options)


@pytest.mark.parametrize("family", list(FAMILIES))
@pytest.mark.parametrize("target", ["amount", "yes", "grade"])
def test_every_family_beats_the_naive_answer_on_every_task(family: str, target: str):
    case = prepared(target)
    judged = evaluate(fit(case, family=family, seed=7), case)
    assert judged.verdict == "model", judged.view()


@pytest.mark.parametrize("family", list(FAMILIES))
def test_with_a_scale_predictions_are_in_the_units_of_the_target(family: str):
    case = prepared("units", scale="level")
    fitted = fit(case, family=family, seed=7)
    judged = evaluate(fitted, case)
    assert judged.score("wape").model < 20
    predicted = fitted.predict(case.part("test").table)
    np.testing.assert_allclose(predicted, fitted.predict_matrix(case.part("test").x) * case.part("test").scale)


@pytest.mark.parametrize("family", list(FAMILIES))
def test_the_same_seed_gives_the_same_model(family: str):
    case = prepared("yes")
    first, second = (fit(case, family=family, seed=3).predict(DATA) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_a_fit_leaves_the_global_seed_alone():
    torch = pytest.importorskip("torch")
    torch.manual_seed(1)
    expected = torch.rand(1)
    torch.manual_seed(1)
    fit(prepared("yes"), family="mlp", seed=3)
    assert torch.rand(1) == expected


def test_linear_and_histgb_use_the_validation_rows_and_the_network_stops_on_them():
    case = prepared("yes")
    assert {family: fit(case, family=family, seed=0).refitted for family in FAMILIES} == {
        "linear": True, "histgb": True, "mlp": False
    }  # fmt: skip


def test_rows_that_a_model_was_fitted_on_cannot_judge_it():
    case = prepared("yes")
    with pytest.raises(BadInput, match="it was fitted on them"):
        evaluate(fit(case, family="linear", seed=0), case, "validate")
    assert evaluate(fit(case, family="linear", seed=0, refit=False), case, "validate").split == "validate"


def test_a_network_reports_its_losses_and_can_do_without_validation_rows():
    case = prepared("amount", split=Split(validate_share=0))
    told: list[int] = []
    fit(case, family="mlp", seed=0, settings={"epochs": 3}, on_epoch=lambda epoch, losses: told.append(epoch))
    assert told == [1, 2, 3]


def test_a_misspelt_family_or_setting_names_the_nearest():
    with pytest.raises(UnknownName, match="did you mean 'histgb'"):
        fit(prepared("yes"), family="histgbm", seed=0)
    with pytest.raises(UnknownName, match="did you mean 'learning_rate'"):
        fit(prepared("yes"), family="histgb", seed=0, settings={"learning_rat": 0.1})


def test_a_setting_of_another_type_is_refused():
    with pytest.raises(BadInput, match="same type as its default"):
        complete("histgb", "binary", 100, {"trees": "many"})
    assert complete("histgb", "binary", 100, {"l2": 3})["l2"] == 3.0


def test_a_loss_that_would_export_wrong_is_refused():
    with pytest.raises(BadInput, match="would be wrong"):
        complete("histgb", "regression", 100, {"loss": "poisson"})


@given(st.sampled_from(sorted(FAMILIES)), st.sampled_from(["regression", "binary", "multiclass"]), st.integers(1, 10**6))
def test_what_is_set_is_never_changed(family, task, rows):
    asked = complete(family, task, rows, {})
    assert complete(family, task, 10, asked) == asked


def test_the_column_that_tells_most_comes_first():
    case = prepared("amount")
    found = permutation_importance(fit(case, family="histgb", seed=0), case, top=2)
    assert [i.column for i in found] == ["a", "kind"]
    assert found[0].worsening > 10 * found[0].spread
