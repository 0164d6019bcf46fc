"""Draws a record's view in the terminal, and the progress of runs. rich is loaded only here."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import zip_longest
from typing import Any, Literal

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from workbench import findings as finding_rules
from workbench.cli.plain import plain
from workbench.findings import SEVERITY, Finding, Outcome
from workbench.records.base import Record
from workbench.records.run import State
from workbench.records.view import View

_COLOUR = {Outcome.PASS: "green", Outcome.WARN: "yellow", Outcome.FAIL: "red", Outcome.ERROR: "red"}
_PIPED_WIDTH = 160  # no terminal tells a width: lines of a log may be long, but must not be cut
_QUIET_AFTER = 12  # passes and infos shown before they are summed up


def exit_code(record: Record, fail_on: str) -> int:
    """3 when a run failed, 1 when a finding does, else 0."""
    state = getattr(record, "state", None)
    if isinstance(state, State) and state.ended and state is not State.DONE and not hasattr(record, "runs"):
        return 3
    return finding_rules.exit_code(record.view().findings, fail_on=Outcome(fail_on))


class _Console(Console):
    """rich's console, but a closed pipe is the caller's to judge: rich would exit with 1, which means a finding."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def _text(value: str, style: str = "") -> Text:
    return Text(plain(value), style=style)


def show(view: View) -> None:
    """Print a view: title, facts, table, findings, text, next commands. All of it is plain text, never markup."""
    console = _Console(highlight=False, width=None if sys.stdout and sys.stdout.isatty() else _PIPED_WIDTH)
    console.print(_text(view.title, style="bold"))
    width = max((len(name) for name, _ in view.facts), default=0)
    for name, value in view.facts:
        console.print(_text(f"  {name:<{width}}  ", style="dim") + _text(value))
    if view.columns:
        table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
        for index, column in enumerate(view.columns):
            # the first column is the name that one types next: it stays whole
            justify: Literal["right", "left"] = "right" if column == "seconds" else "left"
            table.add_column(Text(column), overflow="fold", no_wrap=index == 0, justify=justify)
        for row in view.rows:
            table.add_row(*(_text(cell) for cell in row))
        console.print(table)
    _findings(console, view.findings)
    if view.text:
        console.print(_text(view.text), soft_wrap=True)
    for command in view.next:
        console.print(Text("next: ", style="dim") + _text(command))


def _findings(console: Console, findings: tuple[Finding, ...]) -> None:
    ordered = sorted(findings, key=lambda f: -SEVERITY[f.outcome])
    quiet = [f for f in ordered if f.outcome in (Outcome.PASS, Outcome.INFO, Outcome.NOT_APPLICABLE)]
    shown = ordered if len(quiet) <= _QUIET_AFTER else [f for f in ordered if f not in quiet]
    for f, following in zip_longest(shown, shown[1:]):
        line = Text(f"  {f.outcome.value:<15}", style=_COLOUR.get(f.outcome, "dim")) + _text(f"{f.check}: {f.message}")
        console.print(line, soft_wrap=True)
        alike = following is not None and (following.fix, following.outcome) == (f.fix, f.outcome)
        if f.fix and not alike and f.outcome in (Outcome.WARN, Outcome.FAIL, Outcome.ERROR):
            console.print(_text(f"                fix: {f.fix}", style="dim"), soft_wrap=True)
    if len(shown) < len(ordered):
        passed = sum(f.outcome is Outcome.PASS for f in quiet)
        console.print(Text(f"  {passed} checks passed, {len(quiet) - passed} known facts; --json lists them", style="dim"))


Listener = Callable[[Mapping[str, Any]], None]


@contextmanager
def progress(*, enabled: bool) -> Iterator[Listener]:
    """A listener that draws a bar for each run; on no terminal it prints a line for each step instead."""
    if not enabled:
        yield lambda _event: None
        return
    console = Console(stderr=True, highlight=False)
    columns = (
        TextColumn("{task.description:<22}"),
        BarColumn(24),
        MofNCompleteColumn(),
        TextColumn("cells"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not (sys.stderr and sys.stderr.isatty())) as bars:
        yield _Bars(bars, console)


class _Bars:
    """Events of runs, pipelines and sweeps → a bar for the whole, one for each run on its way. Called from several threads."""

    def __init__(self, bars: Progress, console: Console) -> None:
        self.bars, self.console = bars, console
        self.whole: dict[str, Any] = {}  # by sweep
        self.tasks: dict[str, Any] = {}  # by run id
        self.names: dict[str, str] = {}  # what a run is called, when it is not by its template

    def __call__(self, event: Mapping[str, Any]) -> None:
        match event["event"]:
            case "pipeline":
                self._say(f"{event['title']}: {len(event['steps'])} steps", style="bold")
                if event["notice"]:
                    self._say(event["notice"], style="dim")
            case "step":
                if "run" in event:
                    self.names[event["run"]] = event["step"]
                if self.bars.disable and event["state"] != "running":
                    self._say(f"{event['step']}: {event['state']}")
            case "sweep":
                self._sweep(event)
            case "position":
                self._position(event)
            case "cached":
                self._say(f"an equal run has this result already: {event['run']} (--fresh runs it anew)", style="dim")
            case "run" if event["state"] == State.RUNNING:
                name = self.names.get(event["run"]) or event["run"].split("-", 1)[1][:-9]
                self.tasks[event["run"]] = self.bars.add_task(escape(plain(name)), total=event["total"])
            case "run" if event["run"] in self.tasks and self.names.get(event["run"], "").startswith("#"):
                self.bars.remove_task(self.tasks.pop(event["run"]))  # a thousand of them would fill the screen
            case "cell" if event["run"] in self.tasks:
                self.bars.update(self.tasks[event["run"]], completed=event["done"])

    def _say(self, text: str, style: str = "") -> None:
        self.console.print(_text(text, style=style), soft_wrap=True)

    def _sweep(self, event: Mapping[str, Any]) -> None:
        if event["state"] == "running":
            self._say(f"sweep {event['sweep']}: {event['total']:,} runs", style="bold")
            self.whole[event["sweep"]] = self.bars.add_task("all runs", total=event["total"])
        elif event["state"] == "draining":
            self._say("no further run is started; Ctrl-C again stops those on their way")
        else:
            self._say("stopping the runs on their way …")

    def _position(self, event: Mapping[str, Any]) -> None:
        state = event["state"]
        if state == "running":
            self.names[event["run"]] = f"#{event['position']}"
        elif state == "retry":
            self._say(f"#{event['position']}: the machine broke it, another try follows ({event['run']})", style="dim")
        else:
            self.names.pop(event["run"], None)
            self.bars.advance(self.whole[event["sweep"]])
            if self.bars.disable or state not in ("done", "cached"):
                self._say(f"#{event['position']}: {state}  {event['run']}")
