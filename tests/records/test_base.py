import json
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import BadInput, UnknownName
from workbench.records.base import Record, canonical_json, sha256_json


class Note(Record):
    kind: ClassVar[str] = "note"
    version: ClassVar[int] = 2

    text: str
    stars: int = 0

    @classmethod
    def upgrade(cls, data, version):
        return {"text": data["body"]} if version == 1 else super().upgrade(data, version)


def test_a_record_comes_back_as_it_was_written(tmp_path):
    Note(text="ü <b>", stars=3).write(tmp_path / "n.json")
    assert Note.load(tmp_path / "n.json") == Note(text="ü <b>", stars=3)


def test_an_older_version_is_upgraded_as_it_is_read():
    assert Note.parse(b'{"kind": "note", "version": 1, "body": "hi"}', source="n") == Note(text="hi")


def test_a_version_without_a_way_up_is_refused():
    with pytest.raises(BadInput, match="knows no way from 0"):
        Note.parse(b'{"kind": "note", "version": 0}', source="n")


def test_a_newer_version_is_refused_with_the_way_out():
    with pytest.raises(BadInput) as caught:
        Note.parse(b'{"kind": "note", "version": 3, "text": "x"}', source="n.json")
    assert caught.value.fix == "pip install --upgrade notebook-workbench"


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"{}", b'{"kind": "run", "version": 1}', b'{"kind": "note", "version": 2, "txt": 1}']
)
def test_what_is_no_such_record_is_refused(raw):
    with pytest.raises(BadInput, match=r"n\.json is no note record"):
        Note.parse(raw, source="n.json")


def test_a_record_that_is_not_there_has_its_own_error(tmp_path):
    with pytest.raises(UnknownName, match="no note at"):
        Note.load(tmp_path / "none.json")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(), JSON))
def test_equal_values_have_one_hash_whatever_their_order(value):
    backwards = dict(reversed(value.items()))
    assert sha256_json(value) == sha256_json(backwards)
    assert json.loads(canonical_json(value)) == value


def test_not_a_number_has_no_canonical_form():
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"x": float("nan")})
