"""A trained model as a folder: its papers (`model.json`), its native file, and real rows to compare an export on."""

from __future__ import annotations

import io
import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path

from workbench.errors import BadInput
from workbench.experiments import families
from workbench.experiments.fit import Fitted
from workbench.native.estimator import dump_estimator, load_estimator
from workbench.native.network import dump_network, load_network
from workbench.records.files import sha256_file, write_atomic
from workbench.records.model import Evaluation, FileHash, TrainedModel

PAPERS = "model.json"
ROWS = "holdout.parquet"
PACKAGES = {"ml": ("numpy", "pyarrow", "scikit-learn", "skops"), "torch": ("numpy", "pyarrow", "torch")}


def save(
    fitted: Fitted,
    evaluation: Evaluation | Iterable[Evaluation],
    folder: Path | str,
    *,
    datasets: Mapping[str, str] | None = None,
) -> TrainedModel:
    """Write a model to `folder`: its native file, `holdout.parquet`, and `model.json` last, with the others' hashes.

    evaluation: one, or several of different splits. datasets: name -> content hash of what was read.
    A folder without model.json holds no model: that is what a crash in between leaves. Equal models give equal bytes.
    Raises MachineError when it cannot be written.
    """
    import pyarrow.parquet as pq

    folder = Path(folder)
    kind = families.family(fitted.family)
    rows = io.BytesIO()
    pq.write_table(fitted.holdout, rows, compression="zstd")
    contents = {
        kind.file: dump_network(fitted.native) if fitted.family == "mlp" else dump_estimator(fitted.native),
        ROWS: rows.getvalue(),
    }
    for name, data in contents.items():
        write_atomic(folder / name, data)
    record = TrainedModel(
        family=fitted.family,
        settings=fitted.settings,
        seed=fitted.seed,
        refitted=fitted.refitted,
        task=fitted.task,
        target=fitted.target,
        scale=fitted.scale,
        encoding=fitted.encoding,
        classes=fitted.classes,
        baseline=fitted.baseline,
        ids=fitted.ids,
        split=fitted.split,
        rows=fitted.rows,
        evaluations=(evaluation,) if isinstance(evaluation, Evaluation) else tuple(evaluation),
        datasets=dict(datasets or {}),
        versions={"python": platform.python_version(), **{name: version(name) for name in PACKAGES[kind.extra]}},
        files={name: FileHash(sha256=sha256_file(folder / name), size_bytes=len(data)) for name, data in contents.items()},
    )
    record.write(folder / PAPERS)
    return record


def load(folder: Path | str) -> Fitted:
    """The model of a folder that `save` wrote, ready to predict.

    Every file's hash is compared before it is opened, and no file can run code: the estimator may hold only types of an
    audited list, the network's file only tensors.
    Raises UnknownName when there is no model.json, BadInput for a file that is missing, changed or not trusted.
    """
    import pyarrow.parquet as pq

    folder = Path(folder)
    record = TrainedModel.load(folder / PAPERS)
    kind = families.family(record.family)
    for name in (kind.file, ROWS):
        _verify(folder / name, record.files.get(name))
    data = (folder / kind.file).read_bytes()
    source = str(folder / kind.file)
    native = load_network(data, record, source=source) if record.family == "mlp" else load_estimator(data, source=source)
    return Fitted(
        native=native,
        family=record.family,
        settings=record.settings,
        seed=record.seed,
        refitted=record.refitted,
        task=record.task,
        target=record.target,
        scale=record.scale,
        encoding=record.encoding,
        classes=record.classes,
        baseline=record.baseline,
        ids=record.ids,
        split=record.split,
        rows=record.rows,
        holdout=pq.read_table(folder / ROWS),
    )


def _verify(path: Path, expected: FileHash | None) -> None:
    if expected is None or not path.is_file():
        raise BadInput(f"{path} is missing", why="model.json names the files of a model", fix="train it again")
    found = sha256_file(path)
    if found != expected.sha256:
        raise BadInput(
            f"{path} is not the file that was saved",
            why=f"its sha256 is {found[:12]}…, model.json says {expected.sha256[:12]}…",
            fix="restore it from a backup, or train it again",
        )
