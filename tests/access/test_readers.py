from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.access.interface import Reader
from workbench.access.readers import CSV, JSONL, PARQUET, reader, reader_for
from workbench.errors import BadInput


def _rows(found, path, types=None):
    with duckdb.connect() as con:
        return con.execute(f"SELECT * FROM {found.relation(path, types or {})}").fetchall()


def _why(found, path, content):
    path.write_bytes(content)
    with pytest.raises(BadInput) as caught:
        found.examine(path)
    return caught.value.why


def test_our_readers_are_plug_ins_named_like_their_format():
    assert {name: reader(name) for name in ("csv", "parquet", "jsonl")} == {"csv": CSV, "parquet": PARQUET, "jsonl": JSONL}
    assert all(isinstance(found, Reader) for found in (CSV, PARQUET, JSONL))


@pytest.mark.parametrize(
    ("name", "found"), [("a.CSV", CSV), ("a.tsv", CSV), ("a.pq", PARQUET), ("a.ndjson", JSONL), ("a.b.jsonl", JSONL)]
)
def test_a_suffix_chooses_the_reader(name, found):
    assert reader_for(Path(name)) is found


def test_an_unknown_suffix_names_the_nearest():
    with pytest.raises(BadInput) as caught:
        reader_for(Path("a.json"))
    assert "did you mean '.jsonl'" in caught.value.why


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_the_one_of_the_header(tmp_path, separator):
    path = tmp_path / "a.csv"
    path.write_text(f'"a,;b"{separator}c\n1{separator}x\n')
    CSV.examine(path)
    assert CSV.header(path) == ("a,;b", "c")
    assert _rows(CSV, path) == [(1, "x")]


def test_a_contract_fixes_the_types_of_a_csv_file(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("zip,n\n01234,1\n")
    assert _rows(CSV, path, {"zip": "VARCHAR", "n": "DOUBLE"}) == [("01234", 1.0)]
    assert _rows(CSV, path, {"n": "BIGINT"}) == [("01234", 1)]


@pytest.mark.parametrize("name", ["a[1].csv", "a*.csv", "it's.csv", "ä ö?.csv"])
def test_odd_file_names_are_taken_as_they_are(tmp_path, name):
    path = tmp_path / name
    path.write_text("a\n1\n")
    (tmp_path / "a1.csv").write_text("a\n2\n")
    assert _rows(CSV, path) == [(1,)]


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbfa,b\n1,2\n")
    CSV.examine(path)
    assert CSV.header(path) == ("a", "b")
    assert _rows(CSV, path, {"a": "BIGINT"}) == [(1, "2")]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it has no bytes"),
        (b"a,b\n1,caf\xe9\n", "byte 9 (line 2) cannot be decoded"),
        (b"a\n" + b"x" * (1 << 20) + b"\n\xff\n", "byte 1,048,579 (line 3) cannot be decoded"),
        ("a,b\n1,2\n".encode("utf-16"), "byte 0 (line 1) cannot be decoded; it begins like UTF-16"),
        (b"a,B,b\n1,2,3\n", "'b' is the name of columns 2 and 3 (capitals do not count)"),
        (b"a,,c\n1,2,3\n", "column 2 of 3 has an empty name"),
    ],
)
def test_a_csv_file_that_is_wrong_says_where(tmp_path, content, why):
    assert _why(CSV, tmp_path / "a.csv", content) == why


def test_a_character_cut_by_a_block_is_no_broken_encoding(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"a\n" + b"x" * ((1 << 20) - 3) + "é".encode() + b"\n")
    CSV.examine(path)
    path.write_bytes(path.read_bytes().replace("é".encode(), "é".encode()[:1]))  # the same place, and really broken
    with pytest.raises(BadInput):
        CSV.examine(path)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("a,b\n1,2\n3,4,5\n", "line 3 has 3 fields, the header has 2"),
        ("a,b\n1,2\n3\n6,7\n", "line 3 has 1 fields, the header has 2"),
        ('a,b\n"x\ny",2\n3\n', "line 4 has 1 fields, the header has 2"),
        ("a,b\n" + "1,2\n" * 50_000 + "1,2,3\n", "line 50,002 has 3 fields, the header has 2"),
    ],
)
def test_a_ragged_row_is_refused_with_its_line(tmp_path, content, why):
    path = tmp_path / "a.csv"
    path.write_text(content)
    with pytest.raises(duckdb.Error) as error:
        _rows(CSV, path)
    assert CSV.explain(path, error.value).why == why


def test_a_value_of_another_type_is_refused_with_its_line(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a\n1\nx\n")
    with pytest.raises(duckdb.Error) as error:
        _rows(CSV, path, {"a": "BIGINT"})
    assert "line 3" in CSV.explain(path, error.value).why


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b'{"a":1}\n{"a":\n', "line 2: Expecting value: line 2 column 1 (char 6)"),
        (b'{"a":1}\n[1]\n', "line 2: it is no JSON object"),
        (b"3\n", "line 1: it is no JSON object"),
        (b'{"a":1,"a":2}\n', "line 1: the key 'a' is there twice"),
        (b'{"a":"\xe9"}\n', "byte 6 (line 1) cannot be decoded"),
        (b"", "it has no bytes"),
    ],
)
def test_a_json_lines_file_that_is_wrong_says_where(tmp_path, content, why):
    assert _why(JSONL, tmp_path / "a.jsonl", content) == why


def test_json_lines_have_the_keys_of_all_lines(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n\n{"a": null, "b": {"c": [2]}}\n')
    JSONL.examine(path)
    assert JSONL.header(path) == ("a", "b")
    assert _rows(JSONL, path) == [(1, None), (None, {"c": [2]})]
    assert _rows(JSONL, path, {"a": "DOUBLE"}) == [(1.0,), (None,)]


def test_a_parquet_file_that_is_none_or_has_a_name_twice_is_refused(tmp_path):
    path = tmp_path / "a.parquet"
    assert "Parquet magic bytes not found" in _why(PARQUET, path, b"x" * 100)
    assert _why(PARQUET, path, b"") == "it has no bytes"
    pq.write_table(pa.table([[1], [2]], names=["a", "A"]), path)
    with pytest.raises(BadInput, match="two columns with one name"):
        PARQUET.examine(path)


def test_a_quote_that_does_not_close_is_refused_with_the_line_where_its_row_begins(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('a,b\n1,2\n3,"x\n4,5\n')
    with pytest.raises(duckdb.Error) as error:
        _rows(CSV, path)
    told = CSV.explain(path, error.value)
    assert (told.what, told.why) == (
        "a.csv has a quote that does not close",
        "the row that begins in line 3: unexpected end of data",
    )
