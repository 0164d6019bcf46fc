"""Watches a run from inside its own process: its time, its memory, and whether whoever started it is still there.

So the limits hold even when the starter was killed, and no run goes on that nobody waits for. (The starter holds the other end
of our standard input; when it is gone, the pipe is closed.)
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

from workbench.production.processes import GONE, resident_bytes, tree
from workbench.records.run import Failure, FailureKind, Limits

LOOK_S = 0.25


def watch(limits: Limits, break_off: Callable[[Failure], None], *, cancel: Path, leash: int | None = 0) -> None:
    """Watch this process from a thread until it ends. break_off: is told why, before the run is stopped.

    cancel: a file that a person makes to stop the run.
    leash: a descriptor whose other end the starter holds, or None for a run that nobody holds.
    """
    threading.Thread(target=_watch, args=(limits, break_off, cancel, leash), daemon=True, name="watch").start()


def _watch(limits: Limits, break_off: Callable[[Failure], None], cancel: Path, leash: int | None) -> None:
    started = time.monotonic()
    poll = select.poll()
    if leash is not None:
        poll.register(leash, 0)  # only that the other end is closed
    while True:
        if poll.poll(LOOK_S * 1000):
            break_off(_failure(FailureKind.STOPPED, "StarterGone", "the process that started this run is gone"))
            return _stop()
        if cancel.exists():
            break_off(_failure(FailureKind.STOPPED, "Cancelled", "a person has stopped it"))
            return _stop()
        if limits.run_s is not None and time.monotonic() - started > limits.run_s:
            break_off(_failure(FailureKind.LIMIT, "RunTimeout", f"the run took more than the {limits.run_s:g} s it was given"))
            return _stop()
        if limits.memory_bytes is not None and (held := resident_bytes(os.getpid())) > limits.memory_bytes:
            told = f"its processes held {_mib(held)}, more than the {_mib(limits.memory_bytes)} they were given"
            break_off(_failure(FailureKind.LIMIT, "MemoryLimit", told))
            return _kill_below()


def _failure(kind: FailureKind, name: str, message: str) -> Failure:
    return Failure(kind=kind, cell=None, source="", name=name, message=message)


def _mib(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:,.0f} MiB"


def _stop() -> None:
    """As SIGTERM from outside would: the kernel is asked to end, and the record is closed."""
    os.kill(os.getpid(), signal.SIGTERM)


def _kill_below() -> None:
    """Memory does not wait for a polite end: the engine finds its kernel dead, and closes the record."""
    for process in tree(os.getpid())[1:]:
        with contextlib.suppress(*GONE):
            process.kill()
