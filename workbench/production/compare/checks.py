"""Everything that two runs put out, one by one: how they ended, figures, artifacts, findings, outputs of cells."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from workbench.errors import UserError
from workbench.findings import Finding
from workbench.production.compare.align import Pair, align
from workbench.production.compare.artifacts import compare_files
from workbench.production.compare.cells import STDERR, UNCOMPARED, Cell, PieceCheck, plain, read_cells
from workbench.production.compare.lines import first_difference
from workbench.production.compare.values import Verdict, texts, values
from workbench.production.notebook import read_notebook
from workbench.records.files import sha256_file
from workbench.records.run import Artifact, Figure, RunRecord

T = TypeVar("T")


@dataclass(frozen=True)
class Side:
    """One of two runs: its record, its folder, its cells as executed (as frozen, when it left no output notebook)."""

    record: RunRecord
    folder: Path
    cells: tuple[Cell, ...]


def side(folder: Path, record: RunRecord) -> Side:
    """Read a run's folder. Raises UnknownName or BadInput when it holds no notebook that can be read."""
    try:
        notebook = read_notebook(folder / "output.ipynb")
    except UserError:  # torn by a kill, or never written
        notebook = read_notebook(folder / "input.ipynb")
    return Side(record, folder, read_cells(notebook, record.run_id))


class OutputCheck(BaseModel):
    """One output in both runs. a, b: as a person reads them, empty where it is missing; verdict None: not compared.

    quiet: it tells how the run went and not what came out (stderr), so that a difference is worth a look and no more.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str  # ending, figure, artifact, finding, cell
    name: str
    verdict: Verdict | None
    a: str = ""
    b: str = ""
    note: str = ""
    quiet: bool = False

    @property
    def line(self) -> str:
        """`wape: 45.9 % → 46.1 % (+0.4 %)`, or the verdict where there is nothing short to show."""
        if self.verdict is Verdict.IDENTICAL and not self.note:
            return f"{self.name}: identical"
        if self.verdict is not None and self.a != self.b:
            shown = f"{self.a or 'not there'} → {self.b or 'not there'}"
        else:
            shown = "not compared" if self.verdict is None else self.verdict.value
        return f"{self.name}: {shown}" + (f" ({self.note})" if self.note else "")


def compare_outputs(a: Side, b: Side, tolerance: float) -> tuple[tuple[OutputCheck, ...], tuple[Pair, ...]]:
    """The check of each output, and the cells as they belong together."""
    pairs = align(a.cells, b.cells, tolerance)
    left = {declared for cell in (*a.cells, *b.cells) for declared in cell.declared}
    declared = [*_figures(a, b, tolerance), *_artifacts(a, b, tolerance), *_findings(a, b, tolerance)]
    checks = [_left_aside(check) if (check.kind, check.name.partition(" #")[0]) in left else check for check in declared]
    return (_ending(a.record, b.record), *checks, *_cells(pairs)), pairs


def _left_aside(check: OutputCheck) -> OutputCheck:
    return check.model_copy(update={"verdict": None, "note": f"declared in a cell tagged {UNCOMPARED}"})


def _ending(a: RunRecord, b: RunRecord) -> OutputCheck:
    told = [_told(record) for record in (a, b)]
    return OutputCheck(
        kind="ending",
        name="ending",
        verdict=Verdict.IDENTICAL if told[0] == told[1] else Verdict.DIFFERENT,
        a=told[0],
        b=told[1],
    )


def _told(record: RunRecord) -> str:
    failure = record.failure
    if failure is None:
        return record.state.value
    where = "" if failure.cell is None else f" in cell {failure.cell}"
    return plain(f"{record.state.value}{where}: {failure.name}: {failure.message}", record.run_id)


def _matched(a: Iterable[tuple[str, T]], b: Iterable[tuple[str, T]]) -> Iterator[tuple[str, T | None, T | None]]:
    before, after = dict(a), dict(b)
    for name in [*before, *(name for name in after if name not in before)]:
        yield name, before.get(name), after.get(name)


def _figures(a: Side, b: Side, tolerance: float) -> Iterator[OutputCheck]:
    matched = _matched(((f.name, f) for f in a.record.figures), ((f.name, f) for f in b.record.figures))
    for name, old, new in matched:
        if old is None or new is None or old.unit != new.unit:
            verdict, note = Verdict.DIFFERENT, ""
        else:
            verdict, note = values(old.value, new.value, tolerance), _moved(old, new)
        x, y = (f.shown() if f else "" for f in (old, new))
        if old and new and x == y and verdict is not Verdict.IDENTICAL:  # they differ behind the digits that are shown
            x, y = repr(old.value), repr(new.value)
        yield OutputCheck(kind="figure", name=name, verdict=verdict, a=x, b=y, note=note)


def _moved(a: Figure, b: Figure) -> str:
    """`+0.2, +0.44 %`: the difference of two numbers, and what it is of the first."""
    if not all(isinstance(f.value, (int, float)) and not isinstance(f.value, bool) for f in (a, b)) or a.value == b.value:
        return ""
    old, new = float(a.value or 0), float(b.value or 0)
    share = f", {(new - old) / abs(old) * 100:+.3g} %" if old else ""
    return f"{new - old:+.4g}{share}"


def _artifacts(a: Side, b: Side, tolerance: float) -> Iterator[OutputCheck]:
    matched = _matched(((x.name, x) for x in a.record.artifacts), ((x.name, x) for x in b.record.artifacts))
    for name, old, new in matched:
        verdict, note = _artifact(a, b, old, new, tolerance) if old and new else (Verdict.DIFFERENT, "")
        x, y = (f"sha256:{artifact.sha256[:12]}" if artifact else "" for artifact in (old, new))
        yield OutputCheck(kind="artifact", name=name, verdict=verdict, a=x, b=y, note=note)


def _artifact(a: Side, b: Side, old: Artifact, new: Artifact, tolerance: float) -> tuple[Verdict, str]:
    """By the hashes on record; where they differ, by what the files hold, as long as they are those on record."""
    if old.sha256 == new.sha256:
        return Verdict.IDENTICAL, ""
    for run, artifact in ((a, old), (b, new)):
        path = _path(run, artifact)
        if path.exists() and sha256_file(path) != artifact.sha256:
            return Verdict.DIFFERENT, f"the file of {run.record.run_id} was changed after its run"
    return compare_files(_path(a, old), _path(b, new), tolerance, ids=(a.record.run_id, b.record.run_id))


def _path(run: Side, artifact: Artifact) -> Path:
    """Where an artifact lies; a path that leaves the run's folder is none."""
    path = (run.folder / artifact.path).resolve()
    return path if path.is_relative_to(run.folder.resolve()) else run.folder / "outside of its run"


def _findings(a: Side, b: Side, tolerance: float) -> Iterator[OutputCheck]:
    for name, old, new in _matched(_numbered(a.record.findings), _numbered(b.record.findings)):
        x, y = (
            plain(f"{finding.outcome.value}: {finding.message}", run.record.run_id) if finding else ""
            for run, finding in ((a, old), (b, new))
        )
        verdict = texts(x, y, tolerance) if old and new else Verdict.DIFFERENT
        yield OutputCheck(kind="finding", name=name, verdict=verdict, a=x, b=y)


def _numbered(findings: Iterable[Finding]) -> Iterator[tuple[str, Finding]]:
    """Findings by their check; a check that speaks twice gets a number."""
    seen: Counter[str] = Counter()
    for finding in findings:
        seen[finding.check] += 1
        yield finding.check + (f" #{seen[finding.check]}" if seen[finding.check] > 1 else ""), finding


def _cells(pairs: Iterable[Pair]) -> Iterator[OutputCheck]:
    for pair in pairs:
        if not all(cell.compared for cell in (pair.a, pair.b) if cell):
            yield OutputCheck(kind="cell", name=f"cell {pair.index}", verdict=None, note=f"tagged {UNCOMPARED}")
        for check in pair.checks if pair.a and pair.b else ():  # of a cell without a counterpart its code tells
            x, y = _told_apart(check) if check.verdict is Verdict.DIFFERENT else ("", "")
            name = f"cell {pair.index} {check.name}"
            yield OutputCheck(kind="cell", name=name, verdict=check.verdict, a=x, b=y, quiet=check.name == STDERR)


def _told_apart(check: PieceCheck) -> tuple[str, str]:
    """The first lines that differ; of a picture or a missing output its hash."""
    if check.a and check.b and not check.a.is_picture:
        return first_difference(check.a.text, check.b.text)
    shown = (f"sha256:{hashlib.sha256(piece.text.encode()).hexdigest()[:12]}" if piece else "" for piece in (check.a, check.b))
    return next(shown), next(shown)
