"""scikit-learn estimators as skops files: no pickle, only named types, and equal bytes for equal estimators."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from typing import Any

from workbench.errors import BadInput
from workbench.plugins import need

# Types beyond those that skops itself trusts. Both hold numbers and run nothing when they are built: a dtype is a
# description of an array, a TreePredictor keeps the arrays of one tree. The list is written here and never taken from a
# file: a list that a file brings along would trust whatever its author wants.
TRUSTED = ["numpy.dtype", "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor"]


def dump_estimator(estimator: Any) -> bytes:
    """The estimator as a skops file. skops names parts by memory address and dates them: both are made regular here."""
    skops = _skops()
    source = zipfile.ZipFile(io.BytesIO(skops.dumps(estimator)))
    schema = json.loads(source.read("schema.json"))
    numbers: dict[int, int] = {}
    _renumber(schema, numbers)
    files = {_renamed(name, numbers): source.read(name) for name in source.namelist() if name != "schema.json"}
    files["schema.json"] = json.dumps(schema, separators=(",", ":")).encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, files[name])
    return packed.getvalue()


def load_estimator(data: bytes, *, source: str) -> Any:
    """The estimator in a skops file. source: a name for the error's letter.

    Raises BadInput when it holds a type that is not on the list, or is no such file.
    """
    skops = _skops()
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        return skops.loads(data, trusted=TRUSTED)
    except UntrustedTypesFoundException as error:
        raise BadInput(
            f"{source} is not loaded",
            why=f"it holds types that are not on the list of trusted ones: {error}",
            fix="train the model with workbench; do not load files of others as they are",
        ) from error
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise BadInput(f"{source} is no skops file", why=str(error), fix="train the model again") from error


def _skops() -> Any:
    """skops.io, without torch: skops walks all packages of scikit-learn as it is imported, and one of them imports torch
    (3 s) wherever that is installed. No estimator lives there."""
    adapter = "sklearn.externals.array_api_compat.torch"
    blocked = adapter not in sys.modules and "skops.io" not in sys.modules
    if blocked:
        sys.modules[adapter] = None  # type: ignore[assignment]
    try:
        return need("skops.io", extra="ml")
    finally:
        if blocked:
            del sys.modules[adapter]


def _renumber(node: Any, numbers: dict[int, int]) -> None:
    """Replace memory addresses by 1, 2, … in order of appearance, in place."""
    if isinstance(node, dict):
        if "__id__" in node:
            node["__id__"] = numbers.setdefault(node["__id__"], len(numbers) + 1)
        for key, value in node.items():
            if key == "file":
                node[key] = _renamed(value, numbers)
            else:
                _renumber(value, numbers)
    elif isinstance(node, list):
        for value in node:
            _renumber(value, numbers)


def _renamed(name: str, numbers: dict[int, int]) -> str:
    stem, dot, suffix = name.partition(".")
    return f"{numbers[int(stem)]}{dot}{suffix}" if stem.isdigit() else name
