import os

import pytest

from workbench.errors import BadInput, UnknownName
from workbench.project import find, open_project
from workbench.records.run import RunRecord


def test_a_project_is_found_by_walking_up(project):
    deep = project.root / "a" / "b"
    deep.mkdir(parents=True)
    assert find(deep).root == project.root


def test_a_named_project_beats_the_environment_and_that_beats_the_folder(project, tmp_path, monkeypatch):
    from workbench import project as projects

    projects.init(tmp_path / "other")
    monkeypatch.setenv("WORKBENCH_PROJECT", str(tmp_path / "other"))
    assert find(project.root).root == tmp_path / "other"
    assert find(tmp_path, explicit=project.root).root == project.root


def test_a_project_in_the_environment_that_is_gone_is_told_and_not_replaced(project, monkeypatch):
    monkeypatch.setenv("WORKBENCH_PROJECT", "/nowhere")
    with pytest.raises(UnknownName) as caught:
        find(project.root)
    assert caught.value.fix == "workbench init /nowhere"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("name =", "at end of document"),
        ('name = "x"\nnmae = "y"', "nmae: this key is not known"),
        ("owner = 'a'", "name: Field required"),
        ("\xff", ""),
    ],
)
def test_an_unusable_workbench_toml_is_told_with_its_place(project, text, why):
    (project.root / "workbench.toml").write_text(text, encoding="latin-1")
    with pytest.raises(BadInput, match=r"workbench\.toml") as caught:
        open_project(project.root)
    assert why in caught.value.why


def test_the_actor_is_the_systems_user_whatever_the_environment_says(project, monkeypatch):
    monkeypatch.setenv("USER", "somebody-else")
    monkeypatch.setenv("LOGNAME", "somebody-else")
    assert open_project(project.root).actor == (pytest.importorskip("pwd").getpwuid(os.getuid()).pw_name)


def test_records_are_kept_by_kind_and_the_newest_is_read_without_a_name(project):
    def record(run_id):
        return RunRecord(run_id=run_id, template="t", template_sha256="0", actor="ana", created=project.clock())

    project.save(record("a"), "20260101")
    project.save(record("b"), "20260102")
    assert project.read(RunRecord).run_id == "b"
    assert project.read(RunRecord, "20260101").run_id == "a"
    with pytest.raises(UnknownName, match="no run named '2026'"):
        project.read(RunRecord, "2026")
