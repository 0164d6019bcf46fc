"""What a bundle holds, and what was left out of it. A manifest is the first thing that is read of a bundle, and not trusted."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from workbench.records.base import Record
from workbench.records.model import FileHash

NAME = "manifest.json"
RUN = "run/"  # below it lies the run's folder
SUFFIX = ".workbench.zip"
LONGEST_NAME = 1_000  # characters
_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,200}")


class BundledInput(BaseModel):
    """One thing that the run read. path: where it lies in the bundle, a file or a folder; empty when left out, see `why`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    sha256: str
    contract_version: str = ""
    purpose: str = ""
    path: str = ""
    why: str = ""


class BundleManifest(Record):
    """Every file of a bundle with its hash and size. Names are relative to the bundle's one folder, which is the run's id."""

    kind: ClassVar[str] = "bundle"

    run_id: str
    run_key: str
    files: dict[str, FileHash]
    inputs: tuple[BundledInput, ...]

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files.values())


def is_run_id(text: str) -> bool:
    """May it be a run's id? It becomes a folder's name."""
    return _ID.fullmatch(text) is not None


def is_safe(name: str) -> bool:
    """Does a file of this name stay in the folder that it is unpacked to?"""
    parts = PurePosixPath(name).parts
    plain = name.isprintable() and "\\" not in name and len(name) <= LONGEST_NAME
    return bool(parts) and plain and not name.startswith("/") and name == "/".join(parts) and not {"..", "."} & set(parts)
