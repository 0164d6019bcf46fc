"""Pseudonyms: HMAC-SHA256 with a key of the project, as a 64-bit number.

One key for all tables, so that joins keep working: the same id gives the same token wherever it stands (a number and its
text as well). The distinct ids are hashed once in Python and joined as a mapping, which costs about nothing; hashing each
row in SQL costs six times the query, and would put the key into the SQL text. Who holds the key can find the ids again by
trying them all: a pseudonym is no anonymity.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import BadInput, MachineError
from workbench.project import Project
from workbench.records.files import cannot_write

if TYPE_CHECKING:
    import pyarrow as pa

KEY_BYTES = 32


def key_path(project: Project) -> Path:
    """Where the project's key lies. Whoever loses it cannot make the same pseudonyms again."""
    return project.state / "keys" / "pseudonym.key"


def project_key(project: Project) -> bytes:
    """The project's key, made on first use. Raises BadInput when others may read the file, MachineError when it is unusable."""
    path = key_path(project)
    if not path.exists():
        _make(path)
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise BadInput(
            "the key of the pseudonyms lies open",
            why=f"others than you may read or write {path}",
            fix=f"chmod 600 {path}",
        )
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise MachineError(
            "the key of the pseudonyms is damaged",
            why=f"{path} has {len(key)} bytes, not {KEY_BYTES}",
            fix="restore it from a backup; a new key would break joins with all pseudonyms made so far",
        )
    return key


def _make(path: Path) -> None:
    """Write a new key whole, or leave the one that another process wrote first."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(beside, path)
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        beside.unlink(missing_ok=True)


def token(key: bytes, value: int | str) -> int:
    """The pseudonym of one id: the first 63 bits of HMAC-SHA256(key, its text), 0 <= token < 2**63."""
    return int.from_bytes(hmac.digest(key, str(value).encode(), "sha256")[:8], "big") >> 1


def tokens(key: bytes, ids: Iterable[int | str]) -> list[int]:
    """The pseudonyms of distinct ids, in their order. Raises MachineError if two ids would share one (never seen)."""
    found = [token(key, value) for value in ids]
    if len(set(found)) < len(found):
        raise MachineError(
            "two ids have the same pseudonym",
            why=f"among {len(found):,} ids two share their first 63 bits (or one id is there as number and as text)",
            fix="make a new project, hence a new key, for this data",
        )
    return found


def mapping(key: bytes, ids: pa.Array) -> pa.Table:
    """The table (id, token) of distinct ids without NULL; `id` keeps its type, so that it joins as it is."""
    import pyarrow as pa

    return pa.table({"id": ids, "token": pa.array(tokens(key, ids.to_pylist()), pa.int64())})
