"""What ended a run, read off its executed notebook and the exception that broke out of the engine."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from workbench.errors import MachineError
from workbench.production.notebook import source
from workbench.records.run import Failure, FailureKind

LATE = "waiting for IOPub"  # nbclient: the cell has ended, and what it printed was not read in time
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def failure(nb: Mapping[str, Any], error: BaseException | None, *, declared: bool = False) -> Failure | None:
    """None when nothing did. nb: with papermill's marks, before cells that never ran are marked as completed.

    The cell is the one that papermill marked as failed, else the one that ran when `error` came, else the last that ran.
    declared: `error` says that the notebook's results are wrong, so it is the notebook's own unless a file could not be read.
    """
    for index, cell in enumerate(nb["cells"]):
        mark = _mark(cell)
        broke = next((o for o in cell.get("outputs", ()) if o.get("output_type") == "error"), None)
        if mark.get("status") == "failed" and broke:
            trace = tuple(_ANSI.sub("", line) for line in broke["traceback"])
            return Failure(cell=index, source=source(cell), name=broke["ename"], message=broke["evalue"], traceback=trace)
        if error is not None and (mark.get("status") == "running" or (mark.get("start_time") and not mark.get("end_time"))):
            return broken(error, index, source(cell), declared=declared)
    if error is None:
        return None
    started = [index for index, cell in enumerate(nb["cells"]) if _mark(cell).get("start_time")]
    last = started[-1] if started else None
    return broken(error, last, "" if last is None else source(nb["cells"][last]), declared=declared)


def broken(error: BaseException, cell: int | None = None, text: str = "", *, declared: bool = False) -> Failure:
    """The failure that `error` is. cell, text: where it came, and that cell's source."""
    name = type(error).__name__
    message = str(error) or name
    if name == "DeadKernelError":
        message = "the kernel died: it was killed, ran out of memory, or crashed in native code"
    elif name == "CellTimeoutError":
        message = " ".join(message.splitlines()[:2])  # the rest is the cell again
    elif isinstance(error, (KeyboardInterrupt, SystemExit)):
        message = "stopped by the person or the scheduler that started it"
    return Failure(kind=_kind(error, declared), cell=cell, source=text, name=name, message=message)


def _kind(error: BaseException, declared: bool) -> FailureKind:
    """Of what breaks out of the engine, only a cell's time is the notebook's own: its errors are outputs."""
    if isinstance(error, (KeyboardInterrupt, SystemExit)):
        return FailureKind.STOPPED
    if type(error).__name__ == "CellTimeoutError":  # an OSError, as every TimeoutError
        return FailureKind.INFRASTRUCTURE if LATE in str(error) else FailureKind.CELL
    if isinstance(error, (MachineError, OSError)) or not declared:
        return FailureKind.INFRASTRUCTURE
    return FailureKind.CELL


def _mark(cell: Mapping[str, Any]) -> Mapping[str, Any]:
    """What papermill says of a cell."""
    mark: Mapping[str, Any] = cell.get("metadata", {}).get("papermill", {})
    return mark
