"""A scorecard as Markdown, as a piece of HTML for a notebook, and as a page of its own.

Everything that comes from outside is escaped: a tag in a file name shows as text.
"""

from __future__ import annotations

import re
from importlib import resources

from workbench.records.scorecard import LIMITS, SCORED, CheckResult, Level, Pillar, Scorecard, hundred, percent, pillar_line

_TONES = {Level.READY: "good", Level.IMPROVE: "fair", Level.MUST_FIX: "bad"}
_MARKDOWN = re.compile(r"([\\`*_\[\]|~#!])")


def fragment(card: Scorecard) -> str:
    """The scorecard as HTML to stand inside another page; its styles touch nothing outside it."""
    return _html(card, page=False)


def page(card: Scorecard) -> str:
    """The scorecard as a self-contained HTML document, light or dark as the reader's system is."""
    return _html(card, page=True)


def _html(card: Scorecard, *, page: bool) -> str:
    from jinja2 import Environment, StrictUndefined

    worst = sorted(card.pillars, key=lambda p: 2 if p.score is None else p.score)
    source = (resources.files("workbench.readiness") / "scorecard.html").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(source).render(
        card=card,
        page=page,
        limits=LIMITS,
        groups=[(p, [r for r in card.results if r.pillar is p.pillar]) for p in worst],
        tone=lambda level: _TONES.get(level, "none"),
        hundred=hundred,
        sentence=lambda text: text[:1].upper() + text[1:],
        percent=percent,
    )


def markdown(card: Scorecard) -> str:
    """The scorecard as GitHub-flavoured Markdown."""
    lines = [
        f"# Readiness of {_text(card.project)}: {card.headline}",
        "",
        f"Environment: {_text(card.environment)}. {card.created:%Y-%m-%d %H:%M} UTC, by {_text(card.actor)}. "
        f"{percent(card.coverage)} of the weight that applies was scored.",
        "",
        *(f"- **{p.pillar}**: {pillar_line(p)}" for p in card.pillars),
        "",
    ]
    if card.worst_first():
        lines += ["## Mend first", ""]
        lines += [f"1. {_text(r.title)}: {_text(r.reason)}. {_text(r.remedy)}" for r in card.worst_first()]
        lines += [""]
    for pillar in Pillar:
        rows = [_row(r) for r in card.results if r.pillar is pillar]
        if rows:
            lines += [
                f"## {pillar}",
                "",
                "| check | level | score | what was seen | threshold |",
                "|---|---|---|---|---|",
                *rows,
                "",
            ]
    return "\n".join([*lines, "## What this does not say", "", *(f"- {limit}" for limit in LIMITS), ""])


def _row(result: CheckResult) -> str:
    score = "" if result.score is None or result.level not in SCORED else str(hundred(result.score))
    threshold = "; ".join(part for part in (result.bounds(), result.source) if part)
    title = f"{result.title} (blocker)" if result.blocker else result.title
    cells = (title, result.level.value, score, result.reason, threshold)
    return "| " + " | ".join(_text(cell) for cell in cells) + " |"


def _text(text: str) -> str:
    """Plain text as Markdown that shows just that text, on one line."""
    plain = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN.sub(r"\\\1", plain)
