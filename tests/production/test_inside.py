from datetime import UTC, datetime

import pytest

from tests.conftest import code, write_notebook
from workbench import production
from workbench.errors import BadInput
from workbench.production.inside import current
from workbench.records.run import RunRecord

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def begin(folder, *cells, **parameters):
    write_notebook(folder / "input.ipynb", *cells)
    record = RunRecord(
        run_id="r-1",
        template="train",
        template_sha256="0" * 64,
        actor="ana",
        created=NOON,
        parameters=parameters,
        sweep="s-1",
        attempt=2,
        seed=7,
    )
    record.write(folder / "record.json")


def test_a_notebook_is_told_its_run_and_which_parameters_it_reads(tmp_path, monkeypatch):
    folder = tmp_path / ".workbench" / "runs" / "r-1"
    begin(
        folder,
        code("data: Dataset = 'sales'\nmap: Path = 'a.csv'\nweeks: int = 8", "parameters"),
        data="s",
        map="b.csv",
        weeks=9,
    )
    for name, value in {"RUN_ID": "r-1", "RUN_FOLDER": folder, "PROJECT": tmp_path}.items():
        monkeypatch.setenv(f"WORKBENCH_{name}", str(value))
    me = production.current()
    assert (me.run_id, me.template, me.seed, me.attempt, me.sweep) == ("r-1", "train", 7, 2, "s-1")
    assert me.inputs == {"data": "s", "map": "b.csv"}
    assert me.parameters == {"data": "s", "map": "b.csv", "weeks": 9}
    assert (me.folder, me.project) == (folder, tmp_path)


def test_outside_of_a_project_there_is_none_and_no_parameters_cell_means_no_inputs(tmp_path, monkeypatch):
    begin(tmp_path / "r-1", code("1 + 1"))
    monkeypatch.setenv("WORKBENCH_RUN_ID", "r-1")
    monkeypatch.setenv("WORKBENCH_RUN_FOLDER", str(tmp_path / "r-1"))
    monkeypatch.setenv("WORKBENCH_PROJECT", str(tmp_path / "elsewhere"))
    assert (current().project, current().inputs) == (None, {})


def test_a_notebook_opened_by_hand_is_told_how_to_become_a_run(monkeypatch):
    monkeypatch.delenv("WORKBENCH_RUN_ID", raising=False)
    with pytest.raises(BadInput) as caught:
        current()
    assert caught.value.what == "no run goes on here"
    assert "production.folder() works by hand" in caught.value.fix
