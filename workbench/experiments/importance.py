"""Which columns the model leans on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from workbench.experiments import metrics
from workbench.experiments.evaluate import headline
from workbench.experiments.fit import Fitted
from workbench.experiments.prepare import Prepared

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ROWS = 4_000
REPEATS = 3


class Importance(BaseModel):
    """How much the headline metric worsens when one raw column is shuffled; `spread`: standard deviation over shuffles."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str
    worsening: float
    spread: float


def permutation_importance(fitted: Fitted, prepared: Prepared, top: int = 10) -> tuple[Importance, ...]:
    """The `top` raw columns by how much worse the headline metric gets on test rows when each is shuffled, worst first.

    All features of one text column are shuffled together. On at most 4,000 rows, three shuffles a column. Columns that say
    the same share their importance: shuffling one leaves the other. Source: Breiman 2001, "Random forests", section 10.
    """
    import numpy as np

    part = prepared.part("test")
    rng = np.random.default_rng(fitted.seed)
    rows = rng.permutation(len(part.y))[:ROWS]
    x, y = part.x[rows], part.y[rows]
    scale = 1.0 if part.scale is None else part.scale[rows]
    weights = np.ones(len(rows))
    sign = 1.0 if metrics.METRICS[prepared.task][0].higher_is_better else -1.0

    def score(matrix: NDArray[np.float32]) -> float:
        return sign * headline(prepared.task, y, fitted.predict_matrix(matrix) * scale)(weights)

    whole = score(x)
    found, start = [], 0
    for column in fitted.encoding.columns:
        stop = start + len(column.features)
        drops = []
        for _ in range(REPEATS):
            shuffled = x.copy()
            shuffled[:, start:stop] = x[rng.permutation(len(rows)), start:stop]
            drops.append(whole - score(shuffled))
        found.append(Importance(column=column.name, worsening=float(np.mean(drops)), spread=float(np.std(drops))))
        start = stop
    return tuple(sorted(found, key=lambda i: -i.worsening)[:top])
