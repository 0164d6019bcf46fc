"""Typed parameters of a template, read from its tagged cell without running it.

The cell holds literals with annotations, one a line, and a comment that is the help:

    weeks: int = 8  # how far back [4..52] weeks
    family: Literal["histgb", "mlp"] = "histgb"  # which model
    target: str = None  # the column to predict

`[4..52]` is the allowed range and the words after it the unit. A parameter without a value, or with None where its type
has no None, is required. Dates and paths are text; `Dataset` and `Path` mark what the run reads. papermill's own reader
drops `Literal`, `X | None` and `Annotated`; this one knows them, and refuses what it does not know.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal, Union

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError

from workbench.errors import BadInput
from workbench.production.notebook import Notebook, source

TAG = "parameters"
_RANGE = re.compile(r"\[\s*(-?[\d.eE+-]*)\s*\.\.\s*(-?[\d.eE+-]*)\s*\]")
STRICT = ConfigDict(strict=True, allow_inf_nan=False)  # JSON has neither, and neither has a run key


class _Missing:
    """No default: the parameter is required."""

    def __repr__(self) -> str:
        return "required"


REQUIRED = _Missing()


@dataclass(frozen=True)
class Parameter:
    """One parameter: its name, its type as written and as pydantic takes it, default, help, range and unit."""

    name: str
    annotation: str
    type: Any
    default: Any
    help: str = ""
    unit: str = ""
    is_dataset: bool = False  # annotated Dataset: the run reads it, governed
    is_path: bool = False  # annotated Path and not also str: a file or folder that must be there
    is_input: bool = False  # either of them, or a Path that may also be a name

    @property
    def required(self) -> bool:
        return self.default is REQUIRED


def read_parameters(notebook: Notebook, name: str) -> tuple[Parameter, ...]:
    """The parameters of a notebook, in order. name: the template's, for the error's letter.

    Raises BadInput when there is no tagged cell, or when a line of it is not a plain, annotated literal.
    """
    cells = [cell for cell in notebook.tagged(TAG) if cell["cell_type"] == "code"]
    if not cells:
        raise BadInput(
            f"'{name}' takes no parameters",
            why=f"none of its code cells carries the tag '{TAG}'",
            fix=f"tag the cell that holds its settings: in JupyterLab, Property Inspector → Cell tags → {TAG}",
        )
    if len(cells) > 1:
        raise BadInput(
            f"'{name}' has {len(cells)} parameter cells", why="papermill would use the first", fix="keep the tag on one cell"
        )
    return _parse(source(cells[0]), name)


def _parse(text: str, name: str) -> tuple[Parameter, ...]:
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        why = f"line {error.lineno}: {error.msg}"
        raise BadInput(f"the parameters cell of '{name}' is not Python", why=why, fix="mend the cell") from error
    comments = _comments(text)
    found: dict[str, Parameter] = {}
    for statement in tree.body:
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            continue  # the names that the annotations use
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue  # a docstring
        parameter = _parameter(statement, comments, name)
        if parameter.name in found:
            raise _bad_line(name, statement, f"'{parameter.name}' is set twice")
        found[parameter.name] = parameter
    return tuple(found.values())


def _parameter(statement: ast.stmt, comments: Mapping[int, str], name: str) -> Parameter:
    annotation: ast.expr | None = None
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        target, value, annotation = statement.target.id, statement.value, statement.annotation
    elif isinstance(statement, ast.Assign) and len(statement.targets) == 1 and isinstance(statement.targets[0], ast.Name):
        target, value = statement.targets[0].id, statement.value
    else:
        raise _bad_line(name, statement, "only `name: type = literal` may stand here")
    try:
        default = REQUIRED if value is None else ast.literal_eval(value)
    except ValueError:
        raise _bad_line(name, statement, f"the default of '{target}' is not a literal") from None
    note = _note(comments.get(statement.end_lineno or 0, ""), name, statement)
    if annotation is None:
        kind, written = _inferred(default), type(default).__name__
    else:
        try:
            kind, written = _type(annotation, note), ast.unparse(annotation)
        except KeyError as error:
            raise _bad_line(name, statement, f"the type {error} of '{target}' is not known") from None
    if default is None and not _accepts(kind, None):
        default = REQUIRED
    words = {n.id for n in ast.walk(annotation) if isinstance(n, ast.Name)} if annotation else set()
    return Parameter(
        name=target,
        annotation=written,
        type=kind,
        default=default,
        help=note.help,
        unit=note.unit,
        is_dataset="Dataset" in words,
        is_path="Path" in words and "str" not in words,
        is_input=bool({"Dataset", "Path"} & words),
    )


def _bad_line(name: str, statement: ast.stmt, why: str) -> BadInput:
    return BadInput(
        f"the parameters cell of '{name}' cannot be read",
        why=f"line {statement.lineno}: {why}",
        fix="write one `name: type = literal  # help` a line, and compute in the next cell",
    )


@dataclass(frozen=True)
class _Note:
    help: str = ""
    low: float | None = None
    high: float | None = None
    unit: str = ""


def _note(comment: str, name: str, statement: ast.stmt) -> _Note:
    """`how far back [4..52] weeks` → help, bounds, unit."""
    match = _RANGE.search(comment)
    if match is None:
        return _Note(help=comment)
    try:
        low, high = (_number(text) if text else None for text in match.groups())
    except ValueError:
        raise _bad_line(name, statement, f"the range {match.group()} is not two numbers") from None
    return _Note(help=comment[: match.start()].strip(), low=low, high=high, unit=comment[match.end() :].strip())


def _number(text: str) -> float:
    return int(text) if text.lstrip("-").isdigit() else float(text)


def _comments(text: str) -> dict[int, str]:
    """The comment at the end of each line, by line number."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return {token.start[0]: token.string.lstrip("#").strip() for token in tokens if token.type == tokenize.COMMENT}


def _iso(parse: Any) -> AfterValidator:
    def check(text: str) -> str:
        parse(text)
        return text

    return AfterValidator(check)


def _marked(text_format: str, *more: Any) -> Any:
    return Annotated[(str, *more, Field(json_schema_extra={"format": text_format}))]


_NAMES: dict[str, Any] = {
    "str": str,
    "bool": bool,
    "Any": Any,
    "Path": _marked("path"),
    "Dataset": _marked("dataset"),
    "date": _marked("date", _iso(date.fromisoformat)),
    "datetime": _marked("date-time", _iso(datetime.fromisoformat)),
    "list": list[Any],
    "dict": dict[str, Any],
    "None": None,
}


def _type(node: ast.expr, note: _Note) -> Any:
    """The type an annotation names. Raises KeyError with the part that is not known."""
    match node:
        case ast.Name(id="int" | "float" as number):
            return Annotated[int if number == "int" else float, Field(ge=note.low, le=note.high)]
        case ast.Name(id=name) | ast.Attribute(attr=name) if name in _NAMES:
            return _NAMES[name]
        case ast.Constant(value=None):
            return None
        case ast.Constant(value=str(text)):
            return _type(ast.parse(text, mode="eval").body, note)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return Union[_type(left, note), _type(right, note)]  # noqa: UP007  `|` does not take Annotated and None alike
        case ast.Subscript(value=ast.Name(id=name) | ast.Attribute(attr=name), slice=inner):
            return _generic(name, inner.elts if isinstance(inner, ast.Tuple) else [inner], note)
    raise KeyError(ast.unparse(node))


def _generic(name: str, inner: list[ast.expr], note: _Note) -> Any:
    match name.lower(), inner:
        case "literal", _:
            return Literal[tuple(ast.literal_eval(value) for value in inner)]
        case "optional", [only]:
            return Union[_type(only, note), None]  # noqa: UP007
        case "union", _:
            return Union[tuple(_type(part, note) for part in inner)]  # noqa: UP007
        case "annotated", [first, *_]:
            return _type(first, note)
        case "list", [only]:
            return list[_type(only, note)]  # type: ignore[misc]
        case "dict", [ast.Name(id="str"), value]:
            return dict[str, _type(value, note)]  # type: ignore[misc]
    raise KeyError(name)


def _inferred(default: Any) -> Any:
    """The type of an unannotated default: its own, since a person gave no other."""
    if default is None or isinstance(default, (list, dict)):
        return Any
    return type(default)


def _accepts(kind: Any, value: Any) -> bool:
    try:
        TypeAdapter(kind, config=STRICT).validate_python(value)
    except ValidationError:
        return False
    return True
