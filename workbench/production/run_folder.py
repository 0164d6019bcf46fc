"""A run's folder: its name is the run's id, and making it exclusively is what makes the id unique."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime
from pathlib import Path

from workbench.records.files import cannot_write


def new_run_folder(place: Path, name: str) -> Path:
    """Make `<utc>-<name>-<8 hex>` in `place`. Raises MachineError when that is not possible."""
    slug = re.sub(r"[^A-Za-z0-9_.]+", "-", name).strip("-.") or "notebook"
    try:
        place.mkdir(parents=True, exist_ok=True)
        while True:
            folder = place / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{slug[:60]}-{secrets.token_hex(4)}"
            try:
                folder.mkdir()
                return folder
            except FileExistsError:
                continue
    except OSError as error:
        raise cannot_write(place, error) from error
