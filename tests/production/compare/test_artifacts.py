import json

import pyarrow as pa
import pytest
from pyarrow import parquet

from workbench.production.compare.artifacts import compare_files
from workbench.production.compare.values import Verdict

IDENTICAL, WITHIN, DIFFERENT = Verdict


@pytest.fixture
def two(tmp_path):
    """Two places of one name."""

    def make(name):
        places = tmp_path / "a" / name, tmp_path / "b" / name
        for place in places:
            place.parent.mkdir(parents=True, exist_ok=True)
        return places

    return make


def test_other_bytes_of_one_table_are_no_difference(two):
    a, b = two("t.parquet")
    table = pa.table({"x": [1.0, 2.0], "y": ["a", "b"]})
    parquet.write_table(table, a, compression="zstd")
    parquet.write_table(table, b, compression="none")
    assert compare_files(a, b, 1e-9) == (IDENTICAL, "the same content in other bytes")
    parquet.write_table(table.set_column(0, "x", pa.array([1.0, 2.0 + 1e-12])), b)
    assert compare_files(a, b, 1e-9) == (WITHIN, "")
    parquet.write_table(table.set_column(0, "x", pa.array([1.0, 2.5])), b)
    assert compare_files(a, b, 1e-9) == (DIFFERENT, "other content")


def test_csv_and_json_are_compared_by_what_they_say(two):
    a, b = two("t.csv")
    a.write_text("x,y\n1.5,a\n")
    b.write_text('x,y\r\n1.50,"a"\r\n')
    assert compare_files(a, b, 1e-9) == (IDENTICAL, "the same content in other bytes")
    a, b = two("t.json")
    a.write_text(json.dumps({"path": "/p/.workbench/runs/run-1/x", "loss": 0.5}))
    b.write_text(json.dumps({"loss": 0.5, "path": "/q/.workbench/runs/run-2/x"}, indent=1))
    assert compare_files(a, b, 1e-9, ids=("run-1", "run-2")) == (IDENTICAL, "the same content in other bytes")


def test_any_other_format_is_its_bytes(two):
    a, b = two("t.txt")
    a.write_text("0.5")
    b.write_text("0.50")
    assert compare_files(a, b, 0.9) == (DIFFERENT, "other bytes")


@pytest.mark.parametrize("name", ["t.parquet", "t.csv", "t.json"])
def test_a_file_that_cannot_be_read_is_different_and_no_error(two, name):
    a, b = two(name)
    a.write_bytes(b"\xff\xfe{")
    b.write_bytes(b"")
    verdict, note = compare_files(a, b, 1e-9)
    assert verdict is DIFFERENT
    assert note.startswith("other bytes, and not readable: ")


def test_a_missing_file_is_different(two):
    a, b = two("t.txt")
    a.write_text("x")
    assert compare_files(a, b, 1e-9) == (DIFFERENT, "it was not written")
    assert compare_files(b, a, 1e-9) == (DIFFERENT, "it is not there any more")
    b.mkdir()
    assert compare_files(a, b, 1e-9) == (DIFFERENT, "one is a folder, the other a file")


def test_a_folder_is_compared_file_by_file(two):
    a, b = two("model")
    for place, weight in ((a, "0.5"), (b, "0.6")):
        (place / "deep").mkdir(parents=True)
        (place / "same.txt").write_text("x")
        (place / "deep" / "weights.json").write_text(weight)
    assert compare_files(a, b, 1e-9) == (DIFFERENT, "deep/weights.json: other content")
    (b / "more.txt").write_text("x")
    assert compare_files(a, b, 1e-9) == (DIFFERENT, "deep/weights.json: other content (and 1 more)")
    assert compare_files(a, a, 1e-9) == (IDENTICAL, "")
