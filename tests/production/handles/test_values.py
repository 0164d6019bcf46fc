from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.conftest import code, write_notebook
from workbench.errors import BadInput, UnknownName
from workbench.production.handles.values import as_list, as_table, as_text, plain
from workbench.production.notebook import read_notebook
from workbench.production.parameters import read_parameters

CELL = "weeks: int = 8\nrate: float = 0.1\nname: str = 'x'\nlabel: str | None = None\ntags: list[str] = []"


@pytest.fixture
def known(tmp_path):
    notebook = write_notebook(tmp_path / "t.ipynb", code(CELL, "parameters"))
    return read_parameters(read_notebook(notebook), "t")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.int64(3), 3),
        (np.float64(0.5), 0.5),
        (np.bool_(True), True),
        (np.array([1, 2]), [1, 2]),
        (pd.Timestamp("2026-11-22"), "2026-11-22T00:00:00"),
        (date(2026, 11, 22), "2026-11-22"),
        (Path("data/a.csv"), "data/a.csv"),
        ((1, (2,)), [1, [2]]),
        (range(3), [0, 1, 2]),
        ({"a": np.int8(1)}, {"a": 1}),
        (None, None),
    ],
)
def test_values_of_other_libraries_become_pythons_own(value, expected):
    found = plain(value)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("name", "value", "text"), [("weeks", 8, "8"), ("rate", 1e-4, "0.0001"), ("name", "8", "8"), ("tags", ["a"], '["a"]')]
)
def test_a_value_goes_through_text_unchanged(known, name, value, text):
    assert as_text(known, "t", name, value) == text


def test_a_value_that_text_would_change_is_refused(known):
    with pytest.raises(BadInput, match="label = None cannot be swept"):
        as_text(known, "t", "label", None)  # it would come back as the text "null"


def test_a_wrong_value_and_an_unknown_name_are_refused(known):
    with pytest.raises(BadInput, match="valid integer"):
        as_text(known, "t", "weeks", "8")
    with pytest.raises(UnknownName, match="did you mean 'weeks'"):
        as_text(known, "t", "weks", 8)


@pytest.mark.parametrize("values", ["histgb", 3, {"a": 1}])
def test_one_value_is_no_list(values):
    with pytest.raises(BadInput, match="the values of 'family' are no list"):
        as_list("family", values)


def test_points_become_the_file_that_a_sweep_reads_and_a_missing_value_the_default(known):
    frame = pd.DataFrame({"weeks": [4, 8], "rate": [0.5, None]})
    with as_table(known, "t", frame) as path:
        assert path.read_text().split() == ["weeks,rate", "4,0.5", "8,"]
    assert not path.exists()
    with as_table(known, "t", [{"name": "a,b"}, {"weeks": 3}]) as path:
        assert path.read_text().split() == ["name,weeks", '"a,b",', ",3"]


def test_a_file_of_points_is_taken_as_it_is(known):
    with as_table(known, "t", "points.csv") as path:
        assert path == Path("points.csv")
