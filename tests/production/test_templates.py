import pytest

from tests.conftest import code, write_notebook
from workbench.errors import UnknownName
from workbench.production.templates import describe, load, packaged, resolve, templates

SHIPPED = ["assess", "export", "features", "monitor", "score", "train"]


def test_the_shipped_templates_are_found(project):
    assert [t.name for t in templates(project).templates] == SHIPPED
    assert sorted(p.stem for p in packaged("templates").glob("*.ipynb")) == SHIPPED


def test_a_projects_own_template_hides_the_shipped_one(project, template):
    own = template("train", "x: int = 1  # a number")
    assert resolve(project, "train") == ("train", own)


def test_a_notebook_may_be_named_by_its_path(project, template):
    path = template("mine", "x: int = 1  # a number")
    name, notebook, parameters = load(project, str(path))
    assert (name, notebook.title, [p.name for p in parameters]) == ("mine", "Mine", ["x"])


def test_a_template_shows_its_parameters_with_help_range_and_unit(project, template):
    template("mine", "weeks: int = 8  # how far back [4..52] weeks\ntarget: str = None  # what to predict")
    shown = describe(project, "mine")
    assert shown.parameters == (
        ("weeks", "int", "8", "how far back [4..52] weeks"),
        ("target", "str", "required", "what to predict"),
    )
    assert shown.view().next == ("workbench production run mine -p target=…",)


def test_a_broken_template_does_not_hide_the_others(project, template):
    template("good", "x: int = 1  # a number")
    write_notebook(project.root / "templates" / "untagged.ipynb", code("x = 1"))
    (project.root / "templates" / "torn.ipynb").write_text("{")
    listed = {t.name: t.title for t in templates(project).templates}
    assert (listed["good"], listed["untagged"], listed["torn"]) == ("Good", "cannot be read", "cannot be read")


def test_a_misspelt_template_is_answered_with_the_nearest(project):
    with pytest.raises(UnknownName, match="did you mean 'train'"):
        describe(project, "trian")
