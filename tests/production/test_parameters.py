import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import code, write_notebook
from workbench.errors import BadInput, UnknownName
from workbench.production.notebook import read_notebook
from workbench.production.parameters import REQUIRED, read_parameters
from workbench.production.validation import json_schema, validate

CELL = '''\
"""Settings."""
from typing import Annotated, Literal, Optional
from workbench.production import Dataset

weeks: int = 8  # how far back [4..52] weeks
share: float = 0.2  # of rows held out [0..1]
family: Literal["histgb", "mlp"] = "histgb"  # which model
dataset: Dataset = None  # what to learn from
target: str  # the column to predict
scale: str | None = None  # divide the target by it
limit: Optional[int] = None  # at most so many rows [1..]
since: date = "2017-01-01"  # first day
features: list[str] = []  # empty: all
settings: dict[str, float] = {}  # of the model
note: Annotated[str, "free text"] = "it's # not a comment"
quick = True
'''


def parameters(tmp_path, cell=CELL):
    return read_parameters(read_notebook(write_notebook(tmp_path / "t.ipynb", code(cell, "parameters"))), "t")


def by_name(found):
    return {p.name: p for p in found}


def test_names_defaults_help_and_units_are_read_without_running_the_cell(tmp_path):
    found = by_name(parameters(tmp_path))
    assert list(found) == [
        "weeks",
        "share",
        "family",
        "dataset",
        "target",
        "scale",
        "limit",
        "since",
        "features",
        "settings",
        "note",
        "quick",
    ]
    assert (found["weeks"].help, found["weeks"].unit, found["weeks"].default) == ("how far back", "weeks", 8)
    assert found["note"].default == "it's # not a comment"
    assert [p.name for p in found.values() if p.is_input] == ["dataset"]


def test_no_value_or_none_where_none_is_not_allowed_means_required(tmp_path):
    found = by_name(parameters(tmp_path))
    assert {n for n, p in found.items() if p.default is REQUIRED} == {"dataset", "target"}


GIVEN = {"dataset": "sales", "target": "units"}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("weeks", "12", 12),
        ("share", "1", 1.0),
        ("share", "1e-3", 0.001),
        ("family", "mlp", "mlp"),
        ("scale", "level", "level"),
        ("limit", "5", 5),
        ("limit", "null", None),
        ("since", "2017-02-28", "2017-02-28"),
        ("features", '["a", "b"]', ["a", "b"]),
        ("settings", '{"lr": 0.1}', {"lr": 0.1}),
        ("quick", "false", False),
        ("target", "12", "12"),
        ("note", "", ""),
    ],
)
def test_text_from_a_command_line_becomes_its_type(tmp_path, name, text, value):
    assert validate(parameters(tmp_path), {**GIVEN, name: text}, "t", text=True)[name] == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("weeks", "3"),
        ("weeks", "53"),
        ("weeks", "8.5"),
        ("weeks", "many"),
        ("share", "1.01"),
        ("share", "nan"),
        ("family", "tree"),
        ("limit", "0"),
        ("since", "2017-02-30"),
        ("features", "a,b"),
        ("settings", '{"lr": "x"}'),
        ("quick", "perhaps"),
    ],
)
def test_a_wrong_text_is_refused_by_name(tmp_path, name, text):
    with pytest.raises(BadInput, match=rf"{name} = "):
        validate(parameters(tmp_path), {**GIVEN, name: text}, "t", text=True)


@pytest.mark.parametrize(
    ("name", "value"), [("weeks", "8"), ("weeks", True), ("weeks", 8.5), ("target", 3), ("quick", 1), ("features", "a")]
)
def test_a_typed_value_is_never_bent_to_fit(tmp_path, name, value):
    with pytest.raises(BadInput, match=rf"{name} = "):
        validate(parameters(tmp_path), {**GIVEN, name: value}, "t")


def test_every_wrong_and_missing_parameter_is_told_at_once(tmp_path):
    with pytest.raises(BadInput) as caught:
        validate(parameters(tmp_path), {"weeks": 99, "family": "tree"}, "t")
    assert [part.split(" ")[0] for part in caught.value.why.split("; ")] == ["weeks", "family", "dataset", "target"]


@pytest.mark.parametrize("text", ["nan", "inf", "-Infinity"])
def test_what_json_cannot_hold_is_no_number_even_without_a_range(tmp_path, text):
    found = parameters(tmp_path, "ratio: float = 0.5  # of something")
    with pytest.raises(BadInput, match="finite"):
        validate(found, {"ratio": text}, "t", text=True)


def test_a_huge_wrong_value_is_told_in_part(tmp_path):
    with pytest.raises(BadInput) as caught:
        validate(parameters(tmp_path), {**GIVEN, "weeks": "x" * 1_000_000}, "t", text=True)
    assert "… (1,000,002 signs)" in caught.value.why
    assert len(caught.value.why) < 400


def test_an_unknown_parameter_is_refused_and_the_nearest_named(tmp_path):
    with pytest.raises(UnknownName, match="did you mean 'target'"):
        validate(parameters(tmp_path), {**GIVEN, "targte": "x"}, "t")


def test_the_json_schema_has_types_ranges_help_and_units(tmp_path):
    schema = json_schema(parameters(tmp_path), "t")
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["dataset", "target"]
    assert schema["properties"]["weeks"] == {
        "type": "integer",
        "minimum": 4,
        "maximum": 52,
        "default": 8,
        "title": "Weeks",
        "description": "how far back",
        "x-unit": "weeks",
    }
    assert schema["properties"]["family"]["enum"] == ["histgb", "mlp"]
    assert schema["properties"]["dataset"]["format"] == "dataset"
    assert schema["properties"]["limit"]["anyOf"] == [{"type": "integer", "minimum": 1}, {"type": "null"}]
    json.dumps(schema)


@given(st.integers(), st.integers(-100, 100), st.integers(0, 100))
def test_a_range_admits_exactly_what_lies_in_it(tmp_path_factory, value, low, width):
    found = parameters(tmp_path_factory.mktemp("n"), f"n: int = {low}  # number [{low}..{low + width}]")
    try:
        assert validate(found, {"n": value}, "t") == {"n": value}
        assert low <= value <= low + width
    except BadInput:
        assert not low <= value <= low + width


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("x: int = 1 + y", "not a literal"),
        ("x: Frame = 1", "type 'Frame'"),
        ("print(1)", "only `name: type"),
        ("x: int = 1\nx: int = 2", "set twice"),
        ("x: int = ", "line 1"),
        ("a = b = 1", "only `name: type"),
        ("x: list[Frame] = []", "Frame"),
    ],
)
def test_a_cell_that_is_no_plain_list_of_literals_is_refused_with_its_line(tmp_path, cell, why):
    with pytest.raises(BadInput) as caught:
        parameters(tmp_path, cell)
    assert why in caught.value.why


def test_brackets_that_hold_no_numbers_are_words(tmp_path):
    assert by_name(parameters(tmp_path, "x: int = 1  # n [a..b]"))["x"].help == "n [a..b]"


def test_a_notebook_without_a_tagged_cell_is_refused_with_the_way_out(tmp_path):
    with pytest.raises(BadInput) as caught:
        read_parameters(read_notebook(write_notebook(tmp_path / "t.ipynb", code("x = 1"))), "t")
    assert "tag the cell" in caught.value.fix


def test_two_tagged_cells_are_refused(tmp_path):
    path = write_notebook(tmp_path / "t.ipynb", code("x = 1", "parameters"), code("y = 1", "parameters"))
    with pytest.raises(BadInput, match="2 parameter cells"):
        read_parameters(read_notebook(path), "t")
