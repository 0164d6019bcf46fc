"""What a run stands on: the installed distributions, the code's commit, the process that runs it."""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
from functools import cache
from pathlib import Path

import psutil

from workbench.records.run import Process

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@cache
def installed() -> tuple[tuple[str, str, str], ...]:
    """(name, version, sha256 of its RECORD) of each distribution, by name: pip keeps no wheel hashes.

    Read from the names of the folders: parsing every METADATA would take a second.
    """
    found: dict[str, tuple[str, str, str]] = {}
    for folder in (path for place in sys.path for path in sorted(Path(place or ".").glob("*.dist-info"))):
        name, _, version = folder.name.removesuffix(".dist-info").rpartition("-")
        found.setdefault(name.lower(), (name, version, _record_sha256(folder / "RECORD")))
    return tuple(found[name] for name in sorted(found))


def _record_sha256(path: Path) -> str:
    """Compiled files and direct_url.json differ between two installs of one wheel; the wheel's own files do not."""
    lines = path.read_bytes().splitlines() if path.exists() else []
    kept = (line for line in lines if b".pyc," not in line and b".dist-info/direct_url.json" not in line)
    return hashlib.sha256(b"\n".join(kept)).hexdigest()


def environment_text() -> str:
    """`name==version  sha256:…`, a line a distribution."""
    return "".join(f"{name}=={version}  sha256:{digest}\n" for name, version, digest in installed())


def environment_sha256() -> str:
    """One hash of all that is installed."""
    return hashlib.sha256(environment_text().encode()).hexdigest()


def git_commit(path: Path) -> str | None:
    """The commit of the repository that holds `path`; None when it is not tracked there, or there is no git."""
    try:
        subprocess.run(
            ["git", "ls-files", "--error-unmatch", path.name], cwd=path.parent, check=True, capture_output=True, timeout=10
        )
        done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=path.parent, check=True, capture_output=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode().strip()


def boot_id() -> str:
    """Changes with every start of the machine: a process id from before it says nothing."""
    return _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else str(int(psutil.boot_time()))


def this_process() -> Process:
    """The identity of the running process."""
    pid = os.getpid()
    return Process(host=socket.gethostname(), boot_id=boot_id(), pid=pid, started=_started(psutil.Process(pid)))


def _started(process: psutil.Process) -> float:
    """When a process started, told so that setting the clock does not change the answer.

    Linux knows it in seconds since the boot (proc(5), field 22); psutil adds the time of the boot, which moves with the
    clock. Elsewhere it is the epoch's seconds as they were noted at the start.
    """
    try:
        fields = Path(f"/proc/{process.pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return float(process.create_time())
    return int(fields[19]) / os.sysconf("SC_CLK_TCK")


def is_alive(process: Process) -> bool | None:
    """Does it still run? None when this machine cannot know (another host)."""
    if process.host != socket.gethostname():
        return None
    if process.boot_id != boot_id():
        return False
    try:
        found = psutil.Process(process.pid)
        return bool(_started(found) == process.started and found.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
