"""The matrix is the contract of a model: what becomes a feature, what does not and why, and that it never moves."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import BadInput
from workbench.records.encoding import Encoding

FRUIT = pa.table(
    {
        "price": pa.array([1.5, None, 3.0, float("nan")]),
        "organic": pa.array([True, False, None, True]),
        "kind": pa.array(["pear", "apple", "apple", None]),
    }
)


def test_numbers_stay_and_text_becomes_one_feature_for_each_category():
    encoding = Encoding.learn(FRUIT)
    assert encoding.features == ("price", "organic", "kind=apple", "kind=pear")
    expected = [[1.5, 1, 0, 1], [np.nan, 0, 1, 0], [3, np.nan, 1, 0], [np.nan, 1, 0, 0]]
    matrix = encoding.matrix(FRUIT)
    assert matrix.dtype == np.float32
    np.testing.assert_array_equal(matrix, np.array(expected, dtype=np.float32))


def test_a_category_never_seen_is_all_zeros():
    encoding = Encoding.learn(FRUIT, ["kind"])
    np.testing.assert_array_equal(encoding.matrix(pa.table({"kind": ["kiwi", "pear"]})), [[0, 0], [0, 1]])


def test_only_the_twenty_most_frequent_categories_get_a_feature():
    values = [f"v{i:02d}" for i in range(30) for _ in range(100 - i)]
    column = Encoding.learn(pa.table({"v": values})).columns[0]
    assert column.categories == tuple(f"v{i:02d}" for i in range(20))


def test_what_is_left_out_is_named_with_its_reason():
    n = 50
    table = pa.table(
        {
            "x": [float(i) for i in range(n)],
            "email": [f"{i}@example.org" for i in range(n)],
            "key": [2**40 + 7 * i for i in range(n)],
            "day": [date(2026, 1, 1)] * n,
            "same": [1] * n,
            "empty": pa.array([None] * n, pa.float64()),
            "nested": [[1]] * n,
        }
    )
    encoding = Encoding.learn(table)
    assert encoding.features == ("x",)
    reasons = {left.name: left.reason.split(":")[0].split(" are ")[0] for left in encoding.left_out}
    assert reasons == {
        "email": "identifier",
        "key": "identifier",
        "day": "dates, times and nested values",
        "same": "constant",
        "empty": "empty",
        "nested": "dates, times and nested values",
    }


def test_a_dictionary_column_is_the_text_that_it_stands_for():
    encoding = Encoding.learn(FRUIT, ["kind"])
    as_dictionary = pa.table({"kind": FRUIT["kind"].dictionary_encode()})
    np.testing.assert_array_equal(encoding.matrix(as_dictionary), encoding.matrix(FRUIT))


def test_a_missing_column_is_refused_by_name():
    with pytest.raises(BadInput, match="the table lacks 'organic'"):
        Encoding.learn(FRUIT).matrix(FRUIT.drop_columns(["organic"]))


def test_a_column_of_another_type_is_refused():
    with pytest.raises(BadInput, match="trained on numbers"):
        Encoding.learn(FRUIT, ["price"]).matrix(pa.table({"price": ["1.5"]}))
    with pytest.raises(BadInput, match="trained on text"):
        Encoding.learn(FRUIT, ["kind"]).matrix(pa.table({"kind": [1]}))


@pytest.mark.parametrize("value", [float("inf"), -1e300])
def test_an_infinite_value_is_refused(value: float):
    with pytest.raises(BadInput, match="'price' holds infinite values in 1 rows"):
        Encoding.learn(FRUIT, ["price"]).matrix(pa.table({"price": [1.0, value]}))


def test_nothing_left_to_learn_from_is_refused_with_the_reasons():
    with pytest.raises(BadInput, match="same: constant"):
        Encoding.learn(pa.table({"same": [1, 1]}))


def test_it_survives_json():
    encoding = Encoding.learn(FRUIT)
    assert Encoding.model_validate_json(encoding.model_dump_json()) == encoding


ROWS = st.lists(
    st.tuples(st.floats(-1e6, 1e6) | st.none(), st.booleans(), st.sampled_from("abcdef") | st.none()), min_size=4, max_size=40
)


@given(rows=ROWS, order=st.randoms())
def test_a_row_has_the_same_features_wherever_it_stands(rows, order):
    table = pa.table(
        {
            "x": pa.array([r[0] for r in rows], pa.float64()),
            "b": pa.array([r[1] for r in rows], pa.bool_()),
            "t": pa.array([r[2] for r in rows], pa.string()),
            "y": pa.array(range(len(rows))),
        }
    )
    encoding = Encoding.learn(table)
    places = list(range(len(rows)))
    order.shuffle(places)
    np.testing.assert_array_equal(encoding.matrix(table.take(places)), encoding.matrix(table)[places])
    assert encoding.matrix(table).shape == (len(rows), len(encoding.features))
