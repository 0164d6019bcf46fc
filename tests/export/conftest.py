"""A trained model's folder, made without the train step: what `export` reads is a format, not a package."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.native.estimator import dump_estimator
from workbench.native.network import dump_network
from workbench.records.encoding import Column, Encoding
from workbench.records.model import FileHash, Split, TrainedModel

Leave = Callable[..., Path]


def numbers(n: int = 400, k: int = 4, seed: int = 0) -> np.ndarray:
    """float32 [n, k], normal."""
    return np.random.default_rng(seed).normal(size=(n, k)).astype(np.float32)


def papers(k: int, task: str = "regression", **fields: Any) -> TrainedModel:
    """model.json of a model on k numeric features f0, f1, …"""
    given = {
        "family": "test",
        "settings": {},
        "seed": 0,
        "refitted": False,
        "task": task,
        "target": "y",
        "encoding": Encoding(columns=tuple(Column(name=f"f{i}", kind="numeric") for i in range(k))),
        "classes": {"regression": (), "binary": (False, True), "multiclass": ("a", "b", "c")}[task],
        "split": Split(),
        "rows": {"train": 10, "test": 10},
        "datasets": {"sales": "ab" * 32},
        "files": {},
    }
    return TrainedModel(**{**given, **fields})


@pytest.fixture
def leave(tmp_path: Path) -> Leave:
    """`leave(native, x, task="regression", **fields)`: the folder that training would leave, x being the held-out rows."""

    def write(native: Any, x: np.ndarray, task: str = "regression", folder: Path | None = None, **fields: Any) -> Path:
        folder = folder or tmp_path / "trained"
        folder.mkdir(parents=True, exist_ok=True)
        table = pa.table({f"f{i}": x[:, i] for i in range(x.shape[1])} | {"level": np.linspace(1, 50, len(x))})
        rows = io.BytesIO()
        pq.write_table(table, rows)
        is_network = hasattr(native, "state_dict")
        model = {"model.pt": dump_network(native)} if is_network else {"model.skops": dump_estimator(native)}
        files = {**model, "holdout.parquet": rows.getvalue()}
        for name, data in files.items():
            (folder / name).write_bytes(data)
        hashes = {n: FileHash(sha256=hashlib.sha256(d).hexdigest(), size_bytes=len(d)) for n, d in files.items()}
        papers(x.shape[1], task, files=hashes, **fields).write(folder / "model.json")
        return folder

    return write
