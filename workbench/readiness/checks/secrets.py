"""Credentials in the project's text files, in notebook outputs, and in what runs left behind."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import ClassVar

from workbench.project import Project
from workbench.readiness.interface import CRITICAL, Check, Measurement
from workbench.readiness.patterns import Hit, scan
from workbench.records.scorecard import Level, Pillar

_SKIPPED = {".git", ".hg", "node_modules", "__pycache__"}
_MAX_BYTES = 8 * 2**20  # a text file beyond this is data
_SHOWN = 5


class Secrets(Check):
    """None found by these patterns; the report names file, line and kind, never the credential."""

    id: ClassVar[str] = "security.secrets"
    title: ClassVar[str] = "no credentials in files and notebook outputs"
    pillar: ClassVar[Pillar] = Pillar.SECURITY
    category: ClassVar[str] = "security"
    weight: ClassVar[float] = CRITICAL
    blocker: ClassVar[bool] = True
    source: ClassVar[str] = "binary: none found; a certain one must go, a probable one wants a look"

    def __init__(self, clock: Callable[[], float] = time.monotonic, budget_s: float = 1.5) -> None:
        self.clock, self.budget_s = clock, budget_s

    def run(self, project: Project) -> Measurement:
        end = self.clock() + self.budget_s
        hits: list[tuple[str, Hit]] = []
        read, complete = 0, True
        for path in files(project.root):
            if self.clock() > end:
                complete = False
                break
            try:
                data = path.read_bytes()
            except OSError:
                complete = False
                continue
            read += 1
            if b"\0" not in data[:4096]:  # binary
                hits += ((path.relative_to(project.root).as_posix(), hit) for hit in scan(data))
        return _measured(hits, read, complete)


def _measured(hits: list[tuple[str, Hit]], read: int, complete: bool) -> Measurement:
    part = "" if complete else "; not all could be read in time"
    if not hits:
        level = Level.READY if complete else Level.INCONCLUSIVE
        fix = "" if complete else "move large text files out of the project, and assess again"
        return Measurement(level=level, value=0, reason=f"none found in {read} files{part}", fix=fix)
    certain = [entry for entry in hits if entry[1].certain]
    ordered = certain + [entry for entry in hits if not entry[1].certain]
    places = [f"{name}:{hit.line} {hit.kind}" for name, hit in ordered]
    more = f" and {len(places) - _SHOWN} more" if len(places) > _SHOWN else ""
    return Measurement(
        level=Level.MUST_FIX if certain else Level.IMPROVE,
        value=len(hits),
        reason=f"{len(certain)} certain, {len(hits) - len(certain)} probable: {', '.join(places[:_SHOWN])}{more}{part}",
        fix="revoke it where it was issued, then remove it from the file and from the history",
        evidence={"places": list(places[:50]), "files_read": read},
    )


def files(root: Path) -> Iterator[Path]:
    """The files to read: the project's own, then the notebooks and logs of its runs. Links are not followed."""
    yield from _below(root, skip=_SKIPPED | {".workbench"})
    yield from _below(root / ".workbench" / "runs", skip=_SKIPPED)


def _below(root: Path, *, skip: set[str]) -> Iterator[Path]:
    for folder, folders, names in os.walk(root):
        if "pyvenv.cfg" in names:  # a virtual environment: other people's code
            folders[:] = []
            continue
        folders[:] = sorted(name for name in folders if name not in skip)
        for path in (Path(folder, name) for name in sorted(names)):
            if path.is_file() and not path.is_symlink() and path.stat().st_size <= _MAX_BYTES:
                yield path


CHECKS: tuple[Check, ...] = (Secrets(),)
