"""A run's folder: its name is the run's id, and making it exclusively is what makes the id unique."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime
from pathlib import Path

from workbench.records.files import cannot_write

BEGUN = ".begun"  # the mark of a run that somebody executes; made exclusively, gone when it has ended


def slug(name: str) -> str:
    """A name as it stands in a folder's name."""
    return re.sub(r"[^A-Za-z0-9_.]+", "-", name).strip("-.")[:60] or "notebook"


def run_folders(place: Path, name: str) -> list[Path]:
    """The folders that `new_run_folder` made in `place` for this name (or one with the same slug)."""
    return [path for path in place.glob("*") if path.name[len("20261122T120000Z-") : -len("-12345678")] == slug(name)]


def new_run_folder(place: Path, name: str) -> Path:
    """Make `<utc>-<name>-<8 hex>` in `place`. Raises MachineError when that is not possible."""
    try:
        place.mkdir(parents=True, exist_ok=True)
        while True:
            folder = place / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{slug(name)}-{secrets.token_hex(4)}"
            try:
                folder.mkdir()
                return folder
            except FileExistsError:
                continue
    except OSError as error:
        raise cannot_write(place, error) from error
