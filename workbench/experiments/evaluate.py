"""Is the model worth it? Its metrics beside the baseline's, and a gain with its uncertainty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.errors import BadInput
from workbench.experiments import metrics
from workbench.experiments.fit import Fitted
from workbench.experiments.prepare import Part, Prepared
from workbench.findings import Finding, Outcome
from workbench.records.model import Evaluation, Gain, Score, Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

RESAMPLES = 200


def evaluate(fitted: Fitted, prepared: Prepared, split: str = "test", *, entity: str | None = None) -> Evaluation:
    """Model and baseline on one split, and the gain on the headline metric with a 95 % interval.

    Headline: WAPE for a regression, PR-AUC for two classes, accuracy for more. The baseline is the prepared column, or
    where there is none the training mean (times the scale) or the training classes' shares.
    entity: column whose values are drawn together by the bootstrap; default: the first id, else rows.
    Raises BadInput for rows the model was fitted on, a missing baseline value, or too few classes to score.
    """
    import numpy as np

    if split == "train" or (split == "validate" and fitted.refitted):
        raise BadInput(
            f"the rows of '{split}' cannot judge this model",
            why="it was fitted on them",
            fix="evaluate another split" + (", or fit with refit=False" if split == "validate" else ""),
        )
    part = prepared.part(split)
    predicted = fitted.predict_matrix(part.x)
    if part.scale is not None:
        predicted = predicted * part.scale
    words, naive = _baseline(prepared, part, split)
    if prepared.task == "binary" and len(np.unique(part.y)) < 2:
        raise BadInput(f"'{split}' has one class only", why="no ranking can be judged there", fix="choose a longer test")
    ours, theirs = _scores(prepared, part.y, predicted), _scores(prepared, part.y, naive)
    scores = tuple(
        Score(
            metric=metric.name,
            unit=metric.unit,
            higher_is_better=metric.higher_is_better,
            model=_finite(ours[metric.name]),
            baseline=_finite(theirs[metric.name]),
        )
        for metric in metrics.METRICS[prepared.task]
    )
    entity = entity if entity is not None else (prepared.ids[0] if prepared.ids else "")
    gain = _gain(prepared, part, predicted, naive, entity)
    return Evaluation(
        split=split, rows=len(part.y), baseline=words, scores=scores, gain=gain, findings=(_verdict(split, gain),)
    )


def _baseline(prepared: Prepared, part: Part, split: str) -> tuple[str, Floats]:
    """What to compare with, in words, and its prediction: [n], or [n, classes] shares for several classes."""
    import numpy as np

    if part.baseline is not None:
        missing = int(np.isnan(part.baseline).sum())
        if missing:
            raise BadInput(
                f"the baseline '{prepared.baseline}' is missing in {missing:,} rows of '{split}'",
                why="model and baseline must be judged on the same rows",
                fix="fill it in the feature query",
            )
        return f"column '{prepared.baseline}'", part.baseline
    train = prepared.part("train")
    if prepared.task == "regression":
        if train.scale is None or part.scale is None:
            return "mean of the training rows", np.full(len(part.y), train.y.mean())
        return f"training mean of target / {prepared.scale}", part.scale * (train.y.sum() / train.scale.sum())
    shares = np.bincount(train.y.astype(int), minlength=len(prepared.classes)) / len(train.y)
    if prepared.task == "binary":
        return "share of the positive class in the training rows", np.full(len(part.y), shares[1])
    return "shares of the classes in the training rows", np.tile(shares, (len(part.y), 1))


def _scores(prepared: Prepared, y: Floats, predicted: Floats) -> dict[str, float | None]:
    if prepared.task == "regression":
        return dict(metrics.regression(y, predicted))
    if prepared.task == "binary":
        return metrics.binary(y.astype(int), predicted)
    label, probability = _labels(predicted)
    return metrics.multiclass(y.astype(int), label, probability)


def _labels(predicted: Floats) -> tuple[NDArray[np.int64], Floats | None]:
    """Class indices [n], and probabilities [n, classes] where there are some."""
    if predicted.ndim == 1:
        return predicted.astype(int), None
    return predicted.argmax(axis=1), predicted


def _finite(value: float | None) -> float | None:
    import math

    return None if value is None or not math.isfinite(value) else value


def _gain(prepared: Prepared, part: Part, predicted: Floats, naive: Floats, entity: str) -> Gain:
    """Bootstrap over entities: each of 200 times as many entities as there are, drawn with replacement, give the row
    weights for both predictions at once, so that what is hard for both cancels out. Interval: the middle 95 %.

    Source: Efron and Tibshirani 1993, An Introduction to the Bootstrap, ch. 13; the cluster form is Field and Welsh 2007.
    """
    import numpy as np
    import pyarrow.compute as pc

    metric = metrics.METRICS[prepared.task][0]
    ours, theirs = (headline(prepared.task, part.y, p) for p in (predicted, naive))
    sign = 1.0 if metric.higher_is_better else -1.0
    rows = np.arange(len(part.y))
    if entity:
        rows = pc.dictionary_encode(part.table.column(entity).combine_chunks(), null_encoding="encode").indices.to_numpy()
    entities = int(rows.max()) + 1
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(RESAMPLES):
        weights = np.bincount(rng.integers(0, entities, entities), minlength=entities).astype(np.float64)[rows]
        drawn.append(sign * (ours(weights) - theirs(weights)))
    ones = np.ones(len(part.y))
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return Gain(
        metric=metric.name,
        unit=metric.unit,
        value=sign * (ours(ones) - theirs(ones)),
        low=float(low),
        high=float(high),
        entity=entity,
        resamples=RESAMPLES,
    )


def headline(task: Task, y: Floats, predicted: Floats) -> metrics.OfWeights:
    """The headline metric of a task as a function of row weights [n]. predicted: as `Fitted.predict` gives it."""
    if task == "regression":
        return metrics.wape(y, predicted)
    if task == "binary":
        return metrics.pr_auc(y.astype(int), predicted)
    return metrics.accuracy(y.astype(int), _labels(predicted)[0])


def _verdict(split: str, gain: Gain) -> Finding:
    size = f"{gain.metric} {gain.value:+.4g} [{gain.low:.4g}, {gain.high:.4g}] {gain.unit}".rstrip()
    message = {
        "model": f"the model beats its baseline on {split}: {size}",
        "baseline": f"the baseline beats the model on {split}: {size}",
        "not separable": f"the model cannot be told from its baseline on {split}: {size}",
    }[gain.verdict]
    return Finding(
        check="experiments.gain",
        outcome=Outcome.PASS if gain.verdict == "model" else Outcome.WARN,
        message=message,
        fix="" if gain.verdict == "model" else "use the baseline: it is simpler, and nothing shows that the model is better",
        evidence=gain.model_dump(mode="json"),
    )
