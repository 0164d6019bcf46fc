"""The metrics, on plain arrays. Each equals scikit-learn's where it has one (a test holds them to it).

The three headline metrics come as functions of row weights: a bootstrap draws weights 200 times, and what does not depend
on them (sorting, residuals) is done once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    OfWeights = Callable[[Floats], float]


class Metric(NamedTuple):
    """Name, unit, direction."""

    name: str
    unit: str
    higher_is_better: bool


METRICS: dict[str, tuple[Metric, ...]] = {  # per task, the headline first
    "regression": (
        Metric("wape", "%", False),
        Metric("mae", "", False),
        Metric("rmse", "", False),
        Metric("bias", "%", False),
    ),
    "binary": (
        Metric("pr_auc", "", True),
        Metric("roc_auc", "", True),
        Metric("brier", "", False),
        Metric("ece10", "", False),
        Metric("lift10", "", True),
    ),
    "multiclass": (Metric("accuracy", "", True), Metric("macro_f1", "", True), Metric("log_loss", "", False)),
}


def regression(y: Floats, predicted: Floats) -> dict[str, float]:
    """WAPE = 100 Σ|ŷ−y| / Σ|y|, MAE, RMSE, bias = 100 Σ(ŷ−y) / Σ|y| (negative: too little is predicted).

    y, predicted: [n], in units of the target. WAPE and bias are NaN when every target is 0.
    Source: Kolassa and Schütz 2007, "Advantages of the MAD/Mean ratio over the MAPE" (WAPE is MAD/mean).
    """
    import numpy as np

    error = predicted - y
    total = float(np.abs(y).sum())
    return {
        "wape": 100 * float(np.abs(error).sum()) / total if total else float("nan"),
        "mae": float(np.abs(error).mean()),
        "rmse": float(np.sqrt(np.square(error).mean())),
        "bias": 100 * float(error.sum()) / total if total else float("nan"),
    }


def binary(y: Ints, score: Floats) -> dict[str, float | None]:
    """PR-AUC, ROC-AUC, Brier, ECE over 10 bins, lift in the top 10 %.

    y: [n], 1 for the positive class, else 0; both occur. score: [n]; any order-giving number ranks, only probabilities
    (all in 0..1) have a Brier score and a calibration error, so for others these are None.
    """
    import numpy as np

    is_probability = bool(score.min() >= 0 and score.max() <= 1)
    return {
        "pr_auc": pr_auc(y, score)(np.ones(len(y))),
        "roc_auc": roc_auc(y, score),
        "brier": float(np.square(score - y).mean()) if is_probability else None,
        "ece10": calibration_error(y, score) if is_probability else None,
        "lift10": lift(y, score),
    }


def multiclass(y: Ints, predicted: Ints, probability: Floats | None) -> dict[str, float | None]:
    """Accuracy, macro F1, log loss. y, predicted: [n] class indices; probability: [n, classes], None for a bare label."""
    import numpy as np

    log_loss = None
    if probability is not None:
        of_truth = np.clip(probability[np.arange(len(y)), y], np.finfo(np.float32).eps, 1)
        log_loss = float(-np.log(of_truth).mean())
    return {
        "accuracy": float((y == predicted).mean()),
        "macro_f1": macro_f1(y, predicted),
        "log_loss": log_loss,
    }


def wape(y: Floats, predicted: Floats) -> OfWeights:
    """100 Σ w|ŷ−y| / Σ w|y| as a function of the row weights w [n]."""
    import numpy as np

    error, size = np.abs(predicted - y), np.abs(y)
    return lambda weights: 100 * float(weights @ error) / float(weights @ size)


def pr_auc(y: Ints, score: Floats) -> OfWeights:
    """Average precision Σ (R_k − R_{k−1}) P_k over the distinct scores, high to low, as a function of the row weights.

    NaN when no positive row has weight. Rows of one score enter together, so their order does not matter.
    Source: Davis and Goadrich 2006; sklearn.metrics.average_precision_score.
    """
    import numpy as np

    order = np.argsort(-score, kind="stable")
    hit, ranked = y[order].astype(np.float64), score[order]
    ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)

    def of_weights(weights: Floats) -> float:
        drawn = weights[order]
        found = np.cumsum(drawn * hit)[ends]
        taken = np.cumsum(drawn)[ends]
        if found[-1] == 0:
            return float("nan")
        precision = found / np.maximum(taken, 1e-300)
        return float((np.diff(found, prepend=0.0) * precision).sum() / found[-1])

    return of_weights


def accuracy(y: Ints, predicted: Ints) -> OfWeights:
    """Σ w [ŷ = y] / Σ w as a function of the row weights w [n]."""
    import numpy as np

    hit = (y == predicted).astype(np.float64)
    return lambda weights: float(weights @ hit) / float(weights.sum())


def macro_f1(y: Ints, predicted: Ints) -> float:
    """Mean of 2 tp / (2 tp + fp + fn) over the classes that occur in y or predicted."""
    import numpy as np

    k = int(max(y.max(), predicted.max())) + 1
    confusion = np.bincount(y * k + predicted, minlength=k * k).reshape(k, k)
    total = confusion.sum(axis=0) + confusion.sum(axis=1)
    seen = total > 0
    return float((2 * np.diag(confusion)[seen] / total[seen]).mean())


def roc_auc(y: Ints, score: Floats) -> float:
    """Chance that a random positive row scores above a random negative one, ties count half (Mann-Whitney U).

    NaN when only one class occurs.
    """
    import numpy as np

    positives = int(y.sum())
    pairs = positives * (len(y) - positives)
    if pairs == 0:
        return float("nan")
    _, place, count = np.unique(score, return_inverse=True, return_counts=True)
    mean_rank = np.cumsum(count) - (count - 1) / 2
    return float((mean_rank[place][y == 1].sum() - positives * (positives + 1) / 2) / pairs)


def calibration_error(y: Ints, probability: Floats, bins: int = 10) -> float:
    """Expected calibration error: Σ_b n_b/n · |mean(y) − mean(p)| over `bins` equally wide bins of p.

    Source: Naeini et al. 2015, "Obtaining well calibrated probabilities using Bayesian binning".
    """
    import numpy as np

    place = np.minimum((probability * bins).astype(np.int64), bins - 1)
    gap = np.bincount(place, weights=y - probability, minlength=bins)
    return float(np.abs(gap).sum() / len(y))


def lift(y: Ints, score: Floats, share: float = 0.1) -> float:
    """Positive rate among the `share` of rows with the highest scores, divided by that of all rows.

    Rows that tie at the border enter by the part of them that fits, so the figure does not hang on the rows' order.
    """
    import numpy as np

    _, place, count = np.unique(-score, return_inverse=True, return_counts=True)
    hits = np.bincount(place, weights=y.astype(np.float64))
    room = share * len(y)
    before = np.cumsum(count) - count
    part = np.clip((room - before) / count, 0, 1)
    return float((hits * part).sum() / room / y.mean())
