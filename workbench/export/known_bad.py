"""scikit-learn models that convert without a word and then predict something else, or cannot convert at all.

Each was found by measurement on skl2onnx 1.20, and tests/export/test_known_bad.py proves each anew: when a converter is
mended there, its line here goes. Inputs of type double are wrong for forests too (a row may take another leaf); they
cannot occur, since every graph takes the float32 matrix of the encoding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from workbench.errors import NotExportable


class KnownBad(NamedTuple):
    """kind: class name of the estimator; applies: whether this fitted one is affected."""

    kind: str
    applies: Callable[[Any], bool]
    why: str
    fix: str


def _uses_categories(model: Any) -> bool:
    return model.is_categorical_ is not None and bool(model.is_categorical_.any())


_CATEGORIES_WHY = (
    "native categories come out wrong: probabilities off by up to 0.99 without a warning "
    "(https://github.com/onnx/sklearn-onnx/issues/1051)"
)
_CATEGORIES_FIX = "fit it on one-hot columns, as the encoding makes them, with categorical_features=None"

KNOWN_BAD = (
    KnownBad("HistGradientBoostingClassifier", _uses_categories, _CATEGORIES_WHY, _CATEGORIES_FIX),
    KnownBad("HistGradientBoostingRegressor", _uses_categories, _CATEGORIES_WHY, _CATEGORIES_FIX),
    KnownBad(
        "HistGradientBoostingRegressor",
        lambda model: model.loss in ("poisson", "gamma"),
        "the converter leaves out the exp of its log link: the graph gives the logarithm of the prediction",
        "fit with loss='squared_error'; for counts, divide the target by a level (a scale column)",
    ),
    KnownBad(
        "LinearDiscriminantAnalysis",
        lambda model: len(model.classes_) == 2,
        "with two classes its probabilities come out wrong by up to 0.15 while every label agrees",
        "use a logistic regression",
    ),
    KnownBad(
        "FunctionTransformer",
        lambda model: model.func is not None,
        "a Python function has no ONNX form",
        "compute this feature in the feature query",
    ),
    KnownBad(
        "MLPRegressor",
        lambda model: model.out_activation_ == "exp",
        "the converter does not know the exp output of loss='poisson'",
        "use the family 'mlp', which exports its exp output",
    ),
)


def refuse(model: Any) -> None:
    """Raise NotExportable when `model`, or any estimator inside it, is on the list."""
    for part in estimators(model):
        for known in KNOWN_BAD:
            if type(part).__name__ == known.kind and known.applies(part):
                raise NotExportable(f"{known.kind} cannot be exported as it was fitted", why=known.why, fix=known.fix)


def estimators(model: Any, seen: set[int] | None = None) -> Iterator[Any]:
    """A fitted model and every estimator inside it, at any depth, each once."""
    seen = set() if seen is None else seen
    if id(model) in seen:
        return
    seen.add(id(model))
    if isinstance(model, list | tuple):
        inside = list(model)
    elif isinstance(model, dict):
        inside = list(model.values())
    elif hasattr(model, "get_params") and not isinstance(model, type):
        yield model
        inside = list(vars(model).values())
    else:
        return
    for part in inside:
        yield from estimators(part, seen)
