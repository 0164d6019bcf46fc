"""Which kind of file system holds a path: on this machine's disk, over the network, or gone when the machine stops."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path

import psutil


class Kind(StrEnum):
    LOCAL = "local disk"
    NETWORK = "network"
    OVERLAY = "container layer"  # gone when the container is removed
    MEMORY = "memory"  # gone at the next start
    UNKNOWN = "unknown"


_MEMORY = {"tmpfs", "ramfs"}
_OVERLAY = {"overlay", "aufs", "fuse.fuse-overlayfs"}
_NETWORK = {
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "afpfs", "ceph", "lustre", "beegfs", "gpfs", "glusterfs", "ocfs2",
    "fuse.sshfs", "fuse.ceph", "fuse.glusterfs", "fuse.s3fs", "fuse.gcsfuse", "fuse.blobfuse", "fuse.juicefs", "fuse.rclone",
    "fuse.mount-s3", "webdav",
}  # fmt: skip


def file_system(path: Path, root: Path = Path("/")) -> tuple[str, Kind]:
    """The type of the file system that holds `path` (absolute, need not exist), as the kernel names it, and its kind.

    root: where /proc is. Without it (macOS) psutil lists the mounts.
    """
    try:
        mounts = _parse((root / "proc/self/mountinfo").read_text(encoding="utf-8"))
    except OSError:
        mounts = [(Path(p.mountpoint), p.fstype) for p in psutil.disk_partitions(all=True)]
    holding = [(len(point.parts), order, kind) for order, (point, kind) in enumerate(mounts) if path.is_relative_to(point)]
    if not holding:
        return "", Kind.UNKNOWN
    name = max(holding)[2]  # the deepest mount; of two on one point the later hides the earlier
    return name, _kind(name)


def _parse(mountinfo: str) -> list[tuple[Path, str]]:
    """(mount point, type) of each line: `36 35 98:0 /root /point options [optional …] - type source options`. See proc(5)."""
    found = []
    for line in mountinfo.splitlines():
        before, _, after = line.partition(" - ")
        fields, kind = before.split(" "), after.split(" ")[0]
        if len(fields) > 4 and kind:
            point = re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), fields[4])  # spaces are written \040
            found.append((Path(point), kind))
    return found


def _kind(name: str) -> Kind:
    lower = name.lower()
    if lower in _MEMORY:
        return Kind.MEMORY
    if lower in _OVERLAY:
        return Kind.OVERLAY
    return Kind.NETWORK if lower in _NETWORK else Kind.LOCAL
