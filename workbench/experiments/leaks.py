"""A guard against the commonest leak: a feature that knows the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.experiments.metrics import roc_auc
from workbench.findings import Finding, Outcome
from workbench.records.model import Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NEAR_PERFECT = 0.98
ROWS = 20_000


def leaks(x: NDArray[np.float32], y: NDArray[np.float64], names: tuple[str, ...], task: Task) -> list[Finding]:
    """A warning for each feature that alone nearly tells the target. Passing proves nothing: many leaks look modest.

    x: [n, k] training rows; y: [n] target or class index; names: the k features.
    The score is |Spearman's ρ| for a regression, and for classes the mean over them of max(AUC, 1 − AUC), one class
    against the rest. A missing value ranks lowest, so that "missing only when the answer is no" is seen too.
    """
    import numpy as np

    rows = np.random.default_rng(0).permutation(len(y))[:ROWS]
    x, y = x[rows], y[rows]
    found = []
    for place, name in enumerate(names):
        column = np.nan_to_num(x[:, place].astype(np.float64), nan=-np.inf)
        score = _spearman(column, y) if task == "regression" else _separation(column, y)
        if score >= NEAR_PERFECT:
            found.append(
                Finding(
                    check="experiments.leak",
                    outcome=Outcome.WARN,
                    message=f"'{name}' alone nearly tells the target (score {score:.3f} of 1)",
                    fix="find out whether it is known at the time of the decision; if not, exclude it",
                    evidence={"feature": name, "score": round(score, 4), "rows": len(y)},
                )
            )
    return found


def _spearman(column: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    import numpy as np

    a, b = _ranks(column), _ranks(y)
    if a.std() == 0 or b.std() == 0:
        return 0.0
    return abs(float(np.corrcoef(a, b)[0, 1]))


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks 1..n, ties share their mean."""
    import numpy as np

    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(count) - (count - 1) / 2)[place], dtype=np.float64)


def _separation(column: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    import numpy as np

    scores = []
    for label in np.unique(y):
        area = roc_auc((y == label).astype(np.int64), column)
        scores.append(max(area, 1 - area))
    return float(np.mean(scores))
