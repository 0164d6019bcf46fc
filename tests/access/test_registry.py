import pytest

from workbench.access.contract import parse
from workbench.access.registry import load, locate, names, slug
from workbench.errors import BadInput, MissingExtra, UnknownName

TEXT = """\
apiVersion: v3.1.0
kind: DataContract
id: a
version: 1.0.0
servers: [{server: file, format: csv, path: "PATH"}]
schema: [{name: a, properties: [{name: x, logicalType: integer}]}]
"""


def _contract(path):
    return parse(TEXT.replace("PATH", path).encode(), "a")


def test_paths_are_relative_to_the_project_or_absolute(project, tmp_path):
    (project.root / "x.csv").write_text("x\n1\n")
    assert locate(project, _contract("x.csv")) == project.root / "x.csv"
    (tmp_path / "y.csv").write_text("x\n1\n")
    assert locate(project, _contract(str(tmp_path / "y.csv"))) == tmp_path / "y.csv"


def test_a_package_path_is_found_without_importing_the_package(project):
    assert locate(project, _contract("package://json/__init__.py")).name == "__init__.py"


def test_a_package_path_does_not_leave_its_package(project):
    with pytest.raises(BadInput, match="leaves its package"):
        locate(project, _contract("package://json/../os.py"))


def test_a_package_that_is_not_installed_says_how_to_get_it(project):
    with pytest.raises(MissingExtra, match="not installed"):
        locate(project, _contract("package://no_such_package_here/a.parquet"))


def test_a_lost_file_names_the_contract_to_mend(project):
    with pytest.raises(BadInput) as caught:
        locate(project, _contract("gone.csv"))
    assert caught.value.fix == "put the file there, or mend servers.path in contracts/a.odcs.yaml"


def test_an_unknown_dataset_names_the_nearest(shop):
    assert names(shop) == ("customers", "sales")
    with pytest.raises(UnknownName) as caught:
        load(shop, "sale")
    assert caught.value.why == "did you mean 'sales'?"


@pytest.mark.parametrize("name", ["../sales", "Sales", "sales.odcs", ""])
def test_a_name_is_no_way_to_another_file(shop, name):
    with pytest.raises(UnknownName):
        load(shop, name)


@pytest.mark.parametrize(
    ("text", "name"), [("Order Details (1)", "order_details_1"), ("2017", "data_2017"), ("äöü", "data"), ("a-b", "a_b")]
)
def test_a_slug_is_a_name(text, name):
    assert slug(text) == name
