import pytest

from workbench.errors import BadInput, NotAllowed, UnknownName
from workbench.production.inputs import check_inputs
from workbench.production.parameters import Parameter


def parameter(**kinds):
    return (Parameter(name="x", annotation="", type=str, default=None, **kinds),)


@pytest.fixture
def sales(project):
    from workbench import access

    (project.root / "sales.csv").write_text("id,units\n1,2\n2,3\n3,5\n")
    access.register(project, project.root / "sales.csv")
    access.confirm(project, "sales")
    return project


def test_a_dataset_that_is_not_there_is_refused_with_the_nearest(sales):
    with pytest.raises(UnknownName, match="did you mean 'sales'"):
        check_inputs(sales, parameter(is_dataset=True), {"x": "sale", "purpose": "training"})


def test_a_purpose_that_the_policy_denies_is_refused_and_audited(project, sales):
    with pytest.raises(NotAllowed):
        check_inputs(sales, parameter(is_dataset=True), {"x": "sales", "purpose": "training"})  # 'ana' has no role here
    assert [e["event"] for e in sales.audit.entries()][-1] == "access.deny"


def test_every_dataset_of_a_list_is_looked_at(sales):
    with pytest.raises(UnknownName, match="no dataset named 'none'"):
        check_inputs(sales, parameter(is_dataset=True), {"x": ["sales", "none"]})


def test_a_file_is_looked_for_from_the_projects_folder(sales):
    check_inputs(sales, parameter(is_path=True), {"x": "sales.csv"})
    check_inputs(sales, parameter(is_path=True), {"x": None})
    with pytest.raises(BadInput, match=r"there is no features/none\.sql"):
        check_inputs(sales, parameter(is_path=True), {"x": "features/none.sql"})


def test_what_may_be_a_name_is_left_to_the_template(sales):
    check_inputs(sales, parameter(is_input=True), {"x": "weekly-demand"})
    with pytest.raises(BadInput, match="there is no weekly-demand"):  # a parameter that can only be a path is looked at
        check_inputs(sales, parameter(is_input=True, is_path=True), {"x": "weekly-demand"})


def test_an_object_is_looked_for_in_its_store(project, store):
    url = store.put("data/sales.csv", b"1")
    check_inputs(project, parameter(is_path=True), {"x": url})
    check_inputs(project, parameter(is_path=True), {"x": [url, f"s3://{store.bucket}/data"]})
    with pytest.raises(BadInput, match=r"'x' cannot be read\n  why: there is no such object or folder: s3://.*/none\.csv"):
        check_inputs(project, parameter(is_path=True), {"x": f"s3://{store.bucket}/none.csv"})
    with pytest.raises(BadInput, match="there is no such bucket"):
        check_inputs(project, parameter(is_path=True), {"x": "s3://no-such-bucket/none.csv"})


def test_a_file_url_is_looked_for_as_a_path(project, tmp_path):
    (tmp_path / "sales 1.csv").write_text("1")
    check_inputs(project, parameter(is_path=True), {"x": (tmp_path / "sales 1.csv").as_uri()})
    with pytest.raises(BadInput, match=r"there is no file:///none\.csv"):
        check_inputs(project, parameter(is_path=True), {"x": "file:///none.csv"})


def test_an_input_with_credentials_is_refused_before_they_are_written_anywhere(project):
    with pytest.raises(BadInput, match="holds credentials"):
        check_inputs(project, parameter(is_path=True), {"x": "s3://key:hush@bucket/x"})
