"""Timing: two sides in turn (A B A B …), each in a process of its own.

This process must stay small and import nothing heavy: Linux hands the peak memory of the parent on to a new child.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

ROOT = Path(__file__).parents[1]
STARTED = "BENCHMARK_STARTED_S"  # time.monotonic() of the moment before the child was started
_MAXRSS_BYTES = 1 if sys.platform == "darwin" else 1024  # the unit of ru_maxrss

T = TypeVar("T")


class WrongResult(Exception):
    """One side did not compute what it should: its time says nothing."""


def require(holds: bool, what: str) -> None:
    """Raise WrongResult with `what` unless it holds."""
    if not holds:
        raise WrongResult(what)


@dataclass(frozen=True)
class Cost:
    """What something took. cpu_s: user and system, with the children that were waited for."""

    wall_s: float
    cpu_s: float
    peak_bytes: int = 0

    @property
    def peak_mib(self) -> float:
        return self.peak_bytes / 2**20


@dataclass(frozen=True)
class Done:
    """A process that ended well: its cost, and what it printed."""

    cost: Cost
    printed: str


def run(*command: str, cwd: Path = ROOT) -> Done:
    """Run a command to its end. Raises WrongResult, with the end of what it printed, when it fails.

    A program of this Python's environment goes before others; variables that name a project are not handed on.
    """
    program = Path(sys.executable).with_name(command[0])
    words = [str(program) if program.exists() else command[0], *command[1:]]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WORKBENCH_")}
    with tempfile.TemporaryFile("w+", encoding="utf-8") as out, tempfile.TemporaryFile("w+", encoding="utf-8") as err:
        started = time.monotonic()
        environment[STARTED] = repr(started)
        process = subprocess.Popen(words, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        _, status, used = os.wait4(process.pid, 0)
        wall_s = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        printed = out.read()
        require(
            process.returncode == 0,
            f"{' '.join(command)} ended with {process.returncode}:\n{printed[-500:]}{err.read()[-2000:]}",
        )
        return Done(Cost(wall_s, used.ru_utime + used.ru_stime, used.ru_maxrss * _MAXRSS_BYTES), printed)


def alternate(sides: Mapping[str, Callable[[], T]], *, rounds: int) -> dict[str, list[T]]:
    """Call each side in turn, `rounds` times; once more before, unrecorded, so that both find caches filled."""
    found: dict[str, list[T]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        for name, call in sides.items():
            answer = call()
            if number:
                found[name].append(answer)
    return found


def median(values: Iterable[float]) -> float:
    return statistics.median(values)


# A side that is Python code runs in a child of its own: `python -m benchmarks.<module> <side> <arguments>`.


class Stopwatch:
    """Inside a child: what each part of its work took. The first part begins with the process."""

    def __init__(self) -> None:
        self.laps: dict[str, list[Cost]] = {}
        self._wall_s, self._cpu_s = float(os.environ.get(STARTED, time.monotonic())), 0.0

    def lap(self, name: str) -> None:
        """What was done since the last mark was `name`; the peak is that of the process until now."""
        wall_s, cpu_s = time.monotonic(), time.process_time()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_BYTES
        self.laps.setdefault(name, []).append(Cost(wall_s - self._wall_s, cpu_s - self._cpu_s, peak))
        self.mark()

    def mark(self) -> None:
        """What was done since the last mark is not counted."""
        self._wall_s, self._cpu_s = time.monotonic(), time.process_time()


@dataclass(frozen=True)
class Report:
    """What a child says: the cost of each lap (the median, where it was gone several times), and facts to compare."""

    laps: dict[str, Cost]
    facts: dict[str, Any]


Side = Callable[..., Mapping[str, Any]]


def child(*sides: Side) -> None:
    """The main program of a child: run the side that is named, print its report."""
    chosen = {side.__name__: side for side in sides}[sys.argv[1]]
    watch = Stopwatch()
    facts = chosen(watch, *map(Path, sys.argv[2:]))
    laps = {name: [vars(cost) for cost in costs] for name, costs in watch.laps.items()}
    print(json.dumps({"laps": laps, "facts": facts}))


def ask(module: str, side: str, *arguments: Path) -> Report:
    """Run one side of `benchmarks.<module>` in a fresh process."""
    done = run("python", "-m", f"benchmarks.{module}", side, *map(str, arguments))
    said = json.loads(done.printed.splitlines()[-1])
    laps = {name: middle([Cost(**cost) for cost in costs]) for name, costs in said["laps"].items()}
    return Report(laps, said["facts"])


def ask_in_turn(module: str, sides: Sequence[str], *arguments: Path, rounds: int) -> dict[str, list[Report]]:
    """`ask` each side alternately."""
    return alternate({side: partial(ask, module, side, *arguments) for side in sides}, rounds=rounds)


def middle(costs: Sequence[Cost]) -> Cost:
    """The median of each part of the costs."""
    return Cost(
        median(cost.wall_s for cost in costs),
        median(cost.cpu_s for cost in costs),
        round(median(cost.peak_bytes for cost in costs)),
    )


def laps(reports: Sequence[Report], name: str) -> Cost:
    """The median of a lap over the reports of one side."""
    return middle([report.laps[name] for report in reports])
