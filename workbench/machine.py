"""What the machine gives this process: processors, and the limits of its control group (version 1, version 2 or both);
and which process it is, so that others can tell later whether it still runs.

psutil and os.cpu_count report the host (giampaolo/psutil#2100), so a pod with 2 CPUs on a node of 64 would look like 64.
A limit holds for all groups below it: the smallest one on the way up counts. `root` is where /proc and /sys are.
Sources: kernel documentation, cgroup-v2 (cpu.max, memory.max) and cgroup-v1 (cpu.cfs_quota_us, memory.limit_in_bytes).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import psutil

from workbench.records.run import Process

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_UNLIMITED_BYTES = 1 << 60  # version 1 writes "no limit" as a number near 2**63


def affinity() -> int:
    """Processors that the scheduler may put this process on; macOS cannot say, so all of them."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def effective_cpus(root: Path = Path("/")) -> int:
    """Whole processors that this process may really use: the smaller of affinity and the group's limit, at least 1."""
    limit = cpu_limit(root)
    return affinity() if limit is None else max(1, min(affinity(), int(limit)))


def cpu_limit(root: Path = Path("/")) -> float | None:
    """CPUs that the group may use, may be fractional; None without a limit."""
    limits = []
    for folder in _folders(root, ""):
        quota, _, period = _read(folder / "cpu.max").partition(" ")
        if quota.isdigit() and period.isdigit():
            limits.append(int(quota) / int(period))
    for folder in _folders(root, "cpu"):
        quota, period = _read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")
        if quota.isdigit() and period.isdigit():  # "-1" is no limit
            limits.append(int(quota) / int(period))
    return min(limits, default=None)


def memory_limit(root: Path = Path("/")) -> int | None:
    """Bytes that the group may use; None without a limit."""
    texts = [_read(folder / "memory.max") for folder in _folders(root, "")]
    texts += [_read(folder / "memory.limit_in_bytes") for folder in _folders(root, "memory")]
    return min((int(t) for t in texts if t.isdigit() and int(t) < _UNLIMITED_BYTES), default=None)


def _folders(root: Path, controller: str) -> Iterator[Path]:
    """This process's group and the groups above it, for a version 1 controller or (empty) version 2.

    /proc/self/cgroup has lines `id:controllers:path`. Inside a container the path may be the host's and not be visible;
    then the mount's own folder is the group.
    """
    for line in _read(root / "proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controller not in controllers.split(","):
            continue
        mount = root / "sys/fs/cgroup" / controllers
        group = mount / path.lstrip("/")
        while group != mount:
            yield group
            group = group.parent
        yield mount


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return ""


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
