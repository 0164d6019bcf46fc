import tomllib

import pytest

from tests.conftest import as_nobody, needs_root
from workbench.errors import BadInput, MachineError, UnknownName
from workbench.project import init, open_project


def test_a_new_project_has_what_people_own_and_an_audited_beginning(tmp_path):
    init(tmp_path / "my")
    assert sorted(p.name for p in (tmp_path / "my").iterdir()) == [
        ".gitignore",
        ".workbench",
        "contracts",
        "features",
        "pipelines",
        "policy.toml",
        "templates",
        "workbench.toml",
    ]
    project = open_project(tmp_path / "my")
    assert (project.config.name, project.config.strict_parameters) == ("my", True)
    assert [e["event"] for e in project.audit.entries()] == ["project.init"]


def test_the_one_who_makes_it_is_its_owner(tmp_path):
    init(tmp_path / "my")
    project = open_project(tmp_path / "my")
    roles = tomllib.loads((tmp_path / "my" / "policy.toml").read_text())["roles"]
    assert (project.config.owner, roles) == (project.actor, {"owner": [project.actor]})


def test_a_project_is_not_made_twice_and_files_that_are_there_are_kept(tmp_path):
    (tmp_path / "my").mkdir()
    (tmp_path / "my" / "policy.toml").write_text("# mine\n")
    init(tmp_path / "my")
    assert (tmp_path / "my" / "policy.toml").read_text() == "# mine\n"
    with pytest.raises(BadInput, match="is a project already"):
        init(tmp_path / "my")


@pytest.mark.parametrize("name", ['a "b" \\ c', "<script>", "später", "tab\tname", "two\nlines"])
def test_any_name_survives(tmp_path, name):
    init(tmp_path / "my", name=name)
    assert open_project(tmp_path / "my").config.name == name


def test_the_sample_brings_its_contracts_policy_and_pipelines_but_no_data(tmp_path):
    shown = init(tmp_path / "demo", sample="retail")
    assert (shown.datasets, shown.pipelines) == (8, ("coupons", "demand", "retail"))
    project = open_project(tmp_path / "demo")
    assert "education" in project.config.notice
    assert "@owner@" not in (tmp_path / "demo" / "policy.toml").read_text()
    assert not list((tmp_path / "demo").rglob("*.parquet"))


def test_a_misspelt_sample_is_answered_and_makes_nothing(tmp_path):
    with pytest.raises(UnknownName, match="did you mean 'retail'"):
        init(tmp_path / "demo", sample="retial")
    assert not (tmp_path / "demo").exists()


@needs_root
def test_a_folder_that_may_not_be_written_is_told(tmp_path):
    def attempt():
        with pytest.raises(MachineError) as caught:
            init(tmp_path / "my")
        return caught.value.why

    assert as_nobody(attempt) == "you may not write there"
