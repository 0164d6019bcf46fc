"""What a face shows of a record: a title, facts, one table, findings, and the next commands.

A record says what is worth seeing (`view()`); the command line, the notebook and the report draw it each in its own way.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from workbench.findings import Finding


class View(BaseModel):
    """The shape of a record on a screen. All strings are plain text: whoever draws them escapes them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    facts: tuple[tuple[str, str], ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    findings: tuple[Finding, ...] = ()
    text: str = ""  # preformatted: the source of a failing cell, a traceback
    next: tuple[str, ...] = ()
