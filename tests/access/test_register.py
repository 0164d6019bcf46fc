import json
from pathlib import Path

import pytest
from jsonschema import Draft201909Validator

from workbench.access.register import register
from workbench.access.registry import contract_path, load, names
from workbench.errors import BadInput, UnknownName

CSV = "sale_id,email,<script>alert(1)</script>,amount\n" + "".join(f"{i},a{i}@b.example,x,{i}.5\n" for i in range(8))


def _odcs_schema():
    import open_data_contract_standard as package

    return json.loads((Path(package.__path__[0]) / "schema.json").read_text())


def test_registering_drafts_a_contract_and_leaves_the_file_where_it_is(project):
    path = project.root / "sales.csv"
    path.write_text(CSV)
    found = register(project, path, description="What was sold")
    contract = load(project, "sales")
    assert (found.dataset, found.path, found.format, found.status, found.kept) == ("sales", "sales.csv", "csv", "draft", False)
    assert (contract.status, contract.keys, contract.description) == ("draft", ("sale_id",), "What was sold")
    assert [c.classification for c in contract.columns] == ["internal", "restricted", "internal", "internal"]
    assert path.read_text() == CSV
    assert found.view().next == ("workbench access confirm sales",)
    facts = list(project.audit.entries())[-1]
    assert (facts["event"], facts["facts"]) == ("access.register", {"dataset": "sales", "path": "sales.csv", "rows": 8})


def test_a_draft_is_a_valid_document_of_the_standard(project):
    import yaml

    path = project.root / "sales.csv"
    path.write_text(CSV)
    register(project, path)
    draft = yaml.safe_load(contract_path(project, "sales").read_text())
    assert list(Draft201909Validator(_odcs_schema()).iter_errors(draft)) == []


def test_markup_in_a_column_name_stays_plain_text(project):
    path = project.root / "sales.csv"
    path.write_text(CSV)
    found = register(project, path)
    assert found.profile.columns[2].name == "<script>alert(1)</script>"
    assert load(project, "sales").columns[2].name == "<script>alert(1)</script>"


def test_a_file_outside_the_project_is_named_by_its_whole_path(project, tmp_path):
    path = tmp_path / "far.jsonl"
    path.write_text('{"a": 1}\n{"a": "x"}\n')
    assert register(project, path).path == str(path)
    assert load(project, "far").columns[0].logical == "string"


def test_the_same_file_again_shows_the_profile_and_keeps_the_contract(project):
    path = project.root / "sales.csv"
    path.write_text(CSV)
    register(project, path)
    edited = contract_path(project, "sales").read_text().replace("internal", "public")
    contract_path(project, "sales").write_text(edited)
    again = register(project, path)
    assert (again.kept, again.profile.rows) == (True, 8)
    assert contract_path(project, "sales").read_text() == edited


def test_another_file_does_not_take_a_name_that_is_taken(project, tmp_path):
    (project.root / "sales.csv").write_text(CSV)
    register(project, project.root / "sales.csv")
    before = contract_path(project, "sales").read_bytes()
    (tmp_path / "sales.csv").write_text("a\n1\n")
    with pytest.raises(BadInput, match="there is a dataset 'sales' already"):
        register(project, tmp_path / "sales.csv")
    assert contract_path(project, "sales").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("Order Details (1)", "--name order_details_1"),
        ("order", "--name order_data"),
        ("../x", "--name x"),
        ("2017", "--name data_2017"),
    ],
)
def test_a_name_that_sql_would_not_take_is_refused_with_one_that_it_does(project, name, fix):
    path = project.root / "f.csv"
    path.write_text(CSV)
    with pytest.raises(BadInput) as caught:
        register(project, path, name=name)
    assert caught.value.fix.endswith(fix)


@pytest.mark.parametrize(
    ("file", "content", "what", "why"),
    [
        ("a.csv", b"", "a.csv is empty", "it has no bytes"),
        ("a.csv", b"a,b\n", "a.csv holds no rows", "there is only a header, so no type can be told"),
        ("a.csv", b"a,b\n1,2\n1,2,3\n", "a.csv has a ragged row", "line 3 has 3 fields, the header has 2"),
        ("a.csv", b"a,b\n1,\xe9\n", "a.csv is not UTF-8", "byte 6 (line 2) cannot be decoded"),
        ("a.csv", b"a,a\n1,2\n", "a.csv has two columns with one name", "'a' is the name of columns 1 and 2 ("),
        ("a.xlsx", b"PK", "a.xlsx has a format that cannot be read", "its name ends in '.xlsx'; there is '.csv', "),
        ("a.parquet", b"PAR1", "a.parquet is no whole Parquet file", "Parquet file size is 4 bytes, "),
        ("a.jsonl", b'{"a":1}\n{"a":1', "a.jsonl cannot be read as JSON lines", "line 2: Expecting ',' delimiter"),
    ],
)  # fmt: skip
def test_a_bad_file_is_the_users_mistake_and_leaves_nothing_behind(project, file, content, what, why):
    path = project.root / file
    path.write_bytes(content)
    before = len(list(project.audit.entries()))
    with pytest.raises(BadInput) as caught:
        register(project, path)
    assert (caught.value.what, caught.value.exit_code) == (what, 2)
    assert caught.value.why.startswith(why)
    assert names(project) == ()
    assert len(list(project.audit.entries())) == before


def test_a_file_that_is_not_there_and_a_folder_are_told_apart(project):
    with pytest.raises(UnknownName, match="no file"):
        register(project, project.root / "gone.csv")
    with pytest.raises(BadInput, match="is no file"):
        register(project, project.root)
