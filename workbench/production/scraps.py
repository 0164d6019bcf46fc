"""Values that a notebook has kept with scrapbook (`sb.glue("wape", 45.4)`), or with papermill's `record` of old, as figures.

Both write an output of a MIME type of their own. Numbers, booleans and short texts become figures; lists, mappings, tables and
long texts stay in the notebook, and a finding names them. What has not the form it should have is told as a warning: a foreign
output never breaks a run.
Source: nteract/scrapbook, schema `scrap.v1`: {"name", "data", "encoder", "version"}; of old: {name: value}.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from workbench.findings import Finding, Outcome
from workbench.records.run import Figure

GLUED = "application/scrapbook.scrap."  # and the encoder: `.text+json`, `.json+json`, `.pandas+json`
RECORDED = "application/papermill.record+json"
LONGEST = 200  # signs of a name, and of a text that is still a figure
CHECK = "run.scraps"


def scraps(outputs: Iterable[Any]) -> tuple[dict[str, Figure], list[Finding]]:
    """The figures in a notebook's outputs by name, of two with one name the later; and findings on what became none."""
    figures: dict[str, Figure] = {}
    left: dict[str, None] = {}
    broken: list[str] = []
    for kind, payload in _payloads(outputs):
        values = _recorded(payload) if kind == RECORDED else _glued(payload)
        if values is None:
            broken.append(kind)
            continue
        for name, value in values.items():
            if _is_figure(value):
                number = not isinstance(value, float) or math.isfinite(value)
                figures[name] = Figure(name=name, value=value if number else None)
            else:
                left[name] = None
    return figures, [*_left([name for name in left if name not in figures]), *_broken(broken)]


def _payloads(outputs: Iterable[Any]) -> Iterator[tuple[str, Any]]:
    for output in outputs:
        data = output.get("data") if isinstance(output, Mapping) else None
        for kind, payload in data.items() if isinstance(data, Mapping) else ():
            if kind == RECORDED or kind.startswith(GLUED):
                yield kind, _parsed(payload)


def _parsed(payload: Any) -> Any:
    """A payload that was written as text, as its JSON; any other as it is."""
    if not isinstance(payload, str):
        return payload
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        return payload


def _glued(payload: Any) -> dict[str, Any] | None:
    """The one value of a scrap, as its encoder reads it; None when it is no scrap. An encoder that we do not know: a list."""
    match payload:
        case {"name": str(name), "data": data, "encoder": "json"} if _is_name(name):
            return {name: _parsed(data)}
        case {"name": str(name), "data": str(data), "encoder": "text"} if _is_name(name):
            return {name: data}
        case {"name": str(name), "data": _, "encoder": str(encoder)} if _is_name(name) and encoder not in ("json", "text"):
            return {name: []}
    return None


def _recorded(payload: Any) -> dict[str, Any] | None:
    if isinstance(payload, Mapping) and payload and all(isinstance(name, str) and _is_name(name) for name in payload):
        return dict(payload)
    return None


def _is_name(name: str) -> bool:
    return 0 < len(name) <= LONGEST


def _is_figure(value: Any) -> bool:
    return isinstance(value, (bool, int, float)) or (isinstance(value, str) and len(value) <= LONGEST)


def _left(names: list[str]) -> Iterator[Finding]:
    if names:
        message = f"in the executed notebook only, since they are no single number, word or truth: {', '.join(names)}"
        yield Finding(check=CHECK, outcome=Outcome.INFO, message=message[:1000])


def _broken(kinds: list[str]) -> Iterator[Finding]:
    if kinds:
        message = f"{len(kinds)} outputs are not in the form of their type and were left out: {', '.join(sorted(set(kinds)))}"
        fix = "keep values with production.record(name, value), or with a scrapbook of 0.5 or newer"
        yield Finding(check=CHECK, outcome=Outcome.WARN, message=message[:1000], fix=fix)
