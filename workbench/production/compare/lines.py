"""Two texts line by line, side by side, with what changed inside a line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

LONGEST_LINE = 1_000  # characters; in a longer one the changed words are not sought
LARGEST_BLOCK = 400  # pairs of changed lines among which the most alike are sought
ALIKE = 0.5  # two lines with less in common are not shown as one that was changed
CONTEXT = 3  # equal lines kept around a changed one
_WORDS = re.compile(r"\d+(?:\.\d+)?|\w+|\s+|.")

Part = tuple[str, bool]  # a stretch of a line, and whether it is what changed in it


@dataclass(frozen=True)
class Line:
    """One line of two texts side by side; None where that side has none. skipped: so many equal lines are left out here."""

    a: tuple[Part, ...] | None = None
    b: tuple[Part, ...] | None = None
    same: bool = False
    skipped: int = 0


def lines(a: str, b: str, *, spaces: bool = True) -> tuple[Line, ...]:
    """Two texts side by side, equal lines far from a change left out.

    spaces: False lets lines count as equal that differ in their spaces alone, as those of a table whose one column grew.
    By difflib: nbdime compares each line with each, which takes ten seconds for two tables of 400 rows.
    """
    old, new = a.splitlines(), b.splitlines()
    keys = [side if spaces else [_words(line) for line in side] for side in (old, new)]
    found: list[Line] = []
    for op, i, i_end, j, j_end in difflib.SequenceMatcher(a=keys[0], b=keys[1], autojunk=False).get_opcodes():
        if op == "replace":
            found += [Line(*_inside(x, y)) for x, y in _paired(old[i:i_end], new[j:j_end])]
        else:
            here = zip_longest(old[i:i_end], new[j:j_end])
            found += [Line(_whole(x), _whole(y), same=op == "equal") for x, y in here]
    return tuple(_folded(found))


def _words(line: str) -> str:
    return " ".join(line.split())


def _paired(a: Sequence[str], b: Sequence[str]) -> Sequence[tuple[str | None, str | None]]:
    """Changed lines beside those that they were most likely made of: in order, as alike as possible in all."""
    if len(a) == len(b) or len(a) * len(b) > LARGEST_BLOCK:
        return tuple(zip_longest(a, b))
    words = [[_WORDS.findall(line) for line in side] for side in (a, b)]
    best: dict[tuple[int, int], tuple[float, tuple[int, int]]] = {}  # from here on: how alike, and the next place
    for i in range(len(a), -1, -1):
        for j in range(len(b), -1, -1):
            ways = [(0.0, (i, j))]
            if i < len(a):
                ways.append((best[i + 1, j][0], (i + 1, j)))
            if j < len(b):
                ways.append((best[i, j + 1][0], (i, j + 1)))
            if i < len(a) and j < len(b) and (alike := _alike(words[0][i], words[1][j])) >= ALIKE:
                ways.append((alike + best[i + 1, j + 1][0], (i + 1, j + 1)))
            best[i, j] = max(ways, key=lambda way: (way[0], sum(way[1])))
    pairs, place = [], (0, 0)
    while place != (len(a), len(b)):
        (i, j), place = place, best[place][1]
        pairs.append((a[i] if place[0] > i else None, b[j] if place[1] > j else None))
    return pairs


def _alike(a: Sequence[str], b: Sequence[str]) -> float:
    return difflib.SequenceMatcher(None, a, b, autojunk=False).ratio()


def _whole(line: str | None) -> tuple[Part, ...] | None:
    return None if line is None else ((line, False),)


def _inside(a: str | None, b: str | None) -> tuple[tuple[Part, ...] | None, tuple[Part, ...] | None]:
    """Two lines cut into what they share and what not, by words and numbers; lines with little in common stay whole."""
    if a is None or b is None or max(len(a), len(b)) > LONGEST_LINE:
        return _whole(a), _whole(b)
    x, y = _WORDS.findall(a), _WORDS.findall(b)
    matcher = difflib.SequenceMatcher(None, x, y, autojunk=False)
    if matcher.ratio() < ALIKE:
        return _whole(a), _whole(b)
    cuts = matcher.get_opcodes()
    left = tuple(part for op, i, i_end, _, _ in cuts for part in _parts("".join(x[i:i_end]), op != "equal"))
    right = tuple(part for op, _, _, j, j_end in cuts for part in _parts("".join(y[j:j_end]), op != "equal"))
    return left, right


def _parts(text: str, changed: bool) -> Iterator[Part]:
    """A stretch of a line; the spaces around changed words are not marked."""
    bare = text.strip()
    before = text[: text.index(bare)] if changed else ""
    after = text[len(before) + len(bare) :] if changed else ""
    for part, mark in ((before, False), (bare if changed else text, changed), (after, False)):
        if part:
            yield part, mark


def _folded(found: Sequence[Line]) -> Iterator[Line]:
    """The lines near a change, and how many are left out between."""
    near = {i + d for i, line in enumerate(found) if not line.same for d in range(-CONTEXT, CONTEXT + 1)}
    skipped = 0
    for i, line in enumerate(found):
        if i not in near:
            skipped += 1
            continue
        if skipped:
            yield Line(skipped=skipped)
            skipped = 0
        yield line
    if skipped:
        yield Line(skipped=skipped)


def clipped(a: str, b: str, width: int = 60) -> tuple[str, str]:
    """Two texts on one line each, of at most `width` characters: from near where they differ, if both are too long."""
    a, b = _words(a), _words(b)
    same = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    start = max(0, same - width // 3) if min(len(a), len(b)) > width else 0
    return _cut(a, start, width), _cut(b, start, width)


def _cut(text: str, start: int, width: int) -> str:
    text = ("…" if start else "") + text[start:]
    return text if len(text) <= width else text[: width - 1] + "…"


def first_difference(a: str, b: str) -> tuple[str, str]:
    """The first line of each text that the other does not have there; empty where a text is at its end."""
    pairs = list(zip_longest(a.splitlines(), b.splitlines(), fillvalue=""))
    x, y = next((pair for pair in pairs if _words(pair[0]) != _words(pair[1])), ("", ""))
    return clipped(x, y) if (x, y) != ("", "") else ("spaces", "other spaces")
