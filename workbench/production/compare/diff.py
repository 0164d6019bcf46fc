"""What changed between two runs: first what they stand on, then what came out."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from workbench.production.compare.align import printed
from workbench.production.compare.changes import Change, all_changes, rows, summary
from workbench.production.compare.checks import compare_outputs, side
from workbench.production.compare.drawing import write_page
from workbench.production.compare.values import TOLERANCE, Verdict, checked
from workbench.production.runs import run_folder
from workbench.project import Project, look
from workbench.records.base import Record
from workbench.records.files import given_path
from workbench.records.view import View


class RunDiff(Record):
    """What changed from run A to run B, causes first."""

    kind: ClassVar[str] = "run_diff"

    a: str
    b: str
    tolerance: float
    changes: tuple[Change, ...]
    identical: int  # outputs
    within: int  # outputs that are equal within the tolerance
    page: str  # the HTML file
    text: str  # code and outputs that differ, as nbdime prints them

    def view(self) -> View:
        return View(
            title=f"{self.a} → {self.b}: {summary(self.changes)}",
            facts=(
                ("equal", f"{self.identical} outputs identical, {self.within} within {self.tolerance:g} (relative)"),
                ("page", self.page),
            ),
            columns=("what", "name", "before", "after"),
            rows=rows(self.changes),
            text=self.text,
        )


def diff(project: Project, a: str, b: str, *, tolerance: float = TOLERANCE, html: Path | None = None) -> RunDiff:
    """Say what changed from run A to run B: parameters, data, environment, code; then figures; then cells.

    tolerance: relative difference up to which two fractions count as equal.
    html: where to write the page; below .workbench/diffs/ by default.
    A run is named by its id or the end of it.
    """
    checked(tolerance)
    folders = [run_folder(project, name) for name in (a, b)]
    left, right = (side(folder, look(folder)) for folder in folders)
    checks, pairs = compare_outputs(left, right, tolerance)
    changes = all_changes(left, right, checks, pairs)
    ids = (left.record.run_id, right.record.run_id)
    page = given_path(html) if html else project.state / "diffs" / f"{ids[0]}--{ids[1]}.html"
    write_page(page, left, right, changes=changes, checks=checks, pairs=pairs, tolerance=tolerance)
    return RunDiff(
        a=ids[0],
        b=ids[1],
        tolerance=tolerance,
        changes=changes,
        identical=sum(check.verdict is Verdict.IDENTICAL for check in checks),
        within=sum(check.verdict is Verdict.WITHIN for check in checks),
        page=str(page),
        text=printed(pairs),
    )
