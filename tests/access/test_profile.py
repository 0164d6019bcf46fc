import duckdb

from workbench.access.profile import profile


def _profile(values: str, names: str):
    with duckdb.connect() as con:
        con.execute(f"CREATE TABLE t AS SELECT * FROM (VALUES {values}) v({names})")
        return profile(con, "t")


def test_rows_gaps_distinct_values_and_range_are_counted():
    found = _profile("(1, 'a', 2.5), (2, NULL, 2.5), (3, 'b', NULL)", "id, letter, x")
    assert found.rows == 3
    shown = [(c.name, c.logical, c.nulls, c.distinct, c.least, c.most, c.examples) for c in found.columns]
    assert shown == [
        ("id", "integer", 0, 3, "1", "3", ("1", "2", "3")),
        ("letter", "string", 1, 2, "a", "b", ("a", "b")),
        ("x", "number", 1, 1, "2.5", "2.5", ("2.5",)),
    ]


def test_no_value_of_a_column_that_points_at_a_person_is_shown():
    found = _profile(", ".join(f"({i}, 'a{i}@b.example')" for i in range(9)), "n, contact")
    contact = found.columns[1]
    assert contact.suspicion.kind == "e-mail address"
    assert (contact.least, contact.most, contact.examples) == ("", "", ())
    assert "b.example" not in found.model_dump_json()


def test_single_keys_come_before_pairs_and_names_like_ids_first():
    assert _profile("(10, 1, 1), (20, 2, 1), (30, 3, 1)", "code_of_sale, sale_id, other").keys == (
        ("sale_id",),
        ("code_of_sale",),
    )


def test_a_pair_is_found_when_no_single_column_is_unique():
    assert _profile("('a', 1, 1), ('a', 2, 1), ('b', 1, 1), ('b', 2, 1)", "letter, number, other").keys == (
        ("letter", "number"),
    )


def test_a_triple_is_found_when_no_pair_is_unique():
    rows = ", ".join(f"({a}, {b}, {c})" for a in (1, 2) for b in (1, 2) for c in (1, 2))
    assert _profile(rows, "a, b, c").keys == (("a", "b", "c"),)


def test_a_column_with_gaps_or_a_measure_is_no_key():
    assert _profile("(1.5, 1), (2.5, NULL), (3.5, 2)", "x, n").keys == ()


def test_a_repetition_after_the_probe_is_found():
    with duckdb.connect() as con:
        con.execute("CREATE TABLE t AS SELECT i // 2 AS a, i % 2 AS b FROM range(150000) t(i) UNION ALL SELECT 74999, 1")
        assert profile(con, "t").keys == ()


def test_nested_columns_are_profiled_too():
    found = _profile("({'a': 1}, [1]), ({'a': 2}, [1])", "s, l")
    assert [(c.logical, c.distinct, c.least) for c in found.columns] == [("object", 2, ""), ("array", 1, "")]
