import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from workbench.errors import BadInput, UnknownName
from workbench.findings import Finding, Outcome
from workbench.production.pipelines.conditions import Clean, Comparison, FigureOf, StepResult, read_condition
from workbench.records.run import Figure

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_ -]{0,12}[A-Za-z0-9_]", fullmatch=True).filter(lambda n: n not in ("true", "false"))
NUMBERS = st.integers(-(10**6), 10**6) | st.floats(-1e6, 1e6, allow_nan=False)
SIGNS = ["<", "<=", ">", ">=", "==", "!="]
SPACE = st.sampled_from(["", " ", "  ", "\t"])


def results(**figures):
    """One step `train` with these figures."""
    return {"train": StepResult(tuple(Figure(name=n, value=v) for n, v in figures.items()), ())}


def holds(text, **figures):
    return read_condition(text).judge(results(**figures)).holds


@given(NAMES, NAMES, st.sampled_from(SIGNS), NUMBERS, SPACE)
def test_what_is_written_is_what_is_read(step, figure, sign, number, space):
    read = read_condition(f"{space}{step}.{figure}{space}{sign}{space}{number!r}{space}")
    assert (read.left, read.operator, read.right) == (FigureOf(step, figure), sign, number)
    assert read.steps == {step}


@given(NAMES, NAMES, NAMES, NAMES, st.sampled_from(SIGNS), SPACE)
def test_two_figures_are_compared(step, figure, other, its, sign, space):
    read = read_condition(f"{step}.{figure}{space}{sign}{space}{other}.{its}")
    assert (read.left, read.right) == (FigureOf(step, figure), FigureOf(other, its))
    assert read.steps == {step, other}


@given(st.text(alphabet=st.sampled_from(list("ab.<>=!~ 0123456789e-+'\"\n")) | st.characters(), max_size=40))
def test_any_text_is_a_condition_or_a_letter(text):
    try:
        read = read_condition(text)
    except BadInput as error:
        assert error.what.startswith("the condition")
    else:
        assert isinstance(read, (Comparison, Clean))
        assert all(step and step in text for step in read.steps)


@given(NUMBERS, NUMBERS)
def test_comparisons_are_those_of_numbers(a, b):
    figures = {"a": a, "b": b}
    told = {sign: holds(f"train.a {sign} train.b", **figures) for sign in SIGNS}
    assert told == {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b, "==": a == b, "!=": a != b}
    assert holds(f"train.a <= {b!r}", **figures) is (a <= b)


@given(st.text(max_size=10), st.text(max_size=10))
def test_words_are_equal_or_not(a, b):
    assume('"' not in b)
    assert holds(f'train.verdict == "{b}"', verdict=a) is (a == b)
    assert holds(f'train.verdict != "{b}"', verdict=a) is (a != b)


def test_truth_is_compared_with_truth_only():
    assert holds("train.ok == true", ok=True)
    assert holds("train.ok != true", ok=False)
    with pytest.raises(BadInput, match="compares nothing"):
        holds("train.ok == 1", ok=True)


@pytest.mark.parametrize("sign", SIGNS)
def test_a_figure_without_a_value_opens_nothing(sign):
    assert not holds(f"train.wape {sign} 47", wape=None)
    assert not holds(f"train.wape {sign} 47", wape=float("nan"))
    assert not holds(f"train.wape {sign} train.wape", wape=None)


def test_a_verdict_says_the_values_with_their_units():
    figures = (Figure(name="wape", value=45.912, unit="%"), Figure(name="base", value=52.75, unit="%"))
    verdict = read_condition("train.wape < train.base").judge({"train": StepResult(figures, ())})
    assert verdict == (True, "train.wape is 45.91 %, train.base is 52.75 %")


def test_a_misspelt_figure_is_answered_with_the_nearest():
    with pytest.raises(UnknownName, match="did you mean 'test_wape'"):
        holds("train.test_wap < 1", test_wape=1.0)


@pytest.mark.parametrize(
    ("outcomes", "fail", "warn"),
    [
        ([], True, True),
        ([Outcome.PASS, Outcome.INFO, Outcome.SKIPPED, Outcome.INCONCLUSIVE], True, True),
        ([Outcome.WARN], True, False),
        ([Outcome.ERROR], False, False),
        ([Outcome.PASS, Outcome.FAIL], False, False),
    ],
)
def test_a_step_is_free_of_findings_by_their_weight(outcomes, fail, warn):
    found = {"train": StepResult((), tuple(Finding(check=f"c.{o}", outcome=o, message="m") for o in outcomes))}
    assert read_condition("train has no fail").judge(found).holds is fail
    assert read_condition("train has no warn").judge(found).holds is warn


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "it compares nothing"),
        ("train.wape", "it compares nothing"),
        ("train.wape =< 47", "'=<' is no comparison"),
        ("train.wape = 47", "'=' is no comparison"),
        ("train.wape <> 47", "'<>' is no comparison"),
        ("1 < train.wape < 3", "'train.wape < 3' names no figure"),
        ("train.a < train.b < 3", "'train.b < 3' names no figure"),
        ("train < 47", "'train' names no figure"),
        ("train. < 47", "names no figure"),
        (".wape < 47", "names no figure"),
        ("train.wape < 47 %", "'47 %' names no figure"),
        ("train.wape < nan", "'nan' names no figure"),
        ("train.verdict < 'model'", "'model' has no order"),
        ("train.ok >= true", "true has no order"),
        ("train has no luck", "'luck' is no kind of finding"),
        ("__import__('os').system('true')", "it compares nothing"),
    ],
)
def test_what_cannot_be_read_is_refused(text, says):
    with pytest.raises(BadInput, match="cannot be read") as caught:
        read_condition(text)
    assert says in caught.value.why
