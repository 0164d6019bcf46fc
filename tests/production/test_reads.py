"""What a run has read: parameters that name files, literals that name files, and governed reads."""

from pathlib import Path

from tests.conftest import code
from workbench.production.notebook import Notebook
from workbench.production.parameters import read_parameters
from workbench.production.reads import named_files, reads
from workbench.records.files import sha256_file

CELL = code("data: Path = None\nmany: list[Path] = []\nname: str = 'x'", "parameters")
KNOWN = read_parameters(Notebook(raw=b"", cells=(CELL,), metadata={}), "t")


def names(project, cells, since=0, **values):
    return [i.name for i in reads(project, "run-1", KNOWN, values, cells, since=since)]


def test_files_of_parameters_and_files_named_in_cells_are_inputs(project):
    for name in ("a.csv", "b.csv", "c.csv", "d.csv", "e.csv"):
        (project.root / name).write_text(name)
    cells = [code("pd.read_csv('c.csv')"), code("%run d.csv\nx = f'{y}.csv'\nopen('gone.csv')")]
    found = reads(project, "run-1", KNOWN, {"data": "a.csv", "many": ["b.csv"], "name": "e.csv"}, cells, since=0)
    assert [i.name for i in found] == ["a.csv", "b.csv", "c.csv"]
    assert found[0].sha256 == sha256_file(project.root / "a.csv")


def test_governed_reads_of_this_run_are_inputs_and_those_of_others_are_not(project):
    before = project.audit.size()
    facts = {"dataset": "sales", "sha256": "s", "contract_version": "1.0.0", "purpose": "training"}
    project.audit.append("access.read", run="run-2", **facts | {"dataset": "other"})
    project.audit.append("access.read", run="run-1", **facts)
    (found,) = reads(project, "run-1", KNOWN, {}, [], since=before)
    assert (found.name, found.sha256, found.contract_version, found.purpose) == ("sales", "s", "1.0.0", "training")
    assert names(project, [], since=project.audit.size()) == []


def test_what_is_no_python_or_no_file_names_nothing(tmp_path):
    (tmp_path / "folder").mkdir()
    cells = [
        code("this is not python 'x'"),
        code("'folder', '', '\\0', '" + "x" * 5000 + "'"),
        {"cell_type": "markdown", "source": "'x'"},
    ]
    (tmp_path / "x").write_text("")
    assert list(named_files(cells, Path(tmp_path))) == []
