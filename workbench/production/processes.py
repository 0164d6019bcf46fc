"""The processes of a run: what they hold, and ending what is left of them.

Every process that a run starts inherits the run's id in its environment; so even one that has left its group and its parent
(a daemon started by a cell) is found again.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import psutil

from workbench.production.results import RUN_ID

GONE = (psutil.NoSuchProcess, psutil.AccessDenied)
ENDING_S = 3.0  # between asking what is left of a run to end, and killing it


def resident_bytes(pid: int) -> int:
    """Resident memory of a process and all below it. Pages that they share count for each of them."""
    total = 0
    for process in tree(pid):
        with contextlib.suppress(*GONE):
            total += process.memory_info().rss
    return total


def tree(pid: int) -> list[psutil.Process]:
    """A process and all below it; none when it is gone."""
    try:
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    except GONE:
        return []


def of_run(run_id: str) -> Iterator[psutil.Process]:
    """Processes of this user that belong to a run, this one left out."""
    for process in psutil.process_iter():
        with contextlib.suppress(*GONE, OSError):
            if process.pid != os.getpid() and process.environ().get(RUN_ID) == run_id:
                yield process


def end_leftovers(run_id: str) -> list[int]:
    """End what a run left behind; returns the process ids. Asked first, killed when they do not listen."""
    left = list(of_run(run_id))
    for process in left:
        with contextlib.suppress(*GONE):
            process.terminate()
    for process in psutil.wait_procs(left, timeout=ENDING_S)[1]:
        with contextlib.suppress(*GONE):
            process.kill()
    return [process.pid for process in left]
