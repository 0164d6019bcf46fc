from hypothesis import given
from hypothesis import strategies as st

from workbench.production.compare.lines import Line, clipped, first_difference, lines

text = st.lists(st.sampled_from(["a", "b b", "c 1", "c 2", "", "d e f"]), max_size=25).map("\n".join)


def joined(parts):
    return "".join(part for part, _ in parts)


@given(text, text)
def test_no_line_is_lost_and_none_invented(a, b):
    found = lines(a, b)
    skipped = sum(line.skipped for line in found)
    left = [joined(line.a) for line in found if line.a is not None]
    right = [joined(line.b) for line in found if line.b is not None]
    assert (len(left) + skipped, len(right) + skipped) == (len(a.splitlines()), len(b.splitlines()))
    if not skipped:
        assert (left, right) == (a.splitlines(), b.splitlines())
    if a.splitlines() == b.splitlines():
        assert all(line.skipped for line in found)


def test_only_the_words_that_changed_are_marked():
    (line,) = lines("loss  0.125 at 3", "loss  0.126 at 3")
    assert line == Line(
        (("loss  ", False), ("0.125", True), (" at 3", False)), (("loss  ", False), ("0.126", True), (" at 3", False))
    )


def test_a_table_whose_column_grew_is_marked_where_its_values_changed():
    before, after = "    a  b\n1  2  3\n4  5  6", "      a  b\n1    2  3\n4  500  6"
    assert [line.same for line in lines(before, after, spaces=False)] == [True, True, False]
    assert [line.same for line in lines("if x:\n  y", "if x:\ny")] == [True, False]  # in code they count


def test_a_line_that_was_put_in_stands_beside_nothing():
    found = lines("x = f(a)\ny = x", "trend = fit(a, b, 1)\nx = f(a) + trend\ny = x")
    assert [(line.a and joined(line.a), line.b and joined(line.b)) for line in found] == [
        (None, "trend = fit(a, b, 1)"),
        ("x = f(a)", "x = f(a) + trend"),
        ("y = x", "y = x"),
    ]


def test_equal_lines_far_from_a_change_are_counted():
    before = "\n".join(f"line {i}" for i in range(20))
    found = lines(before, before.replace("line 10", "other"))
    assert [line.skipped for line in found if line.skipped] == [7, 6]


def test_two_large_tables_without_a_common_row_take_no_time():
    a, b = ("\n".join(f"{i} {seed * i}" for i in range(2_000)) for seed in (7, 13))
    assert len(lines(a, b)) >= 1_999


def test_long_values_are_shown_from_where_they_differ():
    a, b = clipped("x" * 100 + "1" + "y" * 100, "x" * 100 + "2" + "y" * 100)
    assert (len(a), len(b), a == b, "1" in a, "2" in b) == (60, 60, False, True, True)
    assert clipped("a\nb", "c") == ("a b", "c")


def test_the_first_line_that_differs_tells_two_outputs_apart():
    assert first_difference("a\nb 1\nc", "a\nb 2\nc") == ("b 1", "b 2")
    assert first_difference("a", "a\nb") == ("", "b")
    assert first_difference("a  x\nb", "a x\nc") == ("b", "c")
    assert first_difference("a  x", "a x") == ("spaces", "other spaces")
