import pytest

from workbench.errors import BadInput, UnknownName
from workbench.production.pipelines.plan import plan

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


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        ("[steps.a]\ntemplate = 'two'", UnknownName, "no template named 'two'"),
        ("[steps.a]\ntemplate = 'one'\nparameters.weeks = 99", BadInput, "step 'a'"),
        ("[steps.a]\ntemplate = 'one'\nparameters.weeks = '8'", BadInput, "weeks = '8'"),
        ("[steps.a]\ntemplate = 'one'\nparameters.wekes = 8", UnknownName, "did you mean 'weeks'"),
        ("[steps.a]\ntemplate = 'one'\ninputs.source = 'b.table'", UnknownName, "no step needed by 'a' named 'b'"),
        ("[steps.a]\ntemplate = 'one'\ninputs.source = 'a'", BadInput, "circle"),
        ("[steps.a]\ntemplate = 'one'\n[steps.b]\ntemplate = 'one'\ninputs.source = 'a'", BadInput, "step.artifact"),
        ("[steps.a]\ntemplate = 'one'\nafter = ['b']\n[steps.b]\ntemplate = 'one'\nafter = ['a']", BadInput, "circle"),
    ],
)
def test_a_wrong_pipeline_is_refused_before_anything_runs(project, template, text, error, says):
    template("one", ONE)
    write(project, "p", text)
    with pytest.raises(error) as caught:
        plan(project, "p")
    assert says in str(caught.value)


SWEPT = "[steps.s]\ntemplate = 'one'\n"
BEST = "[steps.b]\ntemplate = 'one'\ninputs.source = 's.best.out'\n"


@pytest.mark.parametrize(
    ("text", "error", "says"),
    [
        (SWEPT + "sweep.seed = 1", BadInput, "needs one of sweep.grid, sweep.random and sweep.table"),
        (
            SWEPT + "sweep.grid.weeks = [8]\nsweep.random = 3\nsweep.space.weeks = '4..8'",
            BadInput,
            "sweep.grid and sweep.random",
        ),
        (SWEPT + "sweep.random = 3", BadInput, "belong together"),
        (SWEPT + "sweep.grid.weeks = [8]\nsweep.space.weeks = '4..8'", BadInput, "belong together"),
        (SWEPT + "sweep.grid.wekes = [8]", UnknownName, "did you mean 'weeks'"),
        (SWEPT + "sweep.grid.weeks = [8, 99]", BadInput, "weeks = 99"),
        (SWEPT + "sweep.grid.weeks = ['8']", BadInput, "weeks = '8'"),
        (SWEPT + "sweep.grid.weeks = []", BadInput, "weeks has no values"),
        (SWEPT + "sweep.grid.weeks = [8, 8]", BadInput, "names a value twice"),
        (SWEPT + "sweep.grid.weeks = [8]\nparameters.weeks = 9", BadInput, "'weeks' is fixed and swept"),
        (SWEPT + "sweep.grid.source = ['none.csv']", BadInput, "'source' cannot be read"),
        (SWEPT + "sweep.table = 'none.csv'", BadInput, "none.csv"),
        (SWEPT + "sweep.random = 3\nsweep.space.weeks = '9..8'", BadInput, "is empty"),
        (SWEPT + "sweep.grid.weeks = [8]\nsweep.minimize = 'a'\nsweep.maximize = 'b'", BadInput, "at once"),
        (SWEPT + "sweep.grid.weeks = [8]\nexpect.loss = { min = 0, max = 1 }", BadInput, "sweep.minimize"),
        (SWEPT + "sweep.grid.weeks = [8]\n" + BEST, BadInput, "add sweep.minimize"),
        (SWEPT + "sweep.grid.weeks = [8]\n" + BEST.replace("best.", ""), BadInput, "s.best.out"),
        (SWEPT + "sweep.grid.weeks = [8]\n" + BEST.replace("best", "all"), BadInput, "source = ['s.all.out']"),
        (
            SWEPT + "sweep.grid.weeks = [8]\n[steps.b]\ntemplate = 'one'\nwhen = ['s.loss < 1']",
            BadInput,
            "has no figure to judge",
        ),
    ],
)
def test_a_wrong_sweep_is_refused_before_anything_runs(project, template, text, error, says):
    template("one", ONE)
    write(project, "p", text)
    with pytest.raises(error) as caught:
        plan(project, "p")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("line", "error", "says"),
    [
        ("require = ['a.loss =< 1']", BadInput, "step 'b': the condition 'a.loss =< 1' cannot be read"),
        ("when = ['c.loss < 1']", UnknownName, "no step needed by 'b' named 'c'"),
        ("when = ['a.loss < c.loss']", UnknownName, "no step needed by 'b' named 'c'"),
        ("require = ['b has no fail']", BadInput, "circle"),
        ("inputs.source = 'a.table'\nparameters.source = 'x'", BadInput, "'source' is given twice"),
    ],
)
def test_a_wrong_gate_is_refused_before_anything_runs(project, template, line, error, says):
    template("one", ONE)
    write(project, "p", f"[steps.b]\ntemplate = 'one'\n{line}\n[steps.a]\ntemplate = 'one'")
    with pytest.raises(error) as caught:
        plan(project, "p")
    assert says in str(caught.value)


def test_a_condition_puts_its_steps_before(project, template):
    template("one", ONE)
    write(
        project,
        "p",
        "[steps.b]\ntemplate = 'one'\nwhen = ['a.loss < c.loss']\n[steps.a]\ntemplate = 'one'\n[steps.c]\ntemplate = 'one'",
    )
    assert order(project, "p") == ["a", "c", "b"]
    assert plan(project, "p").steps[-1].needs == ("a", "c")


def test_a_sweep_has_typed_points(project, template):
    template("one", ONE + "\nrate: float = 0.1  # of learning")
    (project.root / "points.csv").write_text("weeks,rate\n4,0.5\n52,\n")
    forms = {
        "sweep.grid = { weeks = [4, 8], rate = [1, 0.5] }": 4,
        "sweep.random = 3\nsweep.space = { weeks = '4..8', rate = '1e-4..1e-1:log' }": 3,
        "sweep.random = 3\nsweep.space = { weeks = [4, 8] }": 3,
        "sweep.table = 'points.csv'": 2,
    }
    for form, count in forms.items():
        write(project, "p", SWEPT + form)
        assert plan(project, "p").steps[0].points.design.count == count
    assert plan(project, "p").steps[0].points.rows == [{"weeks": 4, "rate": 0.5}, {"weeks": 52}]


def test_a_required_parameter_may_come_from_the_points(project, template):
    template("one", "weeks: int = None  # weeks")
    write(project, "p", SWEPT + "sweep.grid.weeks = [8]")
    assert plan(project, "p").steps[0].points.design.count == 1
