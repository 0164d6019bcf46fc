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

from workbench.findings import SEVERITY, Finding, Outcome, worst
from workbench.production.notebook import read_notebook, source
from workbench.production.page import draw
from workbench.production.plan import Plan, PlannedStep
from workbench.project import Project, look
from workbench.records.files import write_atomic
from workbench.records.run import PipelineRecord, RunRecord, State, Step

_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]+")


@dataclass(frozen=True)
class Plot:
    """A picture from an executed notebook and the sentence that stood before it."""

    png: str  # base64
    caption: str


@dataclass(frozen=True)
class Section:
    """What the report says about one step."""

    step: Step
    title: str
    summary: str
    run: RunRecord | None
    plots: tuple[Plot, ...]
    findings: tuple[Finding, ...]


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
        verdict=_verdict(record),
        counts=_counts(record.findings),
        seconds=sum(s.seconds or 0.0 for s in record.steps if not s.reused),
    )


def _verdict(record: PipelineRecord) -> tuple[str, str]:
    """(tone, sentence) at the top of the page."""
    if record.state is not State.DONE:
        stuck = next((s for s in record.steps if s.state is not State.DONE), None)
        return "bad", f"The pipeline {record.state.value} at step “{stuck.name if stuck else record.name}”."
    tone = {Outcome.FAIL: "bad", Outcome.ERROR: "bad", Outcome.WARN: "fair"}.get(worst(record.findings), "good")
    failing = sum(f.outcome in (Outcome.FAIL, Outcome.ERROR) for f in record.findings)
    sentence = {
        "good": "Every step ran, and every figure lies where it was expected.",
        "fair": "Every step ran; the warnings below deserve a look.",
        "bad": f"Every step ran, but {failing} check{'s' if failing != 1 else ''} failed: see below before you use the result.",
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
    )


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
