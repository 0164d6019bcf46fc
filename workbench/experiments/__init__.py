"""Train a model, see whether it beats its baseline, and keep it with all that is needed to trust it.

    prepared = prepare(table, target="units", scale="level", baseline="baseline_mean8", ids=("product_id", "week"),
                       split=Split(column="split"))
    fitted = fit(prepared, family="histgb", seed=7)
    judged = evaluate(fitted, prepared)          # judged.verdict: 'model', 'baseline' or 'not separable'
    save(fitted, judged, "model")

Tables are Arrow. scikit-learn and torch are loaded by the functions that need them.
"""

from workbench.experiments.evaluate import evaluate
from workbench.experiments.fit import Fitted, fit
from workbench.experiments.importance import Importance, permutation_importance
from workbench.experiments.prepare import Part, Prepared, prepare
from workbench.experiments.runs import Training, TrainingDetails, TrainingList, list_runs, show, track
from workbench.experiments.store import load, save
from workbench.records.model import Evaluation, Split, TrainedModel

__all__ = [
    "Evaluation",
    "Fitted",
    "Importance",
    "Part",
    "Prepared",
    "Split",
    "TrainedModel",
    "Training",
    "TrainingDetails",
    "TrainingList",
    "evaluate",
    "fit",
    "list_runs",
    "load",
    "permutation_importance",
    "prepare",
    "save",
    "show",
    "track",
]
