"""What a drift detector is: the plug-in group `workbench.detectors`. Ours is `psi`."""

from __future__ import annotations

from typing import Protocol

import pyarrow as pa
from pydantic import BaseModel, ConfigDict


class Shift(BaseModel):
    """How far one column moved between two windows, on the detector's own scale; 0 is no move.

    warn_at, alarm_at: effect sizes, not p-values: with many rows any p-value is near 0, however small the move.
    moved: the part of the column that moved most, in words. new_rows: rows with a level the reference never had.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: float
    warn_at: float
    alarm_at: float
    bins: int
    moved: str = ""
    new_levels: int = 0
    new_rows: int = 0


class Detector(Protocol):
    """Compares one column of two windows; both hold at least one row and have the same kind (numbers or levels).

    Must be pure and must not depend on the order of the rows. Raises nothing for missing values: they are a part of the
    column that can move like any other.
    """

    def __call__(self, reference: pa.ChunkedArray, current: pa.ChunkedArray) -> Shift: ...
