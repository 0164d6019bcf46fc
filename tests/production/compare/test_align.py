from workbench.production.compare.align import align, printed, short
from workbench.production.compare.cells import Cell, Piece

SOURCES = (
    "import numpy as np\nimport pandas as pd",
    "table = pd.read_csv(path)\ntable.describe()",
    "model = fit(table, target='price')",
    "print(model.score(table))",
)


def cells(*sources, said=()):
    return tuple(
        Cell(i, "code", s, tuple(Piece("stdout", text) for at, text in said if at == i)) for i, s in enumerate(sources)
    )


def places(a, b):
    return [(pair.a and pair.a.index, pair.b and pair.b.index) for pair in align(a, b, 1e-9)]


def test_equal_code_aligns_by_position_even_where_cells_repeat():
    same = cells("x", "x", "x")
    assert places(same, same) == [(0, 0), (1, 1), (2, 2)]


def test_a_cell_that_was_put_in_shifts_the_others():
    assert places(cells(*SOURCES), cells(SOURCES[0], "rows = len(pd.DataFrame())", *SOURCES[1:])) == [
        (0, 0),
        (None, 1),
        (1, 2),
        (2, 3),
        (3, 4),
    ]
    assert places(cells(*SOURCES), cells(*SOURCES[:1], *SOURCES[2:])) == [(0, 0), (1, None), (2, 1), (3, 2)]


def test_a_cell_that_was_edited_is_still_that_cell():
    edited = cells(*SOURCES[:2], SOURCES[2].replace("price", "cost"), SOURCES[3])
    (pair,) = [pair for pair in align(cells(*SOURCES), edited, 1e-9) if not pair.same_source]
    assert (pair.a.index, pair.b.index) == (2, 2)


def test_nbdime_prints_what_differs_and_nothing_else():
    a, b = cells(*SOURCES, said=[(1, "same\n"), (3, "0.5\n")]), cells(*SOURCES, said=[(1, "same\n"), (3, "0.7\n")])
    text = printed(align(a, b, 1e-9))
    assert "/cells/3/outputs/0" in text
    assert ("0.5" in text, "0.7" in text, "same" in text, "\x1b" in text) == (True, True, False, False)
    assert printed(align(a, a, 1e-9)) == ""
    assert printed(align(a, b, 0.9)) == ""  # equal within that tolerance


def test_what_is_printed_has_an_end():
    a, b = (cells("x", said=[(0, "\n".join(f"{seed} {i} {seed * i}" for i in range(5_000)))]) for seed in (7, 9))
    assert len(printed(align(a, b, 1e-9))) < 12_200
    many, others = (
        cells(*(f"print({i})" for i in range(200)), said=[(i, f"{w} {i}\n" * 30) for i in range(200)]) for w in "ab"
    )
    assert printed(align(many, others, 1e-9)).endswith("… and more; the page shows it whole")


def test_a_picture_and_a_long_text_are_told_by_their_hash():
    assert short(Piece("image/png", "A" * 40_000)).startswith("<image/png, 40,000 characters in all, sha256 ")
    assert len(short(Piece("stdout", "x" * 40_000))) < 20_200
