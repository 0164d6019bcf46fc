"""The page of two runs side by side: one self-contained HTML file, causes first.

nbdime can draw a diff in a browser, but only from a running server, and its export is made by that page's own script. So
the page is drawn here, from the same alignment. All text is escaped, pictures are data, there is no script, and nothing is
fetched.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from workbench.production.compare.align import Pair, short
from workbench.production.compare.cells import Piece, PieceCheck, telling
from workbench.production.compare.changes import Change, summary
from workbench.production.compare.checks import OutputCheck, Side
from workbench.production.compare.lines import Line, lines
from workbench.production.compare.values import Verdict
from workbench.production.page import draw
from workbench.records.files import write_atomic

_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_BASE64 = re.compile(r"[A-Za-z0-9+/=]+")
_TITLES = {
    "parameter": "Parameters",
    "data": "Data",
    "environment": "Environment",
    "code": "Code",
    "ending": "How it ended",
    "figure": "Figures",
    "artifact": "Artifacts",
    "finding": "Findings",
}


@dataclass(frozen=True)
class ShownOutput:
    """One output that differs: two pictures, or two texts line by line."""

    name: str
    lines: tuple[Line, ...] = ()
    pictures: tuple[str, str] | None = None  # data URLs; an empty one is no picture


@dataclass(frozen=True)
class ShownCell:
    """One cell of the page. code: its two texts line by line, empty when they are the same; source: that text then."""

    title: str
    state: str  # "same", "changed", "added", "removed"
    source: str
    code: tuple[Line, ...]
    outputs: tuple[ShownOutput, ...]
    identical: int
    within: int


def write_page(
    path: Path,
    a: Side,
    b: Side,
    *,
    changes: Sequence[Change],
    checks: Sequence[OutputCheck],
    pairs: Iterable[Pair],
    tolerance: float,
) -> None:
    """Write the page. Raises MachineError when it cannot be written."""
    shown = [_cell(pair) for pair in pairs]
    text = draw(
        "diff.html.j2",
        a=a.record,
        b=b.record,
        summary=summary(changes),
        sections=[(title, found) for name, title in _TITLES.items() if (found := [c for c in changes if c.section == name])],
        groups=[(same, list(cells)) for same, cells in groupby(shown, key=lambda cell: cell.state == "same")],
        counts={verdict: sum(check.verdict is verdict for check in checks) for verdict in Verdict},
        left_aside=sum(check.verdict is None for check in checks),
        tolerance=f"{tolerance:g}",
    )
    write_atomic(path, text.encode(errors="replace"))


def _cell(pair: Pair) -> ShownCell:
    cell = pair.b or pair.a
    assert cell is not None
    place = [f"{c.index}" for c in (pair.a, pair.b) if c]
    number = place[0] if len(set(place)) == 1 else " → ".join(place)
    sides = [c.source if c else "" for c in (pair.a, pair.b)]
    return ShownCell(
        title=f"{'Cell' if cell.kind == 'code' else 'Text'} {number}",
        state="added" if pair.a is None else "removed" if pair.b is None else "same" if pair.same else "changed",
        source=cell.source,
        code=() if pair.same_source else lines(*sides),
        outputs=tuple(_output(check) for check in telling(pair.checks)),
        identical=sum(check.verdict is Verdict.IDENTICAL for check in pair.checks),
        within=sum(check.verdict is Verdict.WITHIN for check in pair.checks),
    )


def _output(check: PieceCheck) -> ShownOutput:
    if any(_picture(piece) for piece in (check.a, check.b)):
        return ShownOutput(check.name, pictures=(_picture(check.a), _picture(check.b)))
    told = (short(piece) if piece else "" for piece in (check.a, check.b))
    return ShownOutput(check.name, lines=lines(*told, spaces=False))


def _picture(piece: Piece | None) -> str:
    """A data URL that a browser draws without running anything in it; empty when it is none."""
    if piece is None:
        return ""
    if piece.mime in _PICTURES and _BASE64.fullmatch(piece.text):
        return f"data:{piece.mime};base64,{piece.text}"
    if piece.mime == "image/svg+xml":
        return f"data:image/svg+xml;base64,{base64.b64encode(piece.text.encode()).decode()}"
    return ""
