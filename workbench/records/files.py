"""Files that are either whole or not there.

Write beside, flush to the disk, rename: a reader sees the old document or the new one, and a full disk leaves the old one.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
from pathlib import Path

from workbench.errors import BadInput, MachineError

_FIXES = {
    errno.ENOSPC: ("the disk is full", "free some space (`workbench status` tells what this project takes) and run it again"),
    errno.EDQUOT: ("your disk quota is used up", "free some space in your quota and run it again"),
    errno.EROFS: ("the file system is mounted read-only", "use a project on a writable disk"),
    errno.EACCES: ("you may not write there", "change the folder's owner or permissions, or use a project of your own"),
    errno.EPERM: ("you may not write there", "change the folder's owner or permissions, or use a project of your own"),
}


def cannot_write(path: Path, error: OSError) -> MachineError:
    """The letter for a failed write: names the path, the system's reason, and what helps."""
    why, fix = _FIXES.get(error.errno or 0, (error.strerror or str(error), "mend that and run it again"))
    return MachineError(f"cannot write {path}", why=why, fix=fix)


def cannot_read(path: Path, error: OSError) -> BadInput:
    """The letter for a file that a person named or wrote, and that cannot be opened."""
    why = "it is a folder" if isinstance(error, IsADirectoryError) else error.strerror or str(error)
    return BadInput(f"cannot read {path}", why=why, fix="change its permissions or the path, or use a copy of your own")


def given_path(path: Path | str) -> Path:
    """A path as a person gave it, with `~` for a home. Raises BadInput when there is no such home, or it is not UTF-8."""
    try:
        str(path).encode()  # records, contracts and SQL are UTF-8, and hold paths
        return Path(path).expanduser()
    except UnicodeEncodeError as error:
        raise BadInput(
            f"cannot use {path}", why="its name is not UTF-8", fix="rename it, or link to it by another name"
        ) from error
    except RuntimeError as error:
        raise BadInput(f"cannot read {path}", why="this machine knows no such home", fix="write the path in full") from error


def is_there(path: Path) -> bool:
    """Is it a file or a folder? A device is neither: it has no end. A text too long to be a path is no error here."""
    try:
        return path.is_file() or path.is_dir()
    except OSError:
        return False


def write_atomic(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Replace `path` by `data`, all or nothing. durable: it is on the disk on return, else it only survives this process.

    Raises MachineError when it cannot be written; the old file, if any, is then untouched and nothing is left beside it.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(beside, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        beside.replace(path)
        if durable:
            sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        raise cannot_write(path, error) from error


def sync_folder(folder: Path) -> None:
    """Make a rename durable: the folder's own entry has to reach the disk too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_file(path: Path) -> str:
    """sha256 of a file's bytes, in hex; of a folder: of its files' names and hashes in name order."""
    if path.is_dir():
        lines = [f"{p.relative_to(path)} {sha256_file(p)}" for p in sorted(path.rglob("*")) if p.is_file()]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
