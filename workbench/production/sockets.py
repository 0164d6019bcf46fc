"""The sockets of a run's kernel: files in a folder of this user alone, named after the run so that it can be found again."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME_BYTES = 103  # that the name of a socket may have: 107 on Linux, 103 on macOS


@contextmanager
def sockets(run_id: str) -> Iterator[str | None]:
    """The beginning of their names while the run goes on; None where names would be too long, then the kernel is on TCP.

    Over TCP the manager picks free ports and the kernel binds them a second later: of two runs at once, one now and then
    finds a port of its own taken ("Kernel died before replying to kernel_info"); and every local user could connect.
    """
    with tempfile.TemporaryDirectory(prefix=_prefix(run_id), ignore_cleanup_errors=True) as folder:
        yield f"{folder}/k" if len(os.fsencode(folder)) < NAME_BYTES - len("/k-65535") else None


def leftover_sockets(run_id: str) -> list[Path]:
    """This user's folders of sockets of a run. When it has ended, or is lost, it was killed before it could remove them."""
    found = Path(tempfile.gettempdir()).glob(f"{_prefix(run_id)}*")
    return sorted(path for path in found if path.is_dir() and not path.is_symlink() and path.stat().st_uid == os.getuid())


def _prefix(run_id: str) -> str:
    return f"wb-{run_id[-8:]}-"
