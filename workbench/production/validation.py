"""Values for a template's parameters: checked against their types before anything runs, and described as JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ConfigDict, Field, JsonValue, TypeAdapter, ValidationError, create_model

from workbench.errors import BadInput, unknown
from workbench.production.parameters import STRICT, Parameter

SHOWN = 200  # signs of a wrong value in an error's letter


def json_schema(parameters: tuple[Parameter, ...], title: str) -> dict[str, Any]:
    """The JSON Schema of a template's parameters; `x-unit` carries units, `x-input` what the run reads."""
    fields: dict[str, Any] = {}
    for p in parameters:
        extra: dict[str, Any] = {k: v for k, v in (("x-unit", p.unit), ("x-input", p.is_input)) if v}
        default = ... if p.required else p.default
        fields[p.name] = (p.type, Field(default, description=p.help or None, json_schema_extra=extra or None))
    model: Any = create_model(title or "Parameters", __config__=ConfigDict(extra="forbid"), **fields)
    schema: dict[str, Any] = model.model_json_schema()
    return schema


def validate(
    parameters: tuple[Parameter, ...], values: Mapping[str, Any], name: str, *, text: bool = False
) -> dict[str, JsonValue]:
    """The values a run of template `name` will have: those given, defaults for the rest.

    text: the values are text from a command line; a text is read as its type, or as JSON where the type has no text form.
    Raises UnknownName for a parameter that is not there, else BadInput that lists every wrong and missing one.
    """
    known = {p.name: p for p in parameters}
    for given in values:
        if given not in known:
            raise unknown(f"parameter of '{name}'", given, known, fix=f"workbench production show {name}")
    problems, result = [], {}
    for p in parameters:
        if p.name in values:
            try:
                result[p.name] = _from_text(p, values[p.name]) if text else _strict(p, values[p.name])
            except ValidationError as error:
                problems.append(_problem(p, values[p.name], error))
        elif p.required:
            problems.append(f"{p.name} is required ({p.help or p.annotation})")
        else:
            result[p.name] = p.default
    if problems:
        raise BadInput(
            f"'{name}' cannot run with these parameters", why="; ".join(problems), fix=f"workbench production show {name}"
        )
    return result


def _strict(parameter: Parameter, value: Any) -> JsonValue:
    checked: JsonValue = TypeAdapter(parameter.type, config=STRICT).validate_python(value)
    return checked


def _from_text(parameter: Parameter, text: str) -> JsonValue:
    adapter: TypeAdapter[JsonValue] = TypeAdapter(parameter.type, config=STRICT)
    try:
        return adapter.validate_strings(text)
    except ValidationError as error:
        try:
            return adapter.validate_json(text)
        except ValidationError:
            raise error from None


def _problem(parameter: Parameter, value: Any, error: ValidationError) -> str:
    message = error.errors()[0]["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    shown = repr(value)
    shown = shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}… ({len(shown):,} signs)"
    return f"{parameter.name} = {shown}: it should be {message}"
