"""The audit log: who did what to which data, appended and never changed.

One JSON object a line. Each line carries the hash of the line before it, so an edited, removed or reordered line breaks
the chain from there on; each append is on the disk (fsync) before the act goes on. Several processes may append at once:
a lock file orders them. A line torn by a crash is ended, kept, and named by an `audit.torn` line.

What this does not do: whoever owns the file can rewrite it whole, or cut its end; anchor the head elsewhere against that.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from workbench.findings import Finding, Outcome
from workbench.records.base import canonical_json
from workbench.records.files import cannot_write

GENESIS = "0" * 64
_FORM = {"seq": int, "time": str, "actor": str, "event": str, "facts": dict, "prev": str, "hash": str}


class AuditLog:
    """The log in one file. actor: who acts; clock: gives the time in UTC."""

    def __init__(self, path: Path, *, actor: str, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.path, self.actor, self.clock = path, actor, clock

    def append(self, event: str, **facts: Any) -> str:
        """Add one line and return its hash. facts: JSON values; raises MachineError when it cannot be written."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self.path}.lock"), open(self.path, "ab+") as file:
                last, torn = _tail(file)
                lines = b""
                if torn and (whole := _parse(torn)):  # only its line end is missing
                    last, lines = whole, b"\n"
                elif torn:
                    fragment = hashlib.sha256(torn).hexdigest()
                    last, line = self._line(last, "audit.torn", {"fragment_sha256": fragment})
                    lines = b"\n" + line
                head, line = self._line(last, event, facts)
                _write_whole(file.fileno(), lines + line)
            return str(head["hash"])
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def _line(self, last: dict[str, Any], event: str, facts: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        entry = {
            "seq": last["seq"] + 1,
            "time": self.clock().isoformat(timespec="milliseconds"),
            "actor": self.actor,
            "event": event,
            "facts": facts,
            "prev": last["hash"],
        }
        entry["hash"] = _hash(entry)
        return entry, canonical_json(entry) + b"\n"

    def size(self) -> int:
        """Bytes of the log now; `entries(since=…)` gives the lines that came after."""
        return self.path.stat().st_size if self.path.exists() else 0

    def entries(self, *, since: int = 0) -> Iterator[dict[str, Any]]:
        """The whole lines from byte `since` on, oldest first; torn ones are left out (`verify` names them)."""
        for line in _lines(self.path, since):
            entry = _parse(line)
            if entry is not None:
                yield entry

    def verify(self) -> list[Finding]:
        """Walk the chain. One finding for each break, or one that says how many lines hold."""
        problems: list[Finding] = []
        last: dict[str, Any] = {"seq": 0, "hash": GENESIS}
        torn: tuple[int, bytes] | None = None
        for number, line in enumerate(_lines(self.path), start=1):
            entry = _parse(line)
            if entry is None:
                torn = (number, line)
                problems.append(_torn(number))
                continue
            if torn and entry["facts"].get("fragment_sha256") == hashlib.sha256(torn[1]).hexdigest():
                problems[-1] = _torn(torn[0], explained=True)
            torn = None
            problems += _breaks(number, entry, last)
            last = entry
        if problems:
            return problems
        return [Finding(check="audit.chain", outcome=Outcome.PASS, message=f"{last['seq']} lines, chain unbroken")]


def _hash(entry: dict[str, Any]) -> str:
    return hashlib.sha256(canonical_json({k: v for k, v in entry.items() if k != "hash"})).hexdigest()


def _parse(line: bytes) -> dict[str, Any] | None:
    """A line as we wrote it; None for any other text."""
    try:
        entry = json.loads(line, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    whole = isinstance(entry, dict) and all(isinstance(entry.get(name), kind) for name, kind in _FORM.items())
    return entry if whole else None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _lines(path: Path, since: int = 0) -> Iterator[bytes]:
    if path.exists():
        with open(path, "rb") as file:
            file.seek(since)
            for line in file:
                yield line.rstrip(b"\n")


def _breaks(number: int, entry: dict[str, Any], last: dict[str, Any]) -> list[Finding]:
    reasons = []
    if entry["hash"] != _hash(entry):
        reasons.append("its text was changed")
    if entry["prev"] != last["hash"]:
        reasons.append("the line before it is not the one it was written after")
    if not reasons:
        return []
    return [
        Finding(
            check="audit.chain",
            outcome=Outcome.FAIL,
            message=f"line {number}: " + " and ".join(reasons),
            fix="compare the file with your backup; do not trust lines from here on",
            evidence={"line": number},
        )
    ]


def _torn(number: int, *, explained: bool = False) -> Finding:
    return Finding(
        check="audit.torn",
        outcome=Outcome.INFO if explained else Outcome.WARN,
        message=f"line {number} is torn: a process died while writing it",
        evidence={"line": number},
    )


def _tail(file: Any, chunk: int = 1 << 16) -> tuple[dict[str, Any], bytes]:
    """The last whole entry, and the bytes of a torn line after it (empty when the file ends well)."""
    size = file.seek(0, os.SEEK_END)
    block = b""
    while True:
        start = max(0, size - len(block) - chunk)
        file.seek(start)
        block = file.read(size - start)
        lines = block.split(b"\n")
        torn = lines.pop()
        whole = lines if start == 0 else lines[1:]  # the first line of a later block may be cut
        for line in reversed(whole):
            entry = _parse(line)
            if entry is not None:
                return entry, torn
        if start == 0:
            return {"seq": 0, "hash": GENESIS}, torn
        chunk *= 2


def _write_whole(handle: int, data: bytes) -> None:
    """All bytes or none: what a full disk let through is cut off again, so that the log stays whole."""
    before = os.lseek(handle, 0, os.SEEK_END)
    try:
        done = 0
        while done < len(data):
            done += os.write(handle, data[done:])
        os.fsync(handle)
    except OSError:
        os.ftruncate(handle, before)
        raise
