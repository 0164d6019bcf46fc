from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.access.catalog import confirm
from workbench.access.register import register
from workbench.project import Project, init, open_project

POLICY = """
[roles]
owner = ["ann"]
clerk = ["bob"]

[[rules]]
role = "owner"
datasets = ["*"]
purposes = ["training"]

[[rules]]
role = "clerk"
datasets = ["sales"]
purposes = ["training"]
rows = [{ column = "week", op = "<=", value = 2 }]
masks = { paid = "band:10" }
"""

SALES = {
    "line": [1, 2, 3, 4],
    "customer_id": [7, 8, 7, None],
    "week": [1, 2, 3, 2],
    "paid": [12.5, 31.0, 8.0, 40.0],
}
CUSTOMERS = {"customer_id": [7, 8, 9], "city": ["Ulm", "Rom", "Ulm"]}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project of ann's, with a policy and no data."""
    init(tmp_path / "p")
    (tmp_path / "p" / "policy.toml").write_text(POLICY)
    return dataclasses.replace(
        open_project(tmp_path / "p"), actor="ann", clock=lambda: datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
    )


@pytest.fixture
def shop(project: Project) -> Project:
    """ann's project with the datasets sales (4 rows) and customers (3 rows), both confirmed."""
    for name, columns in {"sales": SALES, "customers": CUSTOMERS}.items():
        path = project.root / f"{name}.parquet"
        pq.write_table(pa.table(columns), path)
        register(project, path)
        confirm(project, name)
    return project


@pytest.fixture
def as_user() -> Callable[[Project, str], Project]:
    return lambda project, actor: dataclasses.replace(project, actor=actor)
