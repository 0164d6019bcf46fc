import pytest

from workbench.errors import BadInput, UnknownName
from workbench.production.plan import plan

ONE = "weeks: int = 8  # weeks [4..52]\nsource: Path | None = None  # a file"


def write(project, name, text):
    (project.root / "pipelines" / f"{name}.toml").write_text(text)


def order(project, name):
    return [step.name for step in plan(project, name).steps]


def test_steps_run_in_the_order_of_their_dependence_else_of_the_file(project, template):
    template("one", ONE)
    write(
        project,
        "p",
        """
        [steps.last]
        template = "one"
        inputs.source = "middle.table"
        [steps.alone]
        template = "one"
        [steps.middle]
        template = "one"
        after = ["first"]
        [steps.first]
        template = "one"
    """,
    )
    assert order(project, "p") == ["alone", "first", "middle", "last"]


def test_an_included_file_adds_its_steps(project, template):
    template("one", ONE)
    write(project, "inner", "[steps.a]\ntemplate = 'one'")
    write(project, "outer", "include = ['inner.toml']\n[steps.b]\ntemplate = 'one'\nafter = ['a']")
    assert order(project, "outer") == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("", BadInput, "has no steps"),
        ("x = 1", BadInput, "this key is not known"),
        ("[steps.a]\ntemplate = 'one'\nparameter = {}", BadInput, "this key is not known"),
        ("[steps.a", BadInput, "not valid TOML"),
        ("[steps.a]\ntemplate = 'two'", UnknownName, "no template named 'two'"),
        ("[steps.a]\ntemplate = 'one'\nparameters.weeks = 99", BadInput, "step 'a'"),
        ("[steps.a]\ntemplate = 'one'\nparameters.weeks = '8'", BadInput, "weeks = '8'"),
        ("[steps.a]\ntemplate = 'one'\nparameters.wekes = 8", UnknownName, "did you mean 'weeks'"),
        ("[steps.a]\ntemplate = 'one'\ninputs.source = 'b.table'", UnknownName, "no step needed by 'a' named 'b'"),
        ("[steps.a]\ntemplate = 'one'\ninputs.source = 'a'", BadInput, "circle"),
        ("[steps.a]\ntemplate = 'one'\n[steps.b]\ntemplate = 'one'\ninputs.source = 'a'", BadInput, "step.artifact"),
        ("[steps.a]\ntemplate = 'one'\nafter = ['b']\n[steps.b]\ntemplate = 'one'\nafter = ['a']", BadInput, "circle"),
        ("include = ['p.toml']", BadInput, "includes itself"),
        ("include = ['none.toml']", UnknownName, "no pipeline named 'none'"),
    ],
)
def test_a_wrong_pipeline_is_refused_before_anything_runs(project, template, text, error, says):
    template("one", ONE)
    write(project, "p", text)
    with pytest.raises(error) as caught:
        plan(project, "p")
    assert says in str(caught.value)


def test_a_step_that_is_there_twice_is_refused(project, template):
    template("one", ONE)
    write(project, "inner", "[steps.a]\ntemplate = 'one'")
    write(project, "outer", "include = ['inner.toml']\n[steps.a]\ntemplate = 'one'")
    with pytest.raises(BadInput, match="is there twice"):
        plan(project, "outer")


def test_a_misspelt_pipeline_is_answered_with_the_nearest(project, template):
    template("one", ONE)
    write(project, "weekly", "[steps.a]\ntemplate = 'one'")
    with pytest.raises(UnknownName, match="did you mean 'weekly'"):
        plan(project, "wekly")
