"""Which points a sweep visits: every combination, draws that never change, the rows of a table."""

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import code
from workbench.errors import BadInput, UnknownName
from workbench.production.notebook import Notebook
from workbench.production.parameters import read_parameters
from workbench.production.sweeps.design import MOST, Axis, Design, draws, grid, keep_table, table

CELL = """
weeks: int = 8  # how far back [1..52] weeks
rate: float = 0.1  # learning rate [0..1]
family: Literal["histgb", "mlp"] = "histgb"  # which
name: str = "x"  # free
parts: list[str] = []  # several
"""
KNOWN = read_parameters(Notebook(raw=b"", cells=(code(CELL, "parameters"),), metadata={}), "t")


def points(design, rows=None, tmp_path=None):
    if rows is not None:
        (tmp_path / "points.jsonl").write_bytes(keep_table(rows))
    return list(design.points((tmp_path or __import__("pathlib").Path()) / "points.jsonl"))


def test_a_grid_is_every_combination_typed_and_in_order():
    design = grid(KNOWN, "t", {"weeks": "1, 2", "family": "histgb,mlp"})
    assert design.count == 4
    assert points(design) == [{"weeks": w, "family": f} for w, f in itertools.product((1, 2), ("histgb", "mlp"))]


def test_a_value_with_a_comma_is_written_as_json():
    assert points(grid(KNOWN, "t", {"name": '["a,b", "c"]'})) == [{"name": "a,b"}, {"name": "c"}]
    assert points(grid(KNOWN, "t", {"parts": '[["a"], []]'})) == [{"parts": ["a"]}, {"parts": []}]


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"weeks": "1,99"}, "weeks=99"),
        ({"weeks": "1,x"}, "weeks=x"),
        ({"weeks": ""}, "weeks="),
        ({"weeks": "1,1"}, "names a value twice"),
        ({"family": "histgb,tree"}, "family=tree"),
    ],
)
def test_a_wrong_value_is_named_before_anything_runs(asked, told):
    with pytest.raises(BadInput, match=told):
        grid(KNOWN, "t", asked)


def test_an_unknown_parameter_is_refused_with_the_nearest():
    with pytest.raises(UnknownName, match="did you mean 'weeks'"):
        grid(KNOWN, "t", {"week": "1"})
    with pytest.raises(UnknownName, match="did you mean 'weeks'"):
        draws(KNOWN, "t", {"week": "1..2"}, 3, 0)


def test_more_than_a_million_points_are_refused():
    with pytest.raises(BadInput, match=f"at most {MOST:,}"):
        draws(KNOWN, "t", {"rate": "0..1"}, MOST + 1, 0)
    axes = ",".join(str(i) for i in range(1, 50))
    with pytest.raises(BadInput, match=f"at most {MOST:,}"):
        grid(
            KNOWN,
            "t",
            {"weeks": axes, "rate": ",".join(str(i / 150) for i in range(150)), "name": ",".join(map(str, range(150)))},
        )


def test_draws_stay_in_their_ranges_and_are_typed():
    design = draws(KNOWN, "t", {"weeks": "4..8", "rate": "0.001..1:log", "family": "histgb,mlp"}, 300, 7)
    found = points(design)
    assert {p["weeks"] for p in found} == {4, 5, 6, 7, 8}
    assert all(type(p["weeks"]) is int and 0.001 <= p["rate"] <= 1 for p in found)
    below = sum(p["rate"] < 0.0316 for p in found)
    assert 100 < below < 200  # half of them below the geometric mean
    assert {p["family"] for p in found} == {"histgb", "mlp"}


@pytest.mark.parametrize("text", ["8..4", "0..1:log", "4..", "..8", "4..8:cube", "1..99"])
def test_a_range_that_cannot_be_drawn_from_is_refused(text):
    name = "rate" if "log" in text else "weeks"
    with pytest.raises(BadInput):
        draws(KNOWN, "t", {name: text}, 3, 0)


@given(seed=st.integers(0, 2**32), count=st.integers(1, 30), more=st.integers(0, 30))
def test_a_draw_depends_on_seed_and_position_alone(seed, count, more):
    short = draws(KNOWN, "t", {"rate": "0..1"}, count, seed)
    long = draws(KNOWN, "t", {"rate": "0..1"}, count + more, seed)
    assert points(long)[:count] == points(short)


@given(low=st.floats(1e-9, 1.0), width=st.floats(1e-6, 1.0), log=st.booleans(), seed=st.integers(0, 2**20))
def test_no_rounding_leaves_the_range(low, width, log, seed):
    import random

    axis = Axis(name="rate", low=low, high=low + width, log=log)
    assert all(low <= axis.draw(random.Random(f"{seed}:{i}")) <= low + width for i in range(20))


def test_the_rows_of_a_table_are_points_and_an_empty_cell_is_the_default(tmp_path):
    (tmp_path / "p.csv").write_text('weeks, name\n4,a\n,"b,c"\n')
    design, rows = table(KNOWN, "t", tmp_path / "p.csv")
    assert points(design, rows, tmp_path) == [{"weeks": 4, "name": "a"}, {"name": "b,c"}]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("weeks\n4\n99\n", "line 3"),
        ("weeks,name\n4\n", "line 2"),
        ("weeks\n4,5\n", "line 2"),
        ("weeks,weeks\n1,2\n", "once"),
        ("", "once"),
        ("weeks\n", "no rows"),
        ('weeks,name\n4,"a\n', "no CSV"),
    ],
)
def test_a_wrong_table_names_its_line(tmp_path, text, told):
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(BadInput, match=told):
        table(KNOWN, "t", tmp_path / "p.csv")


def test_a_table_with_an_unknown_column_or_no_table_is_refused(tmp_path):
    (tmp_path / "p.csv").write_text("week\n1\n")
    with pytest.raises(UnknownName, match="did you mean 'weeks'"):
        table(KNOWN, "t", tmp_path / "p.csv")
    with pytest.raises(BadInput, match="cannot read"):
        table(KNOWN, "t", tmp_path / "none.csv")
    (tmp_path / "p.csv").write_bytes(b"weeks\n\xff\n")
    with pytest.raises(BadInput, match="UTF-8"):
        table(KNOWN, "t", tmp_path / "p.csv")


@settings(max_examples=30)
@given(rows=st.lists(st.dictionaries(st.text(), st.one_of(st.text(), st.integers(), st.none(), st.floats(allow_nan=False)))))
def test_kept_rows_come_back_as_they_were(tmp_path_factory, rows):
    place = tmp_path_factory.mktemp("t")
    (place / "points.jsonl").write_bytes(keep_table(rows))
    assert list(Design(form="table", count=len(rows)).points(place / "points.jsonl")) == rows
    assert json.loads(Design(form="table", count=1).model_dump_json())["form"] == "table"
