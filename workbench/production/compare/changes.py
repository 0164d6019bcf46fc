"""What is not the same in two runs, in the order in which one asks: what they stand on first, then what came out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, JsonValue

from workbench.production.compare.align import Pair
from workbench.production.compare.cells import Cell
from workbench.production.compare.checks import OutputCheck, Side
from workbench.production.compare.data import compare_inputs
from workbench.production.compare.lines import clipped, lines
from workbench.production.compare.packages import compare as compare_packages
from workbench.production.compare.values import Verdict
from workbench.records.run import RunRecord

SECTIONS = {  # in their order, with the word for one of them
    "parameter": "parameter",
    "data": "input",
    "environment": "package",
    "code": "part of the code",
    "ending": "ending",
    "figure": "figure",
    "artifact": "artifact",
    "finding": "finding",
    "cell": "cell output",
}


class Change(BaseModel):
    """One thing that is not the same; an empty side is where it is missing. section: one of SECTIONS."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    section: str
    name: str
    a: str
    b: str
    note: str = ""


def all_changes(a: Side, b: Side, checks: Iterable[OutputCheck], pairs: Iterable[Pair]) -> tuple[Change, ...]:
    """Everything that changed from one run to another."""
    found = (
        *parameter_changes(a.record, b.record),
        *data_changes(a.record, b.record),
        *environment_changes(a, b),
        *code_changes(a.record, b.record, pairs),
        *output_changes(checks),
    )
    order = list(SECTIONS)
    return tuple(sorted(found, key=lambda change: order.index(change.section)))


def summary(changes: Iterable[Change]) -> str:
    """`2 parameters, 3 figures`; or that nothing changed."""
    sections = [change.section for change in changes]
    counted = [(n, word) for name, word in SECTIONS.items() if (n := sections.count(name))]
    return ", ".join(f"{n} {word}" if n == 1 else f"{n} {_plural(word)}" for n, word in counted) or "no change"


def _plural(word: str) -> str:
    first, space, rest = word.partition(" of ")
    return f"{first}s{space}{rest}"


def parameter_changes(a: RunRecord, b: RunRecord) -> Iterator[Change]:
    """Parameters that differ; one that names other data of the same content is told with that note."""
    content = [{item.name: item.sha256 for item in record.inputs} for record in (a, b)]
    for name in [*a.parameters, *(name for name in b.parameters if name not in a.parameters)]:
        old, new = a.parameters.get(name), b.parameters.get(name)
        if name in a.parameters and name in b.parameters and old == new and type(old) is type(new):
            continue
        x, y = (_shown(r.parameters[name]) if name in r.parameters else "" for r in (a, b))
        hashes = [
            known.get(value) if isinstance(value, str) else None for known, value in zip(content, (old, new), strict=True)
        ]
        alike = hashes[0] is not None and hashes[0] == hashes[1]
        yield Change(section="parameter", name=name, a=x, b=y, note="the same content" if alike else "")


def _shown(value: JsonValue) -> str:
    return value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)


def data_changes(a: RunRecord, b: RunRecord) -> Iterator[Change]:
    """Inputs by content, contract and purpose; the policy that the run found."""
    for change in compare_inputs(a.inputs, b.inputs):
        yield Change(section="data", name=change.name, a=change.a, b=change.b)
    x, y = a.policy_sha256, b.policy_sha256
    if x != y and x and y:  # an older record does not tell
        yield Change(section="data", name="policy.toml", a=f"sha256:{x[:12]}", b=f"sha256:{y[:12]}")


def environment_changes(a: Side, b: Side) -> Iterator[Change]:
    """Kernel and hash seed, then package by package."""
    for name, x, y in (
        ("kernel", a.record.kernel, b.record.kernel),
        ("PYTHONHASHSEED", a.record.hash_seed, b.record.hash_seed),
    ):
        if x != y and x and y:
            yield Change(section="environment", name=name, a=x, b=y)
    before, after = (_environment(run.folder) for run in (a, b))
    if before is None or after is None:
        if before != after:
            x, y = ("there" if text is not None else "" for text in (before, after))
            yield Change(section="environment", name="environment.txt", a=x, b=y)
        return
    for package in compare_packages(before, after):
        yield Change(section="environment", name=package.name, a=package.a, b=package.b)


def _environment(folder: Path) -> str | None:
    try:
        return (folder / "environment.txt").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None


def code_changes(a: RunRecord, b: RunRecord, pairs: Iterable[Pair]) -> Iterator[Change]:
    """Cells whose text differs, and the commits then."""
    odd = [pair for pair in pairs if not pair.same_source]
    if a.template != b.template:
        yield Change(section="code", name="template", a=a.template, b=b.template)
    if odd and a.git_commit != b.git_commit:
        yield Change(section="code", name="git commit", a=(a.git_commit or "")[:12], b=(b.git_commit or "")[:12])
    for pair in odd:
        cell = pair.b or pair.a
        name = f"{'cell' if cell and cell.kind == 'code' else 'text cell'} {pair.index}"
        x, y = (_lines(cell) if cell else "" for cell in (pair.a, pair.b))
        changed = lines(pair.a.source, pair.b.source) if pair.a and pair.b else ()
        gone = sum(not line.same and line.a is not None for line in changed)
        come = sum(not line.same and line.b is not None for line in changed)
        yield Change(section="code", name=name, a=x, b=y, note=f"-{gone} +{come}" if changed else "")


def _lines(cell: Cell) -> str:
    count = len(cell.source.splitlines())
    return f"{count} line{'' if count == 1 else 's'}"


def output_changes(checks: Iterable[OutputCheck]) -> Iterator[Change]:
    """The outputs that differ, without markup whose plain text tells the same."""
    found = [check for check in checks if check.verdict is Verdict.DIFFERENT]
    told = {check.name.replace(" text/plain", " text/html") for check in found if " text/plain" in check.name}
    for check in found:
        if check.kind != "cell" or check.name not in told:
            yield Change(section=check.kind, name=check.name, a=check.a, b=check.b, note=check.note)


def rows(changes: Iterable[Change]) -> tuple[tuple[str, str, str, str], ...]:
    """Changes as rows of a table: section, name, and both values, long ones from where they differ."""
    shown = ((change, *clipped(change.a, change.b)) for change in changes)
    return tuple((c.section, c.name, a, f"{b}  ({c.note})".strip() if c.note else b) for c, a, b in shown)
