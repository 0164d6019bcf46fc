"""Fitting: from prepared rows to a model that predicts."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from workbench.errors import BadInput
from workbench.experiments import families, mlp
from workbench.experiments.prepare import Part, Prepared
from workbench.machine import effective_cpus
from workbench.plugins import need
from workbench.records.encoding import Encoding
from workbench.records.model import Label, Split, Task

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Matrix = NDArray[np.float32]

HOLDOUT = 5_000  # test rows that go with a model, so that an export can be compared on real rows


@dataclass(frozen=True)
class Fitted:
    """A model that was trained, with what it takes to use and judge it.

    native: the scikit-learn estimator or the torch module, from the float32 matrix of `encoding` to the raw output
        (regression: target, divided by the scale where there is one; classes: their probabilities or, in
        scikit-learn's manner, `predict_proba`). Classes are indices into `classes`.
    holdout: up to 5,000 rows of the test split, raw columns.
    """

    native: Any
    family: str
    settings: dict[str, JsonValue]
    seed: int
    refitted: bool
    task: Task
    target: str
    scale: str | None
    encoding: Encoding
    classes: tuple[Label, ...]
    baseline: str | None
    ids: tuple[str, ...]
    split: Split
    rows: dict[str, int]
    holdout: pa.Table

    def predict(self, table: pa.Table) -> Floats:
        """Predictions for raw rows: [n] in target units, [n] probability of the positive class, or [n, classes].

        Raises BadInput when a column that the model needs is missing or of another type.
        """
        import numpy as np
        import pyarrow as pa

        out = self.predict_matrix(self.encoding.matrix(table))
        if self.scale is None:
            return out
        if self.scale not in table.column_names:
            raise BadInput(
                f"the table lacks '{self.scale}'",
                why="the model predicts the target divided by it",
                fix="add the column from the feature query",
            )
        return out * np.asarray(table.column(self.scale).cast(pa.float64()).to_numpy(), dtype=np.float64)

    def predict_matrix(self, x: Matrix) -> Floats:
        """As `predict`, for the matrix [n, k] and before the scale: what an exported file must reproduce."""
        import numpy as np

        if self.family == "mlp":
            import torch

            with torch.inference_mode():
                out = self.native(torch.as_tensor(x)).numpy()
        else:
            out = self.native.predict(x) if self.task == "regression" else self.native.predict_proba(x)
        return np.asarray(out[:, 1] if self.task == "binary" else out, dtype=np.float64)


def fit(
    prepared: Prepared,
    *,
    family: str,
    seed: int,
    settings: Mapping[str, JsonValue] | None = None,
    refit: bool | None = None,
    on_epoch: mlp.OnEpoch = lambda _epoch, _losses: None,
) -> Fitted:
    """Train one family: 'linear', 'histgb' or 'mlp'.

    settings: over the family's defaults, which suit the task; what was used stands in the result.
    refit: train on train + validate (for settings that are chosen already). Default: yes for linear and histgb, no for
        mlp, whose training the validation rows stop. Without it the validation rows can still be scored.
    on_epoch: told the losses of each epoch of an mlp.
    Raises UnknownName for a family or setting that is not there, MissingExtra when its package is not installed.
    """
    kind = families.family(family)
    used = families.complete(family, prepared.task, prepared.rows["train"], settings or {})
    refit = kind.refit if refit is None else refit
    if refit and family == "mlp":
        raise BadInput(
            "an mlp cannot be refitted on the validation rows",
            why="they decide when its training stops",
            fix="leave refit out",
        )
    splits = ["train", "validate"] if refit and "validate" in prepared.rows else ["train"]
    rows = _joined([prepared.part(name) for name in splits])
    if family == "mlp":
        if used["output"] == "auto":
            used["output"] = "exp" if prepared.scale is not None and bool(rows.y.min() >= 0) else "linear"
        native: Any = _fit_mlp(prepared, rows, used, seed, on_epoch)
    else:
        build = families.linear if family == "linear" else families.histgb
        native = build(prepared.task, used, seed)
        weights = {} if prepared.scale is None else {_weight_name(family): rows.weight}
        with _threads(len(rows.y)):
            native.fit(rows.x, rows.y if prepared.task == "regression" else rows.y.astype(int), **weights)
    return Fitted(
        native=native,
        family=family,
        settings=used,
        seed=seed,
        refitted="validate" in splits,
        task=prepared.task,
        target=prepared.target,
        scale=prepared.scale,
        encoding=prepared.encoding,
        classes=prepared.classes,
        baseline=prepared.baseline,
        ids=prepared.ids,
        split=prepared.split,
        rows=prepared.rows,
        holdout=_holdout(prepared, seed),
    )


@contextmanager
def _threads(rows: int) -> Iterator[None]:
    """As many threads as processors are idle, and one for few rows; their number does not change the model.

    Threads that share a processor with others wait for each other: measured on 2 busy ones, 108,000 rows took 18 s with
    one thread and 55 s with two, and 4,000 rows 0.3 s and 13 s.
    """
    limits = need("threadpoolctl", extra="ml").threadpool_limits
    ours = effective_cpus()
    idle = (os.cpu_count() or 1) - round(os.getloadavg()[0])
    with limits(limits=1 if rows < families.SMALL else max(1, min(ours, idle))):
        yield


def _weight_name(family: str) -> str:
    return "model__sample_weight" if family == "linear" else "sample_weight"


def _joined(parts: list[Part]) -> mlp.Rows:
    """The rows of several parts; with a scale the target is a ratio and the scale its weight."""
    import numpy as np

    scales = [np.ones(len(part.y)) if part.scale is None else part.scale for part in parts]
    return mlp.Rows(
        x=np.concatenate([part.x for part in parts]),
        y=np.concatenate([part.y / (1.0 if part.scale is None else part.scale) for part in parts]),
        weight=np.concatenate(scales),
    )


def _fit_mlp(prepared: Prepared, rows: mlp.Rows, settings: Mapping[str, Any], seed: int, on_epoch: mlp.OnEpoch) -> Any:
    """Stops on the validation rows; where there are none, on a seventh of the training rows, drawn by the seed."""
    import numpy as np

    if "validate" in prepared.rows:
        fit_on, stop_on = rows, _joined([prepared.part("validate")])
    else:
        draw = np.random.default_rng(seed).permutation(len(rows.y))
        held = len(draw) // 7 or 1
        fit_on, stop_on = (mlp.Rows(rows.x[part], rows.y[part], rows.weight[part]) for part in (draw[held:], draw[:held]))
    return mlp.train(prepared.task, fit_on, stop_on, len(prepared.classes), settings, seed, on_epoch=on_epoch)


def _holdout(prepared: Prepared, seed: int) -> pa.Table:
    """Test rows in their order, thinned at random when there are more than 5,000."""
    import numpy as np

    rows = prepared.part("test").table
    if rows.num_rows <= HOLDOUT:
        return rows
    return rows.take(np.sort(np.random.default_rng(seed).permutation(rows.num_rows)[:HOLDOUT]))
