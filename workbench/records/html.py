"""A view as HTML for notebooks: one card, with its style in each element, since pages that show notebooks drop style sheets.

Colours are those of JupyterLab's theme where there is one (`--jp-…`), so that a card fits the dark theme too; what a colour
says, a word says as well. All text is escaped. In a notebook that is not trusted Lab takes most style away: what is left reads.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple

from workbench.findings import SEVERITY, Finding, Outcome
from workbench.records.view import View

QUIET_AFTER = 12  # passes and known facts shown before they are folded away

_MUTED = "color:var(--jp-ui-font-color2,#666)"
_LINE = "1px solid var(--jp-border-color2,#bdbdbd)"
_MONO = "font-family:var(--jp-code-font-family,monospace);font-size:var(--jp-code-font-size,13px)"
_CARD = (
    f"border:{_LINE};border-radius:4px;padding:8px 12px;margin:2px 0;max-width:72em;box-sizing:border-box;overflow-x:auto;"
    "font-family:var(--jp-ui-font-family,system-ui,sans-serif);font-size:var(--jp-ui-font-size1,13px);line-height:1.5;"
    "color:var(--jp-ui-font-color1,inherit);background:transparent;text-align:left"
)
_TABLE = "border-collapse:collapse;border:none;margin:4px 0;font-size:inherit;table-layout:auto;color:inherit"
_ROW = "background:transparent"
_CELL = (
    "text-align:left;vertical-align:top;padding:1px 16px 1px 0;border:none;max-width:48em;line-height:1.5;"
    "overflow-wrap:anywhere"
)
_PRE = f"{_MONO};white-space:pre-wrap;margin:6px 0;padding:6px 8px;border-left:{_LINE};color:inherit"
_BAR = "width:16em;height:0.8em;vertical-align:middle;accent-color:var(--jp-brand-color1,#1976d2)"

_SIGNS = {
    Outcome.PASS: ("✓", "var(--jp-success-color1,#388e3c)"),
    Outcome.WARN: ("!", "var(--jp-warn-color1,#f57c00)"),
    Outcome.FAIL: ("✗", "var(--jp-error-color1,#d32f2f)"),
    Outcome.ERROR: ("✗", "var(--jp-error-color1,#d32f2f)"),
}
_QUIET = (Outcome.PASS, Outcome.INFO, Outcome.NOT_APPLICABLE)


class Bar(NamedTuple):
    """How far something is: `done` of `total` (0: not known yet), and the same in words."""

    label: str
    done: int
    total: int
    told: str


def card(view: View, *, bars: Iterable[Bar] = ()) -> str:
    """A view, and the progress of what goes on, as one element."""
    parts = (
        f'<div style="font-weight:600">{escape(view.title)}</div>',
        _bars(tuple(bars)),
        _table((), view.facts),
        _table(view.columns, view.rows),
        _findings(view.findings),
        f'<pre style="{_PRE}">{escape(view.text)}</pre>' if view.text else "",
        *(f'<div><span style="{_MUTED}">next:</span> <code>{escape(command)}</code></div>' for command in view.next),
    )
    return f'<div style="{_CARD}">{"".join(parts)}</div>'


def _bars(bars: Sequence[Bar]) -> str:
    if not bars:
        return ""
    steady = ";min-width:18em" if len(bars) > 1 else ""  # runs come and go, and what stands beside them should not jump
    rows = "".join(
        f'<tr style="{_ROW}"><td style="{_CELL}{steady}">{escape(bar.label)}</td><td style="{_CELL}">{_progress(bar)}</td>'
        f'<td style="{_CELL};font-variant-numeric:tabular-nums">{escape(bar.told)}</td></tr>'
        for bar in bars
    )
    return f'<table style="{_TABLE}"><tbody>{rows}</tbody></table>'


def _progress(bar: Bar) -> str:
    """The browser's own progress bar: screen readers know it, and it stays where Lab takes styles away."""
    value = f'max="{bar.total}" value="{min(bar.done, bar.total)}"' if bar.total else 'max="1" value="0"'
    label = escape(f"{bar.label}: {bar.told}", quote=True)
    return f'<progress {value} aria-label="{label}" title="{label}" style="{_BAR}"></progress>'


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """With a head, or, for name and value, without: the names are muted then."""
    if not rows:
        return ""
    styles = [_CELL + (";text-align:right" if column == "seconds" else "") for column in columns]
    styles = styles or [f"{_CELL};{_MUTED};white-space:nowrap", _CELL]
    names = "".join(
        f'<th scope="col" style="{style};{_MUTED};font-weight:normal;border-bottom:{_LINE}">{escape(column)}</th>'
        for column, style in zip(columns, styles, strict=False)
    )
    head = f'<thead><tr style="{_ROW}">{names}</tr></thead>' if columns else ""
    body = "".join(
        f'<tr style="{_ROW}">'
        + "".join(f'<td style="{style}">{escape(cell)}</td>' for cell, style in zip(row, styles, strict=False))
        + "</tr>"
        for row in rows
    )
    return f'<table style="{_TABLE}">{head}<tbody>{body}</tbody></table>'


def _findings(findings: Sequence[Finding]) -> str:
    """The worst first. Many that need no attention are folded away, and counted."""
    ordered = sorted(findings, key=lambda f: -SEVERITY[f.outcome])
    quiet = [f for f in ordered if f.outcome in _QUIET]
    if len(quiet) <= QUIET_AFTER:
        return _finding_rows(ordered)
    passed = sum(f.outcome is Outcome.PASS for f in quiet)
    summary = f'<summary style="{_MUTED}">{passed} checks passed, {len(quiet) - passed} known facts</summary>'
    loud = _finding_rows([f for f in ordered if f.outcome not in _QUIET])
    return f"{loud}<details>{summary}{_finding_rows(quiet)}</details>"


def _finding_rows(findings: Sequence[Finding]) -> str:
    if not findings:
        return ""
    return f'<table style="{_TABLE}"><tbody>{"".join(map(_finding, findings))}</tbody></table>'


def _finding(finding: Finding) -> str:
    sign, colour = _SIGNS.get(finding.outcome, ("·", "inherit"))
    word = finding.outcome.value.replace("_", " ")
    remedy = f'<div style="{_MUTED}">fix: {escape(finding.fix)}</div>' if finding.fix and finding.outcome not in _QUIET else ""
    return (
        f'<tr style="{_ROW}"><td style="{_CELL};white-space:nowrap"><b style="color:{colour}">{sign}</b> {word}</td>'
        f'<td style="{_CELL}">{escape(finding.check)}: {escape(finding.message)}{remedy}</td></tr>'
    )
