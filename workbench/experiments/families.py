"""The families of models: their settings with defaults, and how the scikit-learn ones are built.

Defaults were chosen on the validation weeks of the two retail use cases; what a person sets is never changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import JsonValue

from workbench.errors import BadInput, unknown
from workbench.plugins import need
from workbench.records.model import Task

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator


class Family(NamedTuple):
    """refit: fit again on train + validate once the settings are chosen (not when validation stops the training)."""

    extra: str
    file: str
    refit: bool
    settings: Mapping[str, JsonValue]
    for_classes: Mapping[str, JsonValue]  # defaults that differ for a classification

    def defaults(self, task: Task) -> dict[str, JsonValue]:
        return {**self.settings, **({} if task == "regression" else self.for_classes)}


FAMILIES = {
    "linear": Family("ml", "model.skops", True, {"penalty": 1.0}, {"penalty": 10.0}),
    "histgb": Family(
        "ml",
        "model.skops",
        True,
        {
            "loss": "squared_error",
            "learning_rate": 0.07,
            "trees": 120,
            "leaves": 15,
            "min_rows_per_leaf": 60,
            "l2": 1.0,
            "bins": 255,  # 1.9 finds weighted percentiles one at a time: with weights, most of the fit goes by their number
        },
        {"loss": "log_loss", "learning_rate": 0.04, "leaves": 8, "min_rows_per_leaf": 30, "l2": 5.0},
    ),
    "mlp": Family(
        "torch",
        "model.pt",
        False,
        {
            "hidden": [64, 32],
            "dropout": 0.0,
            "learning_rate": 2e-3,
            "weight_decay": 1e-4,
            "epochs": 20,
            "patience": 4,
            "batch_rows": 1024,
            "threads": 1,
            "output": "auto",
        },
        {"dropout": 0.3, "weight_decay": 0.05, "epochs": 30, "patience": 8, "batch_rows": 256},
    ),
}
SMALL = 20_000  # training rows below which a network gets one hidden layer and more steps, and one thread fits
LOSSES = ("squared_error", "absolute_error")


def family(name: str) -> Family:
    """A family by name. Raises UnknownName with the nearest ones."""
    if name not in FAMILIES:
        raise unknown("family of models", name, FAMILIES)
    return FAMILIES[name]


def complete(name: str, task: Task, rows: int, asked: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """All settings of a family: the defaults for this task and number of training rows, and over them what was asked.

    Raises UnknownName for a setting that the family does not have, BadInput for a value of the wrong type.
    """
    settings = family(name).defaults(task)
    if name == "histgb":
        settings["min_rows_per_leaf"] = min(int(str(settings["min_rows_per_leaf"])), max(1, rows // 50))
    if name == "mlp" and rows < SMALL:
        settings["hidden"] = [32]
        if task == "regression":
            settings |= {"epochs": 60, "patience": 8, "batch_rows": 64}
    for key, value in asked.items():
        if key not in settings:
            raise unknown(f"setting of '{name}'", key, settings)
        settings[key] = _typed(name, key, value, settings[key])
    if name == "histgb" and task == "regression" and settings["loss"] not in LOSSES:
        raise BadInput(
            f"histgb with the loss '{settings['loss']}'",
            why="other losses leave their link function out of the ONNX file, so the exported model would be wrong",
            fix="use squared_error; a scale column does what a Poisson loss would do for counts",
        )
    return settings


def _typed(name: str, key: str, value: JsonValue, default: JsonValue) -> JsonValue:
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not type(default):
        raise BadInput(
            f"the setting '{key}' of '{name}' is {value!r}",
            why=f"it must be of the same type as its default, {default!r}",
            fix=f"give it as {type(default).__name__}",
        )
    return value


def linear(task: Task, settings: Mapping[str, Any], seed: int) -> BaseEstimator:
    """Impute the median, standardise, then ridge or logistic regression with L2 `penalty` (1/C for the logistic)."""
    need("sklearn", extra="ml")
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    if task == "regression":
        last: BaseEstimator = Ridge(alpha=settings["penalty"], solver="svd")  # float32: X'X would lose half the digits
    else:
        last = LogisticRegression(C=1 / settings["penalty"], max_iter=2000, random_state=seed)
    impute = SimpleImputer(strategy="median", keep_empty_features=True)
    return Pipeline([("impute", impute), ("scale", StandardScaler()), ("model", last)])


def histgb(task: Task, settings: Mapping[str, Any], seed: int) -> BaseEstimator:
    """Histogram gradient boosting on numbers only: native categoricals come out of the ONNX converter wrong."""
    need("sklearn", extra="ml")
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingRegressor if task == "regression" else HistGradientBoostingClassifier
    return kind(
        loss=settings["loss"],
        learning_rate=settings["learning_rate"],
        max_iter=settings["trees"],
        max_leaf_nodes=settings["leaves"],
        max_bins=settings["bins"],
        min_samples_leaf=settings["min_rows_per_leaf"],
        l2_regularization=settings["l2"],
        categorical_features=None,
        early_stopping=False,
        random_state=seed,
    )
