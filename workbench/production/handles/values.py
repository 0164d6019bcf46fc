"""Python's values as those that a template takes, and, where a sweep is told them in texts, as texts."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from pydantic import JsonValue

from workbench.errors import BadInput, UserError
from workbench.production.parameters import Parameter
from workbench.production.sweeps.design import typed
from workbench.production.validation import validate

if TYPE_CHECKING:
    import pandas as pd


def plain(value: Any) -> Any:
    """Without NumPy's and pandas' types; paths and dates as text, tuples and ranges as lists. Anything else stays as it is."""
    match value:
        case str() | bool() | int() | None:
            return value
        case float():
            return float(value)  # NumPy's is a subclass
        case PurePath():
            return str(value)
        case date():
            return value.isoformat()
        case Mapping():
            return {str(name): plain(inner) for name, inner in value.items()}
        case list() | tuple() | range():
            return [plain(inner) for inner in value]
    if hasattr(value, "tolist"):  # of NumPy, pandas, torch: an array, or one number
        return plain(value.tolist())
    return value


def as_text(known: tuple[Parameter, ...], template: str, name: str, value: Any) -> str:
    """A value as a sweep is told it. Raises UnknownName, or BadInput for a wrong one and for one that text would change."""
    one = tuple(p for p in known if p.name == name) or known
    wanted: JsonValue = validate(one, {name: plain(value)}, template)[name]
    text = wanted if isinstance(wanted, str) else json.dumps(wanted)
    try:
        back = typed(known, template, {name: text}, name)[name]
    except UserError:
        back = None
    if (type(back), back) != (type(wanted), wanted) or text == "":
        raise BadInput(
            f"{name} = {wanted!r} cannot be swept",
            why="a sweep is told its values as text, and this one would come back as another",
            fix="give the parameter a type that tells them apart",
        )
    return text


def as_list(name: str, values: Any) -> list[Any]:
    """The values of one parameter. Raises BadInput when they are no list."""
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
        raise BadInput(f"the values of '{name}' are no list", why=f"they are {values!r}", fix=f'{{"{name}": [1, 2, 3]}}')
    return [plain(value) for value in values]


@contextmanager
def as_table(
    known: tuple[Parameter, ...], template: str, points: Path | str | pd.DataFrame | Iterable[Mapping[str, Any]] | None
) -> Iterator[Path | None]:
    """Points as the CSV file that a sweep reads: it may be one already. A missing value is the parameter's default."""
    if points is None or isinstance(points, (str, Path)):
        yield None if points is None else Path(points)
        return
    rows = points.to_dict("records") if hasattr(points, "to_dict") else list(points)
    texts = [{str(n): as_text(known, template, str(n), v) for n, v in row.items() if not _missing(v)} for row in rows]
    with TemporaryDirectory() as folder:
        path = Path(folder, "points.csv")
        with open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(dict.fromkeys(name for row in texts for name in row)))
            writer.writeheader()
            writer.writerows(texts)
        yield path


def _missing(value: Any) -> bool:
    """None, NaN, pandas' NA and NaT: none of them is a value."""
    import pandas as pd

    return bool(pd.api.types.is_scalar(value) and pd.isna(value))
