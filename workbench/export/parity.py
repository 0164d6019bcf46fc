"""The parity gate: an exported model is registered only when it predicts what the original predicts.

Compared are final predictions (the scale multiplied back) of the original and of the ONNX graph on the same float32
matrix: on held-out rows that the model never saw, and on a few rows made to be awkward. A row agrees when

    |Δ| ≤ 1e-5 · max(1, |y|)        for its prediction, or for each of its probabilities

and 99.99 % of the rows must agree; labels must be equal in every row whose two best classes are at least 1e-6 apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from pydantic import JsonValue

from workbench.errors import ParityFailed
from workbench.findings import Finding, Outcome
from workbench.records.model import Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Matrix = NDArray[np.float32]
    Predict = Callable[[Matrix], Floats]  # [n, k] -> [n], or [n, classes]

TOLERANCE = 1e-5
AGREE = 0.9999
TIE = 1e-6
WORST = 10  # rows listed as evidence
PROBED = 64  # features that are made missing or infinite, one at a time


class Rows(NamedTuple):
    """Rows to compare. x: [n, k]; scale: [n], what predictions are multiplied by.

    single: score them one at a time; optional: the original may refuse them by a ValueError.
    """

    name: str
    x: Matrix
    scale: Floats
    single: bool = False
    optional: bool = False


def gate(original: Predict, exported: Predict, x: Matrix, scale: Floats, task: Task) -> tuple[Finding, ...]:
    """Compare both models on held-out rows and on awkward ones made of them.

    x: held-out rows [n, k], n >= 1; scale: [n], ones where the model has none.
    Returns one finding for each group of rows, none of which fails; raises ParityFailed with the worst row otherwise.
    """
    findings = []
    for rows in (Rows("held-out", x, scale), *awkward(x, scale)):
        try:
            expected = original(rows.x)
        except ValueError as error:  # scikit-learn's word for values that a model does not take
            why = str(error).strip().splitlines()[0]
            if not rows.optional:
                raise ParityFailed(
                    f"the original model does not take its own {rows.name} rows", why=why, fix="train it again"
                ) from error
            findings.append(_finding(rows.name, Outcome.NOT_APPLICABLE, f"{rows.name} rows: the original refuses them: {why}"))
            continue
        batches = [rows.x[i : i + 1] for i in range(len(rows.x))] if rows.single else [rows.x]
        got = np.concatenate([exported(batch) for batch in batches])
        findings.append(compare(rows.name, expected, got, rows.scale, task))
    return passed(findings)


def passed(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings, when none fails; raises ParityFailed otherwise."""
    found = tuple(findings)
    failed = [finding for finding in found if finding.outcome is Outcome.FAIL]
    if failed:
        raise ParityFailed(
            "the exported model does not predict what the original predicts",
            why="; ".join(finding.message for finding in failed),
            fix="nothing was registered; train another family, or report this one with its settings",
        )
    return found


def awkward(x: Matrix, scale: Floats) -> Iterator[Rows]:
    """Missing and infinite values one feature at a time, constant rows, and rows scored one at a time."""
    filled = np.where(np.isfinite(x), x, np.float32(0))
    middle, typical = np.median(filled, axis=0), float(np.median(scale))
    for name, value in (("missing", np.nan), ("plus infinity", np.inf), ("minus infinity", -np.inf)):
        probes = np.tile(middle, (min(PROBED, x.shape[1]) + 1, 1))
        np.fill_diagonal(probes, value)
        probes[-1] = value
        yield Rows(name, probes.astype(np.float32), np.full(len(probes), typical), optional=True)
    levels = np.stack([filled.min(axis=0), middle, filled.max(axis=0), np.zeros_like(middle), np.ones_like(middle)])
    yield Rows("constant", levels.astype(np.float32), np.full(len(levels), typical))
    yield Rows("one at a time", x[:8], scale[:8], single=True)


def compare(name: str, expected: Floats, got: Floats, scale: Floats, task: Task) -> Finding:
    """One finding on rows `name`. expected, got: [n] or [n, classes], before the scale [n] is multiplied on."""
    if got.shape != expected.shape:
        shapes = f"the original gives {list(expected.shape)} numbers, the graph {list(got.shape)}"
        return _finding(name, Outcome.FAIL, f"{name} rows: {shapes}")
    wide = (slice(None),) + (None,) * (expected.ndim - 1)
    want, have = expected * scale[wide], got * scale[wide]
    with np.errstate(invalid="ignore"):
        distance = np.abs(have - want)
    same = (have == want) | (np.isnan(have) & np.isnan(want))  # inf − inf is no number, and yet no difference
    distance = np.where(same, 0.0, np.nan_to_num(distance, nan=np.inf))
    limit = TOLERANCE * np.maximum(1.0, np.abs(np.nan_to_num(want)))
    with np.errstate(over="ignore"):
        excess = _by_row(distance / limit)
    within = float(np.mean(excess <= 1.0))
    worst = np.argsort(-excess, kind="stable")[:WORST]
    labels = 1.0 if task == "regression" else _equal_labels(want, have)
    row = int(worst[0])
    evidence: dict[str, JsonValue] = {
        "rows": len(want),
        "share_within": within,
        "labels_equal": labels,
        "largest_difference": _number(_by_row(distance).max()),
        "of_allowed": _number(excess.max()),
        "worst_rows": [int(i) for i in worst],
        "worst_original": [_number(value) for value in np.atleast_1d(want[row])],
        "worst_exported": [_number(value) for value in np.atleast_1d(have[row])],
    }
    head = f"{len(want):,} {name} rows: largest difference {_by_row(distance).max():.2g}, {excess.max():.2g} of what is allowed"
    if within >= AGREE and labels == 1.0:
        return _finding(name, Outcome.PASS, head + (", all labels equal" if task != "regression" else ""), **evidence)
    message = (
        f"{head}; {(excess > 1).sum():,} rows differ too much, worst is row {row}: original {_shown(want[row])}, "
        f"exported {_shown(have[row])}" + (f"; labels equal in {labels:.2%}" if task != "regression" else "")
    )
    return _finding(name, Outcome.FAIL, message, **evidence)


def _equal_labels(want: Floats, have: Floats) -> float:
    """Share of the rows with equal labels, near ties left out; 1.0 when all are ties."""
    best = np.sort(np.nan_to_num(want), axis=1)
    clear = best[:, -1] - best[:, -2] >= TIE
    return float(np.mean(want[clear].argmax(axis=1) == have[clear].argmax(axis=1))) if clear.any() else 1.0


def _by_row(values: Floats) -> Floats:
    """The largest value of each row, [n]."""
    return values if values.ndim == 1 else values.max(axis=1)


def _number(value: float) -> float | str:
    """JSON has no infinity and no NaN: they become words."""
    return float(value) if np.isfinite(value) else str(float(value))


def _shown(values: Floats) -> str:
    return ", ".join(f"{value:.7g}" for value in np.atleast_1d(values))


def _finding(name: str, outcome: Outcome, message: str, **evidence: JsonValue) -> Finding:
    check = "export.parity." + name.replace(" ", "_").replace("-", "_")
    return Finding(check=check, outcome=outcome, message=message, evidence=evidence)


def takes_missing(findings: Iterable[Finding]) -> bool:
    """Whether the original takes missing values, by the findings of its gate."""
    return all(f.outcome is not Outcome.NOT_APPLICABLE for f in findings if f.check == "export.parity.missing")
