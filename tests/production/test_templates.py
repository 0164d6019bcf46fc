import pytest

from tests.conftest import code, write_notebook
from workbench.errors import BadInput, UnknownName
from workbench.production.lint import lint
from workbench.production.show import show
from workbench.production.templates import describe, load, origin, packaged, read, resolve, templates

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


def test_a_template_may_lie_in_a_bucket(project, template, store):
    path = template("mine", "weeks: int = 8  # how far back")
    url = store.put("templates/mine.ipynb", path.read_bytes())
    path.unlink()
    name, notebook, parameters = load(project, url)
    assert (name, notebook.title, [p.name for p in parameters]) == ("mine", "Mine", ["weeks"])
    assert resolve(project, url) == ("mine", url)
    assert (show(project, url).path, show(project, url).view().next) == (url, (f"workbench production run {url}",))
    assert lint(project, url).findings[0].outcome == "pass"


def test_a_template_that_is_no_notebook_is_named_by_its_url(project, store):
    url = store.put("torn.ipynb", b"{")
    with pytest.raises(BadInput, match=f"torn.ipynb is not a readable notebook(.|\n)*open {url}"):
        read(project, url)
    with pytest.raises(BadInput, match=r"its name does not end in \.ipynb"):
        read(project, f"s3://{store.bucket}/templates")
    with pytest.raises(UnknownName, match="no such object"):
        read(project, f"s3://{store.bucket}/none.ipynb")


def test_a_version_of_a_template_keeps_its_name(project):
    url = "s3://bucket/templates/mine.ipynb?versionId=3"
    assert resolve(project, url) == ("mine", url)


def test_a_file_url_is_the_path_that_it_names(project, template):
    path = template("mine", "x: int = 1  # a number")
    assert resolve(project, path.as_uri()) == ("mine", path)
    assert load(project, path.as_uri())[0] == "mine"


def test_the_origin_of_a_template_holds_on_every_machine_where_it_can(project, template, tmp_path):
    template("mine", "x: int = 1  # a number")
    outside = write_notebook(tmp_path / "outside.ipynb", code("x = 1", "parameters"))
    assert origin(project, "mine") == "templates/mine.ipynb"
    assert origin(project, "train") == "workbench:templates/train.ipynb"
    assert origin(project, str(outside)) == str(outside)
    assert origin(project, "s3://bucket/mine.ipynb") == "s3://bucket/mine.ipynb"
