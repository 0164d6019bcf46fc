"""Writes the journal of a run (its format: `journal.py`), at a cost that its outputs decide, not the number of its cells."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from workbench.errors import MachineError
from workbench.production.journal import NAME, Step
from workbench.production.outputs import Outputs, Printed
from workbench.records.files import cannot_write

PENDING = 4 * 2**20  # characters of prints that may wait for the next write
SLACK = 64 * 2**20  # bytes that the file may grow beyond twice what it last was before it is written anew


class Journal:
    """Writes the journal of the run in `folder`, and keeps the outputs of the cell that runs.

    notebook: as it is when the run begins; its cells grow as the kernel speaks. node: makes an output from its fields.
    What is handed over waits in memory until `flush`; `start` and `end` flush. A timer in another thread may call `flush`.
    """

    def __init__(
        self, folder: Path, notebook: Mapping[str, Any], node: Callable[..., Any] = dict, *, slack_bytes: int = SLACK
    ) -> None:
        self.size_bytes, self._slack_bytes = 0, slack_bytes
        self._path, self._notebook, self._node = folder / NAME, notebook, node
        self._lock = threading.RLock()
        self._pending: list[Step] = []
        self._waiting = 0  # characters of prints in it
        self._since_s = 0.0  # when the first of it came
        self._outputs = Outputs([], node)
        self._cell = -1
        self._writing = 0
        self._file = -1
        self._broke: MachineError | None = None
        self._write_anew()

    @property
    def pending(self) -> bool:
        """Does anything wait to be written?"""
        return bool(self._pending)

    @property
    def waits_s(self) -> float:
        """Seconds that the oldest of it has waited."""
        return time.monotonic() - self._since_s if self._pending else 0.0

    @property
    def overdue(self) -> bool:
        """Does so much wait that it should not wait longer?"""
        return self._waiting > PENDING

    def start(self, cell: int) -> None:
        """A cell begins. Raises MachineError when it cannot be written."""
        self._cell, self._outputs = cell, Outputs([], self._node)
        self._state(cell)

    def end(self, cell: int) -> None:
        """A cell has ended: its outputs are whole now. Raises MachineError when something of it could not be written."""
        self.settle()
        self._state(cell)

    def print(self, nodes: list[Any], name: str, text: str) -> None:
        """The cell that runs prints. nodes: its outputs."""
        with self._lock:
            if nodes is not self._outputs.nodes:
                self._outputs = Outputs(nodes, self._node)
            kept = self._outputs.print(name, text)
            if kept or not text:
                self._keep_text(name, text[:kept])
            if kept < len(text):
                self._keep_rest(name, text[kept:])

    def add(self, output: Mapping[str, Any]) -> None:
        """The cell that runs has a new output; it stands in its list already."""
        self._keep({"cell": self._cell, "add": output})

    def change(self, cell: int, index: int, output: Mapping[str, Any]) -> None:
        """Another picture in an output of any cell; it stands there already."""
        self._keep({"cell": cell, "change": index, "output": output})

    def clear(self, nodes: list[Any]) -> None:
        """The cell that runs takes its outputs back."""
        with self._lock:
            if nodes is self._outputs.nodes:
                self._outputs.clear()
            # what nobody has seen need not be written
            self._pending = [s for s in self._pending if s["cell"] != self._cell]
            self._waiting = 0
        self._keep({"cell": self._cell, "clear": True})

    def settle(self) -> None:
        """Put what was printed into the notebook's cells."""
        self._outputs.settle()

    def flush(self) -> None:
        """Write what waits. A failure is told when the cell ends: told here, it would only silence the kernel."""
        with self._lock:
            if self._broke or not self._pending:
                return
            steps, self._pending, self._waiting = self._pending, [], 0
            try:
                self._append(steps)
                if self.size_bytes > self._limit:
                    self._write_anew()
            except MachineError as error:
                self._broke = error

    def remove(self) -> None:
        """The notebook is written: the journal is no longer needed."""
        with contextlib.suppress(OSError):
            os.close(self._file)
            self._path.unlink(missing_ok=True)

    def _state(self, cell: int) -> None:
        node = self._notebook["cells"][cell]
        self._keep({"cell": cell, "metadata": node["metadata"], "execution_count": node.get("execution_count")})
        self.flush()
        if self._broke:
            raise self._broke

    def _keep_text(self, name: str, text: str) -> None:
        last = self._pending[-1] if self._pending else {}
        if last.get("print") == name and last["cell"] == self._cell and "text" in last:
            last["text"].append(text)
        else:
            self._keep({"cell": self._cell, "print": name, "text": [text]})
        self._waiting += len(text)

    def _keep_rest(self, name: str, text: str) -> None:
        """What a cell prints beyond what it may: its end is written at most once a flush."""
        last = self._pending[-1] if self._pending else {}
        if last.get("print") != name or last["cell"] != self._cell or "rest" not in last:
            last = {"cell": self._cell, "print": name, "rest": Printed()}
            self._keep(last)
        last["rest"].more(text)

    def _keep(self, step: Step) -> None:
        with self._lock:
            if self._broke:
                return
            if not self._pending:
                self._since_s = time.monotonic()
            self._pending.append(step)

    def _append(self, steps: Iterable[Step]) -> None:
        data = b"".join(_line(_joined(step)) for step in steps)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._file, rest) :]
        except OSError as error:
            with contextlib.suppress(OSError):  # leave no half line
                os.ftruncate(self._file, self.size_bytes)
            raise cannot_write(self._path, error) from error
        self.size_bytes += len(data)

    def _write_anew(self) -> None:
        """Write the file from the notebook, in as few steps as lead to it."""
        self._writing += 1
        beside = self._path.with_name(f".{NAME}.tmp")
        cells = [{**cell, "outputs": []} if "outputs" in cell else cell for cell in self._notebook["cells"]]
        try:
            with open(beside, "wb") as file:
                file.write(_line({"journal": 1, "writing": self._writing}))
                file.write(_line({"notebook": {**self._notebook, "cells": cells}}))
                for index, cell in enumerate(self._notebook["cells"]):
                    running = cell.get("outputs") is self._outputs.nodes
                    done = self._outputs.steps() if running else ({"add": o} for o in cell.get("outputs", ()))
                    file.writelines(_line({"cell": index, **step}) for step in done)
            beside.replace(self._path)
        except OSError as error:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)
            raise cannot_write(self._path, error) from error
        if self._writing > 1:
            os.close(self._file)
        self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND)
        self.size_bytes = os.fstat(self._file).st_size
        self._limit = 2 * self.size_bytes + self._slack_bytes


def _joined(step: Step) -> Step:
    """A step as it is written, from one that still grows."""
    if "rest" in step:
        left_out, text = step["rest"].tail()
        return {"cell": step["cell"], "print": step["print"], "text": text, "left_out": left_out}
    return {**step, "text": "".join(step["text"])} if "text" in step else step


def _line(content: Mapping[str, Any]) -> bytes:
    """Everything that a journal holds passes here."""
    return json.dumps(content).encode() + b"\n"  # in ASCII, which is quicker, and knows half a character too
