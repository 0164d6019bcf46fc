"""The call key: what is known before a run gives the same as what its record knows afterwards."""

from datetime import UTC, datetime

import pytest

from tests.conftest import code
from workbench.production.call_key import call_key, recorded_call_key
from workbench.production.environment import environment_sha256
from workbench.production.notebook import Notebook
from workbench.records.files import sha256_file
from workbench.records.run import Input, RunRecord

CELL = "data: Path = 'a.txt'\nmany: list[Path] = []\nname: str = 'a.txt'\ndataset: Dataset = 'sales'"
NOTEBOOK = Notebook(raw=b"", cells=(code(CELL, "parameters"),), metadata={})


@pytest.fixture
def files(project):
    for name in ("a.txt", "b.txt"):
        (project.root / name).write_text(name)
    return project


def recorded(project, values, **inputs):
    record = RunRecord(
        run_id="r",
        template="t",
        template_sha256=NOTEBOOK.code_sha256,
        parameters=values,
        environment_sha256=environment_sha256(project.root),
        inputs=(
            *(Input(name=name, sha256=sha256_file(project.root / name)) for name in inputs.get("files", ())),
            Input(name="sales", sha256="s", contract_version="1.0.0", purpose="training"),
        ),
        actor="ana",
        created=datetime.now(UTC),
    )
    return recorded_call_key(record)


def test_known_before_and_known_after_are_one_key(files):
    values = {"data": "a.txt", "many": ["a.txt", "b.txt"], "name": "x", "dataset": "sales"}
    assert call_key(files, NOTEBOOK, values) == recorded(files, values, files=("a.txt", "b.txt"))


def test_a_file_counts_by_its_content_and_a_dataset_by_its_name(files):
    values = {"data": "a.txt", "many": [], "name": "x", "dataset": "sales"}
    key = call_key(files, NOTEBOOK, values)
    (files.root / "c.txt").write_text("a.txt")
    assert call_key(files, NOTEBOOK, values | {"data": "c.txt"}) == key
    assert call_key(files, NOTEBOOK, values | {"data": "b.txt"}) != key
    assert call_key(files, NOTEBOOK, values | {"dataset": "other"}) != key
    (files.root / "a.txt").write_text("changed")
    assert call_key(files, NOTEBOOK, values) != key


def test_a_text_that_happens_to_be_a_files_name_is_a_text(files):
    values = {"data": "b.txt", "many": [], "name": "a.txt", "dataset": "sales"}
    key = call_key(files, NOTEBOOK, values)
    (files.root / "a.txt").write_text("changed")
    assert call_key(files, NOTEBOOK, values) == key
