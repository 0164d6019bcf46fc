"""A function's signature as click parameters: annotations are the types, defaults the defaults."""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Callable, Mapping
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import click

_PLAIN = {str: click.STRING, int: click.INT, float: click.FLOAT, date: click.DateTime(["%Y-%m-%d"])}


def parameters_of(function: Callable[..., Any], *, skip_first: bool) -> list[click.Parameter]:
    """Positional-or-keyword parameters become arguments, keyword-only ones options. skip_first: it takes the project."""
    hints = get_type_hints(function)
    helps = _helps(inspect.getdoc(function) or "")
    found = list(inspect.signature(function).parameters.values())[1 if skip_first else 0 :]
    return [_parameter(p, hints[p.name], helps.get(p.name, "")) for p in found]


def _helps(doc: str) -> dict[str, str]:
    """`name: what it is` lines of a docstring, also `a, b: what they are`."""
    found = {}
    for names, text in re.findall(r"^([\w, ]+): (.+)$", doc, re.MULTILINE):
        found.update({name.strip(): text for name in names.split(",")})
    return found


def _parameter(parameter: inspect.Parameter, kind: Any, text: str) -> click.Parameter:
    required = parameter.default is inspect.Parameter.empty
    kind = _without_none(kind)
    if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
        return click.Argument([parameter.name], type=_click_type(kind), required=required)
    flag = "--" + parameter.name.rstrip("_").replace("_", "-")
    names = [flag, parameter.name]
    if get_origin(kind) in (dict, Mapping):
        short = ["-p"] if parameter.name == "parameter" else []
        return click.Option([*short, *names], multiple=True, metavar="NAME=VALUE", callback=_pairs, help=text, default=())
    if kind is bool:
        return click.Option(names, is_flag=True, default=parameter.default, help=text)
    multiple = get_origin(kind) in (list, tuple)
    inner = get_args(kind)[0] if multiple else kind
    more: dict[str, Any] = {"required": True} if required else {}  # click takes a default of None for a value given
    if not required and not multiple:
        more = {"default": parameter.default, "show_default": parameter.default is not None}
    return click.Option(names, type=_click_type(inner), multiple=multiple, help=text, **more)


def _without_none(kind: Any) -> Any:
    if get_origin(kind) in (Union, types.UnionType):
        rest = [part for part in get_args(kind) if part is not type(None)]
        return rest[0] if len(rest) == 1 else kind
    return kind


def _click_type(kind: Any) -> click.ParamType[Any]:
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return click.Choice([member.value for member in kind])
    if kind is Path:
        return click.Path(path_type=Path)
    if get_origin(kind) is Literal:
        return click.Choice([str(value) for value in get_args(kind)])
    return _PLAIN[kind]


def _pairs(ctx: click.Context, option: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in values:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise click.UsageError(f"'{option.opts[0]} {text}' is not NAME=VALUE", ctx)
        if name in pairs:
            raise click.UsageError(f"'{name}' is given twice", ctx)
        pairs[name] = value
    return pairs
