import re
from pathlib import Path

import pytest

from workbench.errors import BadInput, UnknownName
from workbench.production.pipelines.fan_out import SweepSpec
from workbench.production.pipelines.spec import StepSpec, read_pipeline

ONE = "[steps.a]\ntemplate = 'one'"


def write(project, name, text):
    (project.root / "pipelines" / f"{name}.toml").write_text(text)


def test_an_included_file_adds_its_steps_behind_those_of_the_file(project):
    write(project, "inner", ONE)
    write(project, "outer", "include = ['inner.toml']\n[steps.b]\ntemplate = 'one'\nafter = ['a']")
    assert list(read_pipeline(project, "outer").steps) == ["b", "a"]


def test_a_step_that_is_there_twice_is_refused(project):
    write(project, "inner", ONE)
    write(project, "outer", f"include = ['inner.toml']\n{ONE}")
    with pytest.raises(BadInput, match="is there twice"):
        read_pipeline(project, "outer")


def test_a_misspelt_pipeline_is_answered_with_the_nearest(project):
    write(project, "weekly", ONE)
    with pytest.raises(UnknownName, match="did you mean 'weekly'"):
        read_pipeline(project, "wekly")


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("", BadInput, "has no steps"),
        ("x = 1", BadInput, "this key is not known"),
        (f"{ONE}\nparameter = {{}}", BadInput, "this key is not known"),
        (f"{ONE}\nsweep.grids.n = [1]", BadInput, "this key is not known"),
        (f"{ONE}\nsweep.random = 0", BadInput, "greater than or equal to 1"),
        (f"{ONE}\nrequire = 'b has no fail'", BadInput, "valid tuple"),
        ("[steps.a", BadInput, "not valid TOML"),
        ("include = ['p.toml']", BadInput, "includes itself"),
        ("include = ['none.toml']", UnknownName, "no pipeline named 'none'"),
    ],
)
def test_a_file_that_is_no_pipeline_is_refused(project, text, error, says):
    write(project, "p", text)
    with pytest.raises(error) as caught:
        read_pipeline(project, "p")
    assert says in str(caught.value)


def test_every_key_of_a_step_is_in_the_docs():
    page = (Path(__file__).parents[3] / "docs" / "pipelines.md").read_text()
    keys = page[page.index("| key of a step") : page.index("## Side by side")]
    assert set(re.findall(r"`(\w+)`(?=[^|]*\|[^|]*\|$)", keys, re.MULTILINE)) == set(StepSpec.model_fields)
    assert set(re.findall(r"`sweep\.(\w+)", page)) == set(SweepSpec.model_fields)
