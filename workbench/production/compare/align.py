"""Which cell of one notebook is which of the other, and how nbdime prints what differs.

nbdime is given the cells without ids: templates are often numbered, and after an inserted cell every number would lie.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from workbench.production.compare.cells import Cell, Piece, PieceCheck, compare_pieces, telling
from workbench.production.compare.values import Verdict

LONGEST_CHARS = 20_000  # of one output on the page; a longer one is compared whole, and shown by its head and its hash
LONGEST_LINES = 40  # of one output in a terminal: nbdime takes the square of it
TEXT_CHARS = 12_000  # of the diff in a terminal


@dataclass(frozen=True)
class Pair:
    """Two cells that belong together, or one that only one notebook has; with the outputs of the two, compared."""

    a: Cell | None
    b: Cell | None
    checks: tuple[PieceCheck, ...]

    @property
    def index(self) -> int:
        """The place in the second notebook where it has one, else in the first."""
        cell = self.b or self.a
        assert cell is not None
        return cell.index

    @property
    def same_source(self) -> bool:
        return self.a is not None and self.b is not None and self.a.source == self.b.source

    @property
    def same(self) -> bool:
        return self.same_source and all(check.verdict is not Verdict.DIFFERENT for check in self.checks)


def align(a: Sequence[Cell], b: Sequence[Cell], tolerance: float) -> tuple[Pair, ...]:
    """The cells of two notebooks in order. Equal code aligns by position, else nbdime tells which cell was which."""
    if [(cell.kind, cell.source) for cell in a] == [(cell.kind, cell.source) for cell in b]:
        return tuple(_pair(x, y, tolerance) for x, y in zip(a, b, strict=True))
    pairs: list[Pair] = []
    i = j = 0
    for op in _cell_ops(a, b):
        while i < op.key:
            pairs.append(_pair(a[i], b[j], tolerance))
            i, j = i + 1, j + 1
        if op.op == "addrange":
            pairs += [_pair(None, cell, tolerance) for cell in b[j : j + len(op.valuelist)]]
            j += len(op.valuelist)
        elif op.op == "removerange":
            pairs += [_pair(cell, None, tolerance) for cell in a[i : i + op.length]]
            i += op.length
    pairs += [_pair(x, y, tolerance) for x, y in zip(a[i:], b[j:], strict=True)]
    return tuple(pairs)


def _pair(a: Cell | None, b: Cell | None, tolerance: float) -> Pair:
    compared = all(cell.compared for cell in (a, b) if cell)
    return Pair(a, b, compare_pieces(a, b, tolerance) if compared else ())


def _cell_ops(a: Sequence[Cell], b: Sequence[Cell]) -> list[Any]:
    """nbdime's operations on the list of cells, by their code alone."""
    from nbdime.diffing.notebooks import diff_notebooks

    bare = (_notebook([replace(cell, pieces=()) for cell in cells]) for cells in (a, b))
    found = [op for op in diff_notebooks(*bare) if op.key == "cells"]
    return list(found[0].diff) if found else []


def printed(pairs: Iterable[Pair]) -> str:
    """What differs, as nbdime prints it: cell by cell, without colours, of bounded length.

    nbdime is asked for one cell at a time: on a whole notebook it compares the outputs of each cell with those of each.
    """
    from nbdime.prettyprint import PrettyPrintConfig

    out = io.StringIO()
    config = PrettyPrintConfig(out=out, use_git=False, use_diff=False, use_color=False)
    for pair in pairs:
        if not pair.same:
            _print(pair, config)
        if out.tell() > TEXT_CHARS:
            return out.getvalue()[:TEXT_CHARS].rpartition("\n")[0] + "\n… and more; the page shows it whole"
    return out.getvalue().strip()


def _print(pair: Pair, config: Any) -> None:
    from nbdime.diffing.notebooks import diff_item_at_path
    from nbdime.prettyprint import pretty_print_cell, pretty_print_diff, pretty_print_diff_action

    a, b = (cell and _notebook([cell]).cells[0] for cell in (_left(pair), _right(pair)))
    place = f"/cells/{pair.index}"
    if a and b:
        pretty_print_diff(a, diff_item_at_path(a, b, "/cells/*"), place, config)
        return
    pretty_print_diff_action("deleted" if a else "inserted", place, config)
    pretty_print_cell(None, a or b, config.REMOVE if a else config.ADD, True, config)


def _left(pair: Pair) -> Cell | None:
    pieces = tuple(check.a for check in telling(pair.checks) if check.a)
    return replace(pair.a, pieces=pieces) if pair.a else None


def _right(pair: Pair) -> Cell | None:
    pieces = tuple(check.b for check in telling(pair.checks) if check.b)
    return replace(pair.b, pieces=pieces) if pair.b else None


def _notebook(cells: Iterable[Cell]) -> Any:
    from nbformat import from_dict

    return from_dict({"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": [_cell(cell) for cell in cells]})  # type: ignore[no-untyped-call]


def _cell(cell: Cell) -> dict[str, Any]:
    plain = {"cell_type": cell.kind, "metadata": {}, "source": cell.source}
    if cell.kind != "code":
        return plain
    return {**plain, "execution_count": None, "outputs": [_output(piece) for piece in cell.pieces]}


def _output(piece: Piece) -> dict[str, Any]:
    text = short(piece)
    if text.count("\n") > LONGEST_LINES:
        text = "\n".join(text.splitlines()[:LONGEST_LINES]) + f"\n… {_digest(piece)}"
    if piece.name in ("stdout", "stderr"):
        return {"output_type": "stream", "name": piece.name, "text": text}
    return {"output_type": "display_data", "metadata": {}, "data": {piece.mime: text}}


def short(piece: Piece) -> str:
    """An output as text of bounded length."""
    if piece.is_picture:
        return f"<{piece.mime}, {_digest(piece)}>"
    return piece.text if len(piece.text) <= LONGEST_CHARS else f"{piece.text[:LONGEST_CHARS]}\n… {_digest(piece)}"


def _digest(piece: Piece) -> str:
    digest = hashlib.sha256(piece.text.encode(errors="replace")).hexdigest()
    return f"{len(piece.text):,} characters in all, sha256 {digest[:16]}"
