"""Records of runs as true as they can be known now: a run whose process is gone without an ending is lost."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from workbench.errors import MachineError
from workbench.machine import is_alive
from workbench.records.pipeline import PipelineRecord
from workbench.records.run import RunRecord, State

R = TypeVar("R", RunRecord, PipelineRecord)


def look(folder: Path) -> RunRecord:
    """The record in a run's folder, as true as it can be known now: a run whose process is gone is lost, and says so."""
    return _look(RunRecord, folder / "record.json")


def look_pipeline(folder: Path) -> PipelineRecord:
    """The same for a pipeline's record."""
    return _look(PipelineRecord, folder / "record.json")


def _look(kind: type[R], path: Path) -> R:
    record = kind.load(path)
    if _gone(record):
        record = kind.load(path)  # it may have ended, or been handed to its child, between the two looks
    if not _gone(record):
        return record
    heard_of = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    record = record.model_copy(update={"state": State.LOST, "finished": heard_of})
    with contextlib.suppress(MachineError):  # lost all the same in a project that one may only read
        record.write(path)
    return record


def _gone(record: RunRecord | PipelineRecord) -> bool:
    """Has it no ending, and its process is known to be no more?"""
    return not record.state.ended and record.process is not None and is_alive(record.process) is False
