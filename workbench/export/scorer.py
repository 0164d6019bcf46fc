"""Serving: an exported model from its folder to predictions. Needs onnxruntime alone, no scikit-learn, torch or pickle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from workbench.errors import BadInput, NotExportable
from workbench.export import store
from workbench.export.interface import INPUT, output_name
from workbench.export.parity import takes_missing
from workbench.machine import effective_cpus
from workbench.plugins import need
from workbench.project import Project
from workbench.records.encoding import Encoding
from workbench.records.model import ModelManifest, Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Matrix = NDArray[np.float32]

AGAIN = "restore it from a backup, or export the model again"


class Session:
    """One ONNX graph in memory: float32 [n, features] -> float64 [n], or [n, classes]."""

    def __init__(self, graph: bytes, task: Task) -> None:
        ort = need("onnxruntime", extra="ml")
        options = ort.SessionOptions()
        options.intra_op_num_threads = effective_cpus()
        options.log_severity_level = 3  # errors only
        try:
            self._session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime's errors share no class below Exception
            raise _unusable("loads", error) from error
        self.task: Task = task

    def __call__(self, x: Matrix) -> Floats:
        try:
            (out,) = self._session.run([output_name(self.task)], {INPUT: x})
        except Exception as error:
            raise _unusable("runs", error) from error
        single = self.task == "regression" and out.ndim == 2 and out.shape[1] == 1
        return np.asarray(out[:, 0] if single else out, dtype=np.float64)


def _unusable(verb: str, error: Exception) -> NotExportable:
    return NotExportable(
        f"the ONNX graph is not one that onnxruntime {verb}",
        why=str(error).strip().splitlines()[0][:300],
        fix="train one of the families linear, histgb or mlp",
    )


class Scorer:
    """A checked model, ready to score. `manifest` says what it needs and what it was proven on."""

    def __init__(self, manifest: ModelManifest, graph: bytes) -> None:
        self.manifest = manifest
        self._session = Session(graph, manifest.task)
        self._takes_missing = takes_missing(manifest.evidence)

    def predict(self, table: pa.Table) -> pa.Table:
        """Score raw rows; the result has one row for each row of `table`, in its order.

        Columns: `prediction` (float64 in units of the target, the scale multiplied back; for classes the label), and for
        two classes `probability` (of the positive one), for more `probability_<class>`.
        Raises BadInput when a column that the model needs is missing, of another type, holds infinite values, or missing
        ones where the original model takes none.
        """
        manifest = self.manifest
        x = manifest.encoding.matrix(table)
        if not self._takes_missing:
            _refuse_missing(x, manifest.encoding)
        out = self._session(x) if len(x) else np.zeros((0, len(manifest.classes)) if manifest.classes else 0)
        if manifest.task == "regression":
            return pa.table({"prediction": out * scale_of(table, manifest.scale)})
        labels = pa.array(manifest.classes).take(pa.array(out.argmax(axis=1)))
        if manifest.task == "binary":
            return pa.table({"prediction": labels, "probability": out[:, 1]})
        shares = {f"probability_{label}": out[:, i] for i, label in enumerate(manifest.classes)}
        return pa.table({"prediction": labels, **shares})


def _refuse_missing(x: Matrix, encoding: Encoding) -> None:
    """The graph would answer such rows without a word; the original would not."""
    names = [feature for feature, column in zip(encoding.features, x.T, strict=True) if np.isnan(column).any()]
    if names:
        raise BadInput(
            "missing values in " + ", ".join(f"'{name}'" for name in names),
            why="the original model takes none, so no prediction for them was proven",
            fix="fill them in the feature query, or train a model that takes them",
        )


def load(project: Project, name: str, version: int | None = None) -> Scorer:
    """A model ready to score; version: the newest for None.

    Every file's sha256 is compared with the manifest before anything is used. Raises UnknownName for a model or version
    that is not there, BadInput for a file that is missing or was changed.
    """
    folder = store.folder(project, name, version)
    manifest, contents = read(folder)
    return Scorer(manifest, contents[store.GRAPH])


def read(folder: Path) -> tuple[ModelManifest, dict[str, bytes]]:
    """The manifest of a version's folder and all its files, checked. Raises BadInput."""
    manifest = ModelManifest.load(folder / store.MANIFEST)
    papers = store.MANIFEST
    contents = {
        file: store.read_checked(folder / file, expected, papers=papers, fix=AGAIN)
        for file, expected in {store.GRAPH: None, **manifest.files}.items()
    }
    return manifest, contents


def scale_of(table: pa.Table, scale: str | None) -> Floats:
    """What predictions are multiplied by, [n]; ones when the model has no scale.

    Raises BadInput without its column, and for a value that is missing, 0 or negative: training takes none either.
    """
    if scale is None:
        return np.ones(table.num_rows)
    if scale not in table.column_names:
        raise BadInput(
            f"the table lacks '{scale}'",
            why="the model predicts the target divided by it",
            fix="add the column from the feature query",
        )
    values = np.asarray(table.column(scale).cast(pa.float64(), safe=False).to_numpy(), dtype=np.float64)
    bad = int((~(np.isfinite(values) & (values > 0))).sum())
    if bad:
        raise BadInput(
            f"the scale '{scale}' is missing, 0 or negative in {bad:,} of {len(values):,} rows",
            why="the prediction is multiplied by it",
            fix="give it a floor in the feature query, such as greatest(level, 0.5)",
        )
    return values
