"""Run a run again in a fresh kernel, from its frozen template, and say of each output whether it came out the same."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from pydantic import JsonValue

from workbench.errors import BadInput
from workbench.findings import Finding, Outcome
from workbench.production.compare.align import printed
from workbench.production.compare.changes import Change, all_changes, data_changes, environment_changes, rows
from workbench.production.compare.checks import OutputCheck, Side, compare_outputs, side
from workbench.production.compare.data import present
from workbench.production.compare.drawing import write_page
from workbench.production.compare.values import TOLERANCE, Verdict, checked
from workbench.production.launch import Asked, start
from workbench.production.notebook import read_notebook
from workbench.production.runs import run_folder
from workbench.project import Project, look
from workbench.records.base import Record
from workbench.records.run import Input, RunRecord, State
from workbench.records.view import View

_OUTCOMES = {
    None: Outcome.SKIPPED,
    Verdict.IDENTICAL: Outcome.PASS,
    Verdict.WITHIN: Outcome.INFO,
    Verdict.DIFFERENT: Outcome.FAIL,
}
_CAUSES = ("data", "environment")  # what can change between a run and its repetition
_NONE_KNOWN = (
    "nothing that it stands on has changed, so it is not determined by that: look for a clock, a random number without a seed, "
    "threads, or a service; tag a cell that may differ with nbval-ignore-output, or allow more with --tolerance (now {:g})"
)


class ReproduceReport(Record):
    """A run and its repetition, output by output. Lies with the repetition, as reproduction.json, beside diff.html."""

    kind: ClassVar[str] = "reproduction"

    run_id: str
    reproduced_by: str
    tolerance: float  # relative, of fractions
    checks: tuple[OutputCheck, ...]
    causes: tuple[Change, ...]  # data and environment that are not what they were
    page: str  # diff.html, relative to the project
    text: str  # what differs, as nbdime prints it

    @property
    def different(self) -> tuple[OutputCheck, ...]:
        """The outputs that differ and tell what came out."""
        return tuple(c for c in self.checks if c.verdict is Verdict.DIFFERENT and not c.quiet)

    @property
    def verdict(self) -> str:
        """In one line: identical, equal within the tolerance, or how many outputs differ."""
        if self.different:
            return f"{len(self.different)} of {len(self.checks)} outputs are different"
        if any(check.verdict is Verdict.WITHIN for check in self.checks):
            return f"equal within {self.tolerance:g} (relative)"
        return "identical"

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(self._findings())

    def _findings(self) -> Iterator[Finding]:
        fix = "see the changes above" if self.causes else _NONE_KNOWN.format(self.tolerance)
        for check in self.checks:
            outcome = _OUTCOMES[check.verdict]
            yield Finding(
                check=f"reproduction.{check.kind}",
                outcome=Outcome.WARN if check.quiet and outcome is Outcome.FAIL else outcome,
                message=check.line,
                fix=fix if check.verdict is Verdict.DIFFERENT else "",
            )

    def view(self) -> View:
        changed = (
            ", ".join(name for name in _CAUSES if any(c.section == name for c in self.causes)) or "nothing that it stands on"
        )
        return View(
            title=f"{self.run_id} run again: {self.verdict}",
            facts=(
                ("by", self.reproduced_by),
                ("changed since", changed or "neither data nor environment"),
                ("page", self.page),
            ),
            columns=("what", "name", "then", "now") if self.causes else (),
            rows=rows(self.causes),
            findings=self.findings,
            text=self.text,
            next=(f"workbench production diff {shlex.quote(self.run_id)} {shlex.quote(self.reproduced_by)}",)
            if self.different
            else (),
        )


def reproduce(project: Project, run: str, *, tolerance: float = TOLERANCE) -> ReproduceReport:
    """Run RUN again in a fresh kernel and say of each output: identical, equal within the tolerance, or different.

    tolerance: relative difference up to which two fractions are equal; 1e-9 is above what another order of sums can do.
    It runs the frozen template with the recorded parameters, seed, hash seed and limits. Data and packages that are not what
    they were are named, package by package. Exit code 1 when an output differs; one on stderr only warns.
    A failed run is reproduced by the same failure.
    """
    checked(tolerance)
    folder = run_folder(project, run)
    old = look(folder)
    check_ended(old)
    now = inputs_now(project, old)
    new = repeat(project, folder, old)
    return report(project, side(folder, old), side(project.runs / new.run_id, new), now, tolerance)


def repeat(project: Project, folder: Path, old: RunRecord, *, renamed: Mapping[str, str] | None = None) -> RunRecord:
    """Run the template in `folder` once more, never from the cache. renamed: inputs that lie elsewhere now, by their name."""
    notebook = read_notebook(folder / "input.ipynb")
    values = {name: _moved(value, renamed or {}) for name, value in old.parameters.items()}
    asked = Asked(limits=old.limits, fresh=True, reproduces=old.run_id, hash_seed=old.hash_seed)
    return start(project, old.template, notebook, values, asked=asked)


def _moved(value: JsonValue, renamed: Mapping[str, str]) -> JsonValue:
    if isinstance(value, list):
        return [_moved(item, renamed) for item in value]
    return renamed.get(value, value) if isinstance(value, str) else value


def texts_in(value: JsonValue) -> tuple[str, ...]:
    """The texts in a parameter's value that `repeat` can rename."""
    if isinstance(value, list):
        return tuple(text for item in value for text in texts_in(item))
    return (value,) if isinstance(value, str) else ()


def report(project: Project, a: Side, b: Side, now: Iterable[Input], tolerance: float) -> ReproduceReport:
    """Compare a run with its repetition; writes reproduction.json and diff.html into the repetition's folder.

    now: the inputs of the first, as they were when the repetition began.
    """
    checks, pairs = compare_outputs(a, b, tolerance)
    changes = all_changes(a, b, checks, pairs)
    page = b.folder / "diff.html"
    write_page(page, a, b, changes=changes, checks=checks, pairs=pairs, tolerance=tolerance)
    made = ReproduceReport(
        run_id=a.record.run_id,
        reproduced_by=b.record.run_id,
        tolerance=tolerance,
        checks=checks,
        causes=(*data_changes(a.record, b.record.model_copy(update={"inputs": tuple(now)})), *environment_changes(a, b)),
        page=str(page.relative_to(project.root)),
        text=printed(pairs),
    )
    made.write(b.folder / "reproduction.json")
    project.audit.append("production.reproduce", run=made.run_id, by=made.reproduced_by, verdict=made.verdict)
    return made


def check_ended(record: RunRecord) -> None:
    """Raises BadInput for a run that has no ending of its own."""
    if record.state not in (State.DONE, State.FAILED):
        why = (
            f"its state is '{record.state.value}': there is no result, and no failure of its own, that a second run could meet"
        )
        raise BadInput(f"{record.run_id} cannot be reproduced", why=why, fix="choose a run that is done or has failed")


def inputs_now(project: Project, record: RunRecord) -> tuple[Input, ...]:
    """What the run read, as it is now. Raises BadInput when some of it is gone: then a repetition need not start."""
    found = {item.name: present(project, item) for item in record.inputs}
    gone = [name for name, item in found.items() if item is None]
    if gone:
        raise BadInput(
            f"{record.run_id} cannot be reproduced here",
            why=f"it read {', '.join(gone)}, and that is not there any more",
            fix="bring it back (the run's record has its hash), or run the template anew with other data",
        )
    return tuple(item for item in found.values() if item is not None)
