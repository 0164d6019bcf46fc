"""Which points a sweep visits. Points are computed one at a time: a sweep of ten thousand holds none of them.

--grid weeks=4,8,12 --grid family=histgb,mlp        every combination
--random 50 --space lr=1e-4..1e-1:log --space depth=2..8 --space family=histgb,mlp
--from points.csv                                    a row a point, a column a parameter; an empty cell is the default
"""

from __future__ import annotations

import csv
import io
import itertools
import json
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from workbench.errors import BadInput, UserError, unknown
from workbench.production.parameters import Parameter
from workbench.production.validation import validate
from workbench.records.files import cannot_read

MOST = 1_000_000  # points of one sweep
_RANGE = ".."

Given = str | Sequence[JsonValue]  # values as text (`a,b,c`), or the values themselves


class Axis(BaseModel):
    """One parameter of a design: a list of values, or a range to draw from (both ends included)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    values: tuple[JsonValue, ...] = ()
    low: float | None = None
    high: float | None = None
    log: bool = False  # draw evenly in the logarithm
    integer: bool = False

    def draw(self, generator: random.Random) -> JsonValue:
        """One value of this axis."""
        if self.low is None or self.high is None:
            return generator.choice(self.values)
        if self.integer and not self.log:
            return generator.randint(int(self.low), int(self.high))
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        drawn = generator.uniform(low, high)
        drawn = float(f"{math.exp(drawn) if self.log else drawn:.6g}")  # as a person would write it
        drawn = min(max(drawn, self.low), self.high)  # rounding may leave the range by a bit
        return round(drawn) if self.integer else drawn


class Design(BaseModel):
    """The points of a sweep, in an order that never changes. `count` points; those of a table stand in a file beside."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    form: Literal["grid", "random", "table"]
    axes: tuple[Axis, ...] = ()
    count: int
    seed: int = 0

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(axis.name for axis in self.axes)

    def points(self, table: Path) -> Iterator[dict[str, JsonValue]]:
        """The points in order. table: where those of a table are kept (`keep_table`)."""
        if self.form == "grid":
            for values in itertools.product(*(axis.values for axis in self.axes)):
                yield dict(zip(self.names, values, strict=True))
        elif self.form == "random":
            for position in range(self.count):
                generator = random.Random(f"{self.seed}:{position}")
                yield {axis.name: axis.draw(generator) for axis in self.axes}
        else:
            with open(table, encoding="utf-8") as lines:
                yield from map(json.loads, lines)


def grid(known: tuple[Parameter, ...], name: str, asked: Mapping[str, Given]) -> Design:
    """Every combination of the values asked for, the last parameter fastest. Raises BadInput or UnknownName."""
    axes = tuple(Axis(name=p, values=_values(known, name, p, given)) for p, given in asked.items())
    return Design(form="grid", axes=axes, count=_bounded(math.prod(len(axis.values) for axis in axes)))


def draws(known: tuple[Parameter, ...], name: str, asked: Mapping[str, Given], count: int, seed: int) -> Design:
    """`count` points drawn from the ranges and lists asked for; equal seeds give equal points, whatever their number."""
    if count < 1:
        raise BadInput(f"--random {count} draws nothing", why="it counts the runs", fix="--random 20")
    if not asked:
        raise BadInput("--random draws from nothing", why="no --space is given", fix="--space depth=2..8")
    return Design(
        form="random", axes=tuple(_space(known, name, p, t) for p, t in asked.items()), count=_bounded(count), seed=seed
    )


def table(known: tuple[Parameter, ...], name: str, path: Path) -> tuple[Design, list[dict[str, JsonValue]]]:
    """The rows of a CSV file as points, each checked. Raises BadInput that names the first wrong row."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is no UTF-8", why=str(error), fix="save it as UTF-8") from error
    except OSError as error:
        raise cannot_read(path, error) from error
    reader = csv.DictReader(io.StringIO(text), restkey="", strict=True)
    columns = [column.strip() for column in reader.fieldnames or ()]
    for column in columns:
        _parameter(known, name, column)
    if len(set(columns)) < len(columns) or not columns:
        raise BadInput(
            f"{path} names no parameters", why="its first line must name each column once", fix="mend its first line"
        )
    rows = []
    try:
        for row in reader:
            if "" in row or None in row.values():
                raise BadInput(f"{path}, line {reader.line_num}", why=f"it has not {len(columns)} cells", fix="mend that line")
            given = {column.strip(): cell for column, cell in row.items() if cell != ""}
            rows.append(typed(known, name, given, f"{path}, line {reader.line_num}"))
    except csv.Error as error:
        raise BadInput(f"{path} is no CSV", why=f"line {reader.line_num}: {error}", fix="mend that line") from error
    if not rows:
        raise BadInput(f"{path} has no rows", why="a row is a run", fix="add rows below the names")
    return Design(form="table", axes=tuple(Axis(name=c) for c in columns), count=_bounded(len(rows))), rows


def _bounded(count: int) -> int:
    if count > MOST:
        raise BadInput(f"{count:,} runs are too many for one sweep", why=f"at most {MOST:,}", fix="sweep fewer values")
    return count


def _parameter(known: tuple[Parameter, ...], name: str, parameter: str) -> Parameter:
    found = {p.name: p for p in known}
    if parameter not in found:
        raise unknown(f"parameter of '{name}'", parameter, found, fix=f"workbench production show {name}")
    return found[parameter]


def typed(
    known: tuple[Parameter, ...], name: str, given: Mapping[str, Any], where: str, *, text: bool = True
) -> dict[str, JsonValue]:
    """The given texts as values; the template's other parameters are not looked at. where: begins the error's letter.

    text: False where the values are no texts any more, and are only checked.
    """
    for parameter in given:
        _parameter(known, name, parameter)
    try:
        return validate(tuple(p for p in known if p.name in given), given, name, text=text)
    except UserError as error:
        raise type(error)(f"{where}: {error.what}", why=error.why, fix=error.fix) from None


def _values(known: tuple[Parameter, ...], name: str, parameter: str, given: Given) -> tuple[JsonValue, ...]:
    """Of a text: `a,b,c`, or a JSON list where a value holds a comma."""
    _parameter(known, name, parameter)
    listed = _texts(given) if isinstance(given, str) else given
    values = tuple(
        typed(known, name, {parameter: one}, f"{parameter}={one}", text=isinstance(given, str))[parameter] for one in listed
    )
    if not values:
        raise BadInput(
            f"{parameter} has no values", why="each value is a run", fix=f"name its values, or leave {parameter} out"
        )
    if len({json.dumps(value, sort_keys=True) for value in values}) < len(values):
        raise BadInput(f"{parameter}={given} names a value twice", why="each would run twice", fix="name each value once")
    return values


def _texts(text: str) -> list[str]:
    try:
        listed = json.loads(text) if text.lstrip().startswith("[") else None
    except ValueError:
        listed = None
    if isinstance(listed, list):
        return [value if isinstance(value, str) else json.dumps(value) for value in listed]
    return [part.strip() for part in text.split(",")]


def _space(known: tuple[Parameter, ...], name: str, parameter: str, text: Given) -> Axis:
    """`low..high`, `low..high:log`, or a list of values."""
    kind = _parameter(known, name, parameter).annotation
    if not isinstance(text, str):
        return Axis(name=parameter, values=_values(known, name, parameter, text))
    ends, _, scale = text.partition(":")
    if _RANGE not in ends or not kind.startswith(("int", "float")):
        return Axis(name=parameter, values=_values(known, name, parameter, text))
    low_text, _, high_text = ends.partition(_RANGE)
    low, high = (typed(known, name, {parameter: end.strip()}, text)[parameter] for end in (low_text, high_text))
    if not isinstance(low, (int, float)) or not isinstance(high, (int, float)) or scale not in ("", "log"):
        raise BadInput(f"--space {parameter}={text} is no range", why="it is written low..high or low..high:log", fix="2..8")
    if not low < high or (scale == "log" and low <= 0):
        raise BadInput(f"--space {parameter}={text} is empty", why="low < high, and 0 < low for :log", fix="2..8")
    return Axis(name=parameter, low=low, high=high, log=scale == "log", integer=kind.startswith("int"))


def keep_table(rows: list[dict[str, Any]]) -> bytes:
    """Rows as the lines that `Design.points` reads."""
    return "".join(json.dumps(row) + "\n" for row in rows).encode()
