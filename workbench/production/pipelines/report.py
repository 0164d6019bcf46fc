"""The report of a pipeline: one self-contained HTML page that a manager can read.

Everything in it comes from the run records and executed notebooks. All text is escaped; pictures are PNG data; there is no
script and nothing is fetched, so the page can be mailed and opened anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import UserError
from workbench.findings import SEVERITY, Finding, Outcome, worst
from workbench.production.notebook import read_notebook, source
from workbench.production.page import draw
from workbench.production.pipelines.plan import Plan, PlannedStep
from workbench.production.sweeps.report import report
from workbench.production.sweeps.result import SweepReport
from workbench.production.sweeps.spec import SweepFolder
from workbench.project import Project, look
from workbench.records.files import write_atomic
from workbench.records.pipeline import PipelineRecord, Skip, Step
from workbench.records.run import RunRecord, State

_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]+")


@dataclass(frozen=True)
class Plot:
    """A picture from an executed notebook and the sentence that stood before it."""

    png: str  # base64
    caption: str


@dataclass(frozen=True)
class Section:
    """What the report says about one step. run: of a sweep its best one, if there is one."""

    step: Step
    title: str
    summary: str
    run: RunRecord | None
    plots: tuple[Plot, ...]
    findings: tuple[Finding, ...]
    sweep: SweepReport | None = None

    @property
    def figures(self) -> tuple[str, ...]:
        """Figures for the table of a sweep's runs: what the best is found by, then headlines; at most three."""
        rows = self.sweep.rows if self.sweep else ()
        names = dict.fromkeys([self.sweep.goal.figure] if self.sweep and self.sweep.goal else [])
        names |= dict.fromkeys(f.name for row in rows for f in row.figures if f.headline)
        return tuple(names)[:3]


def write_report(project: Project, plan: Plan, record: PipelineRecord, folder: Path) -> str:
    """Write report.html into the pipeline's folder and the project; returns its path relative to the project."""
    page = render(project, plan, record).encode()
    write_atomic(folder / "report.html", page)
    write_atomic(project.root / "report.html", page)
    return "report.html"


def render(project: Project, plan: Plan, record: PipelineRecord) -> str:
    """The page as text."""
    sections = tuple(_section(project, p, s) for p, s in zip(plan.steps, record.steps, strict=True))
    return draw(
        "report.html.j2",
        record=record,
        project=project.config,
        sections=sections,
        verdict=_verdict(record, sections),
        counts=_counts(record.findings),
        seconds=sum(s.seconds or 0.0 for s in record.steps if not s.reused),
    )


def _verdict(record: PipelineRecord, sections: tuple[Section, ...]) -> tuple[str, str]:
    """(tone, sentence) at the top of the page."""
    if record.state is not State.DONE:
        ended = [s for s in record.steps if s.state is record.state] or [s for s in record.steps if not s.settled]
        return "bad", f"The pipeline {record.state.value} at step “{ended[0].name if ended else record.name}”."
    shut = next((s for s in sections if s.step.skipped is Skip.REQUIRE), None)
    if shut is not None:
        return "bad", f"“{shut.title}” was not run, nor what comes after it: {shut.step.reason}."
    tone = {Outcome.FAIL: "bad", Outcome.ERROR: "bad", Outcome.WARN: "fair"}.get(worst(record.findings), "good")
    failing = sum(f.outcome in (Outcome.FAIL, Outcome.ERROR) for f in record.findings)
    ran = "Every step that was called for ran" if any(s.skipped for s in record.steps) else "Every step ran"
    sentence = {
        "good": f"{ran}, and every figure lies where it was expected.",
        "fair": f"{ran}; the warnings below deserve a look.",
        "bad": f"{ran}, but {failing} check{'s' if failing != 1 else ''} failed: see below before you use the result.",
    }[tone]
    return tone, sentence


def _counts(findings: tuple[Finding, ...]) -> dict[str, int]:
    shown = (Outcome.PASS, Outcome.INFO, Outcome.WARN, Outcome.FAIL)
    return {outcome.value: sum(f.outcome is outcome for f in findings) for outcome in shown}


def _section(project: Project, planned: PlannedStep, step: Step) -> Section:
    run = look(project.runs / step.run_id) if step.run_id else None
    executed = project.runs / step.run_id / "output.ipynb" if step.run_id else None
    plots = tuple(_plots(executed)) if executed and executed.exists() else ()
    return Section(
        step=step,
        title=planned.spec.title or planned.notebook.title,
        summary=planned.notebook.summary,
        run=run,
        plots=plots,
        findings=tuple(sorted(step.findings, key=lambda f: -SEVERITY[f.outcome])),
        sweep=_sweep(project, step),
    )


def _sweep(project: Project, step: Step) -> SweepReport | None:
    if not step.sweep:
        return None
    try:
        return report(project, SweepFolder(project, step.sweep))
    except UserError:  # its folder was removed by hand: the step is told without its table
        return None


def _plots(notebook: Path) -> Iterator[Plot]:
    sentence = ""
    for cell in read_notebook(notebook).cells:
        if cell["cell_type"] == "markdown":
            sentence = _plain(source(cell))
        for output in cell.get("outputs", ()):
            png = _joined(output.get("data", {}).get("image/png", ""))
            if png and _BASE64.fullmatch(png):
                yield Plot(png="".join(png.split()), caption=sentence)


def _joined(data: Any) -> str:
    return data if isinstance(data, str) else "".join(data)


def _plain(markdown: str) -> str:
    """The first paragraph that is no heading, without marks."""
    body = [line for line in markdown.splitlines() if not line.startswith("#")]
    paragraph = "\n".join(body).strip().split("\n\n")[0]
    return re.sub(r"[*_`]", "", " ".join(paragraph.split()))
