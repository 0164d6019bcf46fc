"""From a trained model's folder to a registered, servable version: refuse, convert, prove, write."""

from __future__ import annotations

import io
import platform
from collections.abc import Mapping
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from workbench import plugins
from workbench.errors import BadInput, NotExportable, ParityFailed
from workbench.export import parity, store
from workbench.export.card import card
from workbench.export.interface import OPSET, Exporter
from workbench.export.scorer import Session, scale_of
from workbench.findings import Finding
from workbench.project import Project
from workbench.records.files import sha256_file
from workbench.records.model import FileHash, ModelManifest, TrainedModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

PAPERS = "model.json"
ROWS = "holdout.parquet"
MOST_ROWS = 5_000
GROUP = "workbench.exporters"
RUNTIME = ("numpy", "onnx", "onnxruntime")
AGAIN = "restore it from a backup, or train it again"


def export(project: Project, folder: Path | str, *, name: str, exporter: str | Exporter | None = None) -> ModelManifest:
    """Turn a trained model into the next version of the model `name`, once it is proven to predict the same.

    folder: what the train step left: model.json, the native model, holdout.parquet (real rows the model never saw).
    exporter: a name of the plug-in group `workbench.exporters`, or one itself; by default the one that reads the folder.
    Raises NotExportable for a model known to convert wrongly, or not at all; ParityFailed, with the worst row, when the
    graph predicts something else; BadInput for a file that was changed. Nothing is registered then.
    """
    store.require_name(name)
    folder = Path(folder)
    trained = TrainedModel.load(folder / PAPERS)
    chosen = _exporter(trained, exporter)
    native = chosen.load(_checked(folder, chosen.file, trained), trained)
    chosen.refuse(native)
    graph = chosen.to_onnx(native, trained)
    evidence = prove(chosen, native, graph, trained, _held_out(folder, trained))
    run_id = _run_id(project, folder)

    def build(version: int) -> tuple[ModelManifest, dict[str, bytes]]:
        manifest = ModelManifest(
            name=name,
            model_version=version,
            created=project.clock(),
            created_by=project.actor,
            family=trained.family,
            task=trained.task,
            target=trained.target,
            scale=trained.scale,
            encoding=trained.encoding,
            classes=trained.classes,
            files={},
            run_id=run_id,
            datasets=trained.datasets,
            evaluations=trained.evaluations,
            evidence=evidence,
            opset=OPSET,
            versions={**trained.versions, **_versions(chosen)},
        )
        files = {store.GRAPH: graph, store.CARD: card(manifest, notice=project.config.notice).encode()}
        return manifest.model_copy(update={"files": {file: _hash(data) for file, data in files.items()}}), files

    manifest = store.register(project, name, build)
    papers = store.folder(project, name, manifest.model_version) / store.MANIFEST
    project.audit.append(
        "export.export",
        model=name,
        model_version=manifest.model_version,
        run_id=run_id,
        manifest_sha256=sha256_file(papers),
        datasets=dict(trained.datasets),
    )
    return manifest


def prove(chosen: Exporter, native: Any, graph: bytes, trained: TrainedModel, rows: pa.Table) -> tuple[Finding, ...]:
    """The findings of the parity gate on held-out `rows`; raises ParityFailed, also for a wrong number of classes."""
    x = trained.encoding.matrix(rows)
    exported = Session(graph, trained.task)

    def original(matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        out = chosen.predict(native, matrix, trained.task)
        if trained.task != "regression" and out.shape[1] != len(trained.classes):
            raise ParityFailed(
                f"the model gives {out.shape[1]} probabilities for {len(trained.classes)} classes",
                why="the classes of model.json are not those that it was fitted on",
                fix="train it again",
            )
        return out

    return parity.gate(original, exported, x, scale_of(rows, trained.scale), trained.task)


def _exporter(trained: TrainedModel, asked: str | Exporter | None) -> Exporter:
    """The exporter that was asked for, or the one whose native file the folder holds."""
    if asked is not None:
        chosen: Exporter = plugins.load(GROUP, asked)() if isinstance(asked, str) else asked
        return chosen
    known: list[Exporter] = [plugins.load(GROUP, plugin)() for plugin in plugins.names(GROUP)]
    for candidate in known:
        if candidate.file in trained.files:
            return candidate
    raise NotExportable(
        f"no exporter reads a model of the family '{trained.family}'",
        why=f"its files are {', '.join(trained.files)}; exporters read {', '.join(e.file for e in known) or 'nothing'}",
        fix=f"install a distribution that declares one in the entry-point group {GROUP}",
    )


def _checked(folder: Path, file: str, trained: TrainedModel) -> bytes:
    return store.read_checked(folder / file, trained.files.get(file), papers=PAPERS, fix=AGAIN)


def _held_out(folder: Path, trained: TrainedModel) -> pa.Table:
    """Up to 5,000 rows, evenly spaced when there are more. Raises BadInput when there is none to compare on."""
    import pyarrow.parquet as pq

    rows = pq.read_table(io.BytesIO(_checked(folder, ROWS, trained)))
    if rows.num_rows == 0:
        raise BadInput(
            f"{folder / ROWS} holds no row",
            why="an export is compared with the original on real rows, and there are none",
            fix="train with a split that leaves test rows",
        )
    return rows.take(np.unique(np.linspace(0, rows.num_rows - 1, min(rows.num_rows, MOST_ROWS)).astype(np.int64)))


def _run_id(project: Project, folder: Path) -> str:
    """The run whose folder holds the model; empty when it was trained outside of a run."""
    runs, place = project.runs.resolve(), folder.resolve()
    return place.relative_to(runs).parts[0] if place != runs and place.is_relative_to(runs) else ""


def _versions(chosen: Exporter) -> Mapping[str, str]:
    return {"python": platform.python_version(), **{name: installed(name) for name in (*RUNTIME, *chosen.packages)}}


def _hash(data: bytes) -> FileHash:
    from hashlib import sha256

    return FileHash(sha256=sha256(data).hexdigest(), size_bytes=len(data))
