"""What came of a schedule: an append-only file of JSON lines, in which a due time is claimed before it is run.

    {"event": "fired", "key": …, "due": …, "process": …}     claimed, and about to run
    {"event": "ended", "key": …, "run": …, "state": …}       what came of it
    {"event": "skipped", "due": …, "behind": key}            it was due while the run before it was still going
    {"event": "missed", "first": …, "last": …, "count": …}   due while no worker was alive, and not made up for
    {"event": "late", "key": …}                              it had not ended in time
    {"event": "told", "kind": …, "error": …}                 a webhook or command was tried; error is empty when it worked

A claim is a whole line that is on the disk, written under the file's lock: so a due time is run at most once, whoever races.
"""

from __future__ import annotations

import json
import os
from bisect import insort
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from io import FileIO
from pathlib import Path
from typing import Any

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, ValidationError

from workbench.records.files import cannot_write, sync_folder
from workbench.records.run import Process, State


class Line(BaseModel):
    """One line, as far as this workbench understands it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    event: str
    time: datetime
    key: str = ""
    due: datetime | None = None
    why: str = ""  # of a firing: due, made up, asked
    process: Process | None = None
    run: str = ""
    state: State | None = None
    seconds: float | None = None
    error: str = ""
    behind: str = ""
    kind: str = ""
    first: datetime | None = None
    last: datetime | None = None
    count: int = 0


class History:
    """One schedule's lines, read on as the file grows. Use it inside `locked()`, from one thread at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._clear()

    def _clear(self) -> None:
        self.offset = 0
        self.open: dict[str, Line] = {}  # fired and not ended, by key
        self.marks: list[datetime] = []  # due times that were dealt with, in order
        self.last: Line | None = None  # the last firing, ending, skip or miss
        self._handled: set[datetime] = set()
        self._late: set[str] = set()
        self._skipped_behind: set[str] = set()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the file's lock, with everything read that others have appended. Raises MachineError."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(f"{self.path}.lock")
            lock.acquire()
        except OSError as error:
            raise cannot_write(self.path, error) from error
        try:
            self.refresh()
            yield
        finally:
            lock.release()

    def handled(self, due: datetime) -> bool:
        """Was this due time fired or skipped?"""
        return due in self._handled

    def told_late(self, key: str) -> bool:
        """Does a line say that this firing is late?"""
        return key in self._late

    def told_skipped(self, key: str) -> bool:
        """Was a due time skipped already because of this firing?"""
        return key in self._skipped_behind

    def append(self, event: str, *, time: datetime, **facts: Any) -> Line:
        """Add one line; it is on the disk when this returns. Raises MachineError, and then no line was added."""
        line = Line(event=event, time=time, **facts)
        text = json.dumps(line.model_dump(mode="json", exclude_unset=True), ensure_ascii=False).encode() + b"\n"
        try:
            with open(self.path, "ab+", buffering=0) as file:
                _append(file, text)
        except OSError as error:
            raise cannot_write(self.path, error) from error
        self.refresh()
        return line

    def refresh(self) -> None:
        """Read on from where we were. Raises MachineError."""
        try:
            size = self.path.stat().st_size if self.path.exists() else 0
            if size < self.offset:
                self._clear()  # somebody cut it
            if size > self.offset:
                self._read_on()
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def _read_on(self) -> None:
        with open(self.path, "rb") as file:
            file.seek(self.offset)
            for raw in file:
                if not raw.endswith(b"\n"):
                    return
                self.offset += len(raw)
                try:
                    self._take(Line.model_validate_json(raw))
                except ValidationError:
                    continue  # torn by a crash, or of a newer workbench

    def _take(self, line: Line) -> None:
        if line.event == "fired":
            self.open[line.key] = line
        elif line.event == "ended":
            self.open.pop(line.key, None)
        elif line.event == "late":
            self._late.add(line.key)
        elif line.event == "skipped":
            self._skipped_behind.add(line.behind)
        if line.event in ("fired", "skipped") and line.due is not None:
            self._handled.add(line.due)
        mark = line.due if line.event == "fired" else line.last if line.event == "missed" else None
        if mark is not None:
            insort(self.marks, mark)
        if line.event in ("fired", "ended", "skipped", "missed"):
            self.last = line


def _append(file: FileIO, text: bytes) -> None:
    """All of it or nothing, on the disk."""
    size = file.seek(0, os.SEEK_END)
    if size and os.pread(file.fileno(), 1, size - 1) != b"\n":
        text = b"\n" + text  # a process died while it wrote: what it began to write claims nothing
    try:
        while text:
            text = text[file.write(text) :]
        os.fsync(file.fileno())
    except OSError:
        os.ftruncate(file.fileno(), size)
        raise
    if not size:
        sync_folder(Path(file.name).parent)
