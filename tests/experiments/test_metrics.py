"""Each metric is the one that people know: equal to scikit-learn's, and to a count by hand where it has none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as known

from workbench.experiments import metrics

COARSE = st.integers(0, 8).map(lambda i: i / 8)  # few values, so that ties are common


@st.composite
def ranked(draw):
    n = draw(st.integers(2, 60))
    y = np.array(draw(st.lists(st.integers(0, 1), min_size=n, max_size=n)))
    assume(0 < y.sum() < n)
    return y, np.array(draw(st.lists(COARSE, min_size=n, max_size=n)))


@given(ranked())
def test_binary_metrics_equal_scikit_learn(case):
    y, score = case
    ours = metrics.binary(y, score)
    assert ours["pr_auc"] == pytest.approx(known.average_precision_score(y, score))
    assert ours["roc_auc"] == pytest.approx(known.roc_auc_score(y, score))
    assert ours["brier"] == pytest.approx(known.brier_score_loss(y, score))


@given(ranked(), st.data())
def test_a_weight_of_n_is_a_row_that_stands_there_n_times(case, data):
    y, score = case
    times = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(y), max_size=len(y))))
    assume((y * times).sum() > 0)
    repeated = known.average_precision_score(np.repeat(y, times), np.repeat(score, times))
    assert metrics.pr_auc(y, score)(times.astype(float)) == pytest.approx(repeated)


@given(arrays(float, 30, elements=st.floats(-1e3, 1e3)), arrays(float, 30, elements=st.floats(-1e3, 1e3)))
def test_regression_metrics_equal_scikit_learn(y, predicted):
    assume(np.abs(y).sum() > 1e-3)
    ours = metrics.regression(y, predicted)
    assert ours["mae"] == pytest.approx(known.mean_absolute_error(y, predicted))
    assert ours["rmse"] == pytest.approx(known.root_mean_squared_error(y, predicted))
    assert metrics.wape(y, predicted)(np.ones(30)) == pytest.approx(ours["wape"])


def test_wape_and_bias_by_hand():
    ours = metrics.regression(np.array([2.0, 0, 8]), np.array([3.0, 1, 5]))
    assert (ours["wape"], ours["bias"]) == (50.0, -10.0)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=50))
def test_multiclass_metrics_equal_scikit_learn(pairs):
    y, predicted = np.array(pairs).T
    ours = metrics.multiclass(y, predicted, None)
    assert ours["accuracy"] == pytest.approx(known.accuracy_score(y, predicted))
    assert ours["macro_f1"] == pytest.approx(known.f1_score(y, predicted, average="macro", zero_division=0))
    assert ours["log_loss"] is None


def test_log_loss_equals_scikit_learn():
    rng = np.random.default_rng(0)
    probability = rng.dirichlet([1, 1, 1], 100)
    y = rng.integers(0, 3, 100)
    ours = metrics.multiclass(y, probability.argmax(axis=1), probability)
    assert ours["log_loss"] == pytest.approx(known.log_loss(y, probability))


def test_a_count_ranks_but_has_no_calibration():
    ours = metrics.binary(np.array([0, 1, 0, 1]), np.array([0.0, 3, 1, 2]))
    assert (ours["pr_auc"], ours["brier"], ours["ece10"]) == (1.0, None, None)


def test_calibration_error_by_hand():
    y = np.array([0, 1, 1, 1])
    probability = np.array([0.25, 0.25, 1.0, 0.95])  # bins .2-.3: |1 - 0.5|; .9-1: |2 - 1.95|
    assert metrics.calibration_error(y, probability) == pytest.approx((0.5 + 0.05) / 4)


def test_lift_by_hand():
    y = np.array([1, 1] + [0] * 18)
    assert metrics.lift(y, np.arange(20.0)[::-1]) == pytest.approx(10)


@given(ranked(), st.randoms())
def test_lift_does_not_hang_on_the_order_of_tied_rows(case, order):
    y, score = case
    places = list(range(len(y)))
    order.shuffle(places)
    assert metrics.lift(y[places], score[places]) == pytest.approx(metrics.lift(y, score))
