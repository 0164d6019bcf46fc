"""What goes on, told by events: of a run (`run`, `cell`), a sweep (`sweep`, `position`), a pipeline (`pipeline`, `step`)."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.records.html import Bar

SHOWN = 8  # runs on their way that are shown one by one
_OPEN = ("queued", "running")


@dataclass
class Going:
    """A run on its way."""

    label: str
    sweep: str = ""
    done: int = 0
    total: int = 0
    since_s: float = field(default_factory=time.monotonic)


@dataclass
class Tally:
    """The positions of a sweep: how many there are, and how many ended how."""

    label: str
    total: int
    ended: Counter[str] = field(default_factory=Counter)
    since_s: float = field(default_factory=time.monotonic)


class Progress:
    """Events in, bars out. Called from several threads. going: runs on their way by id; note: what is said of the whole."""

    def __init__(self) -> None:
        self.going: dict[str, Going] = {}
        self.sweeps: dict[str, Tally] = {}
        self.steps: dict[str, str] = {}
        self.note = ""
        self._labels: dict[str, str] = {}  # of runs and sweeps by id
        self._lock = threading.Lock()

    def hear(self, event: Mapping[str, Any]) -> str:
        """Take an event; returns the line in which a log is told of it, empty for what is too small to tell."""
        with self._lock:
            match event:
                case {"event": "run" | "cell", "run": str(run)}:
                    return self._run(run, event)
                case {"event": "position", "run": str(run), "sweep": str(sweep), "state": str(state)}:
                    return self._position(event.get("label") or f"#{event['position']}", run, sweep, state)
                case {"event": "sweep", "sweep": str(sweep), "state": "running", "total": int(total)}:
                    self.sweeps[sweep] = Tally(self._labels.get(sweep, "all runs"), total)
                    return f"sweep {sweep}: {total:,} runs"
                case {"event": "tally", "sweep": str(sweep), "states": states}:
                    self.sweeps[sweep].ended = Counter({state: n for state, n in states.items() if state not in _OPEN})
                case {"event": "sweep", "state": str(state)}:
                    self.note = f"{state}, no further run is started"
                    return self.note
                case {"event": "pipeline", "title": title, "steps": steps}:
                    self.steps = dict.fromkeys(steps, "queued")
                    return f"{title}: {len(steps)} steps"
                case {"event": "step", "step": str(step), "state": str(state)}:
                    return self._step(step, state, event)
                case {"event": "cached", "run": str(run)}:
                    return f"an equal run has this result already: {run} (fresh=True runs it anew)"
        return ""

    def _run(self, run: str, event: Mapping[str, Any]) -> str:
        label = self._labels.get(run) or run.split("-", 1)[1][:-9]  # the template, in `<utc>-<template>-<8 hex>`
        if event["event"] == "cell":
            going = self.going.setdefault(run, Going(label))
            going.done, going.total = event["done"], event["total"]
            return ""
        state = event["state"]
        if state in _OPEN:
            self.going.setdefault(run, Going(label)).total = event.get("total", 0)
        else:
            self.going.pop(run, None)
        alone = not self.sweeps and not self.steps  # else the position is told, or the step
        return f"{label}: {state}  {run}" if alone and state != "queued" else ""

    def _position(self, label: str, run: str, sweep: str, state: str) -> str:
        if state == "running":
            self._labels[run] = label
            self.going[run] = Going(label, sweep)
            return ""
        self.going.pop(run, None)
        label = self._labels.pop(run, label)
        if state == "retry":
            return f"{label}: the machine broke it, another try follows ({run})"
        if sweep in self.sweeps:
            self.sweeps[sweep].ended[state] += 1
        return f"{label}: {state}  {run}"

    def _step(self, step: str, state: str, event: Mapping[str, Any]) -> str:
        self.steps[step] = state
        for kind in ("run", "sweep"):
            if kind in event:
                self._labels[event[kind]] = step
        if state not in _OPEN:
            self.sweeps = {sweep: tally for sweep, tally in self.sweeps.items() if tally.label != step}
        return f"{step}: {state}"

    def bars(self) -> list[Bar]:
        """One for the steps, one for each sweep, and one for each run on its way, the oldest first, at most eight."""
        with self._lock:
            going = list(self.going.values())
            bars = [self._steps()] if self.steps else []
            bars += [self._sweep(sweep, tally) for sweep, tally in self.sweeps.items()]
            bars += map(_bar, going[:SHOWN])
            if len(going) > SHOWN:
                bars.append(Bar("", 0, 0, f"and {len(going) - SHOWN} more"))
            return bars

    def _steps(self) -> Bar:
        done = sum(state not in _OPEN for state in self.steps.values())
        return Bar("all steps", done, len(self.steps), f"{done} of {len(self.steps)}")

    def _sweep(self, sweep: str, tally: Tally) -> Bar:
        running = sum(going.sweep == sweep for going in self.going.values())
        counts = [f"{n:,} {state}" for state, n in tally.ended.most_common()] + [f"{running:,} running"] * bool(running)
        done = tally.ended.total()
        told = f"{done:,} of {tally.total:,}, {_since(tally.since_s)}: {', '.join(counts) or 'starting'}"
        return Bar(tally.label, done, tally.total, told)


def _bar(going: Going) -> Bar:
    cells = f"{going.done} of {going.total} cells" if going.total else "starting"
    return Bar(going.label, going.done, going.total, f"{cells}, {_since(going.since_s)}")


def _since(since_s: float) -> str:
    return span(time.monotonic() - since_s)


def span(seconds: float) -> str:
    """`12 s`, `3 min 05 s`, `2 h 07 min`: time as a person tells it."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"
