"""Is there room, is a small write durable quickly, and do the results outlive the machine?"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from pydantic import JsonValue

from workbench.project import Project
from workbench.readiness.curve import Bounds
from workbench.readiness.interface import HIGH, MEDIUM, Check, Measurement
from workbench.readiness.mounts import Kind, file_system
from workbench.records.scorecard import Level, Pillar

_GIB = 2**30
_MIN_INODES = 0.05  # kubelet evicts below 5 % of the inodes

_SYNC: Callable[[int], None] = os.fdatasync if hasattr(os, "fdatasync") else os.fsync  # macOS has no fdatasync

Statvfs = Callable[[Path], os.statvfs_result]


class FreeSpace(Check):
    """The fuller one of the project's volume and the volume for temporary files."""

    id: ClassVar[str] = "storage.space"
    title: ClassVar[str] = "free space and inodes"
    pillar: ClassVar[Pillar] = Pillar.ARCHITECTURE
    category: ClassVar[str] = "storage"
    weight: ClassVar[float] = HIGH
    bounds: ClassVar[Bounds | None] = Bounds(ready=15, must_fix=10, unit="% free")
    source: ClassVar[str] = "kubelet hard eviction: nodefs 10 %, imagefs 15 %, inodes 5 %"

    def __init__(self, temporary: Path | None = None, statvfs: Statvfs = os.statvfs) -> None:
        self.temporary, self.statvfs = temporary or Path(tempfile.gettempdir()), statvfs

    def run(self, project: Project) -> Measurement:
        volumes = {"project": project.root, "temporary files": self.temporary}
        seen = {name: self.statvfs(path) for name, path in volumes.items()}
        shares = {name: s.f_bavail / s.f_blocks for name, s in seen.items() if s.f_blocks}
        if not shares:
            return Measurement(level=Level.SKIPPED, reason="the file system does not say how much it holds")
        name = min(shares, key=lambda n: shares[n])
        stat = seen[name]
        free_gib = stat.f_bavail * stat.f_frsize / _GIB
        reason = f"{free_gib:,.1f} GiB free where it is tightest ({name}), {shares[name]:.0%} of the volume"
        fix = "remove old run folders in .workbench/runs, or ask for a bigger volume"
        scarce = [n for n, s in seen.items() if s.f_files and s.f_favail / s.f_files < _MIN_INODES]
        if scarce:  # not a number for the curve: a volume without inodes is full, whatever its bytes say
            text = f"fewer than {_MIN_INODES:.0%} of the inodes are free ({', '.join(scarce)}); {reason}"
            return Measurement(level=Level.MUST_FIX, value=100 * shares[name], reason=text, fix=fix)
        return Measurement(value=100 * shares[name], reason=reason, fix=fix)


class SyncLatency(Check):
    """How long a small durable write takes where the tracking database lies."""

    id: ClassVar[str] = "storage.fsync"
    title: ClassVar[str] = "time of a small durable write"
    pillar: ClassVar[Pillar] = Pillar.ARCHITECTURE
    category: ClassVar[str] = "storage"
    weight: ClassVar[float] = MEDIUM
    bounds: ClassVar[Bounds | None] = Bounds(ready=10, must_fix=20, unit="ms")
    source: ClassVar[str] = "etcd's disk test, 2300-byte writes, p99 < 10 ms; OpenShift accepts 20 ms"
    writes: ClassVar[str] = "230 kB in .workbench, removed at once"

    def __init__(
        self,
        sync: Callable[[int], None] = _SYNC,
        clock: Callable[[], float] = time.perf_counter,
        budget_s: float = 2.0,
    ) -> None:
        self.sync, self.clock, self.budget_s = sync, clock, budget_s

    def run(self, project: Project) -> Measurement:
        try:
            project.state.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=project.state, buffering=0) as file:
                times_ms = self._times_ms(file.fileno())
        except PermissionError as error:
            fix = "assess as the person who owns the project"
            return Measurement(level=Level.SKIPPED, reason=f"no permission to write in .workbench: {error.strerror}", fix=fix)
        p99 = percentile(times_ms, 0.99)
        median = percentile(times_ms, 0.5)
        return Measurement(
            value=p99,
            reason=f"p99 {p99:.2g} ms, median {median:.2g} ms of {len(times_ms)} writes of 2300 bytes",
            fix="keep the project on a local SSD, or name a database server as tracking_uri in workbench.toml",
            evidence={"median_ms": round(median, 4), "writes": len(times_ms)},
        )

    def _times_ms(self, handle: int) -> list[float]:
        """At most 100 writes and at most `budget_s`: on a slow disk fewer decide as well."""
        times_ms: list[float] = []
        end = self.clock() + self.budget_s
        while len(times_ms) < 100:
            os.write(handle, b"\0" * 2300)
            before = self.clock()
            self.sync(handle)
            after = self.clock()
            times_ms.append(1000 * (after - before))
            if after > end:
                break
        return times_ms


def percentile(values: list[float], share: float) -> float:
    """Nearest rank: the smallest value that at least `share` of all (n >= 1) do not exceed."""
    return sorted(values)[max(0, -int(-share * len(values) // 1) - 1)]


class ResultsPersist(Check):
    """Would the run folders still be there after a restart?"""

    id: ClassVar[str] = "storage.persistence"
    title: ClassVar[str] = "results outlive the machine"
    pillar: ClassVar[Pillar] = Pillar.ARCHITECTURE
    category: ClassVar[str] = "storage"
    weight: ClassVar[float] = HIGH
    source: ClassVar[str] = "binary: the file system keeps its files"

    def __init__(self, root: Path = Path("/")) -> None:
        self.root = root

    def run(self, project: Project) -> Measurement:
        name, kind = file_system(project.state, self.root)
        evidence: dict[str, JsonValue] = {"file_system": name}
        if kind is Kind.UNKNOWN:
            return Measurement(level=Level.INCONCLUSIVE, reason="no mount is known that holds the project", evidence=evidence)
        level = {Kind.MEMORY: Level.MUST_FIX, Kind.OVERLAY: Level.IMPROVE}.get(kind, Level.READY)
        lost = {Kind.MEMORY: ": gone at the next start", Kind.OVERLAY: ": gone when the container is removed"}
        return Measurement(
            level=level,
            reason=f".workbench lies on {name} ({kind}){lost.get(kind, '')}",
            fix="put the project on a persistent volume",
            evidence=evidence,
        )


class DatabaseIsLocal(Check):
    """SQLite relies on file locks that network file systems do not keep; two writers then destroy the database."""

    id: ClassVar[str] = "storage.database"
    title: ClassVar[str] = "tracking database not on a network drive"
    pillar: ClassVar[Pillar] = Pillar.ARCHITECTURE
    category: ClassVar[str] = "storage"
    weight: ClassVar[float] = HIGH
    blocker: ClassVar[bool] = True
    source: ClassVar[str] = "sqlite.org, SQLite Over a Network, Caveats and Considerations"

    def __init__(self, root: Path = Path("/")) -> None:
        self.root = root

    def run(self, project: Project) -> Measurement:
        uri = project.config.tracking_uri
        if uri and not uri.startswith("sqlite:"):
            return Measurement(level=Level.NOT_APPLICABLE, reason="tracking goes to a server or a folder, not to SQLite")
        path = Path(uri.removeprefix("sqlite:///")) if uri else project.state / "mlflow.db"
        name, kind = file_system(project.root / path, self.root)
        if kind is Kind.UNKNOWN:
            return Measurement(level=Level.INCONCLUSIVE, reason="no mount is known that holds the database")
        return Measurement(
            level=Level.MUST_FIX if kind is Kind.NETWORK else Level.READY,
            reason=f"{path.name} belongs on {name} ({kind})",
            fix="name a database server as tracking_uri in workbench.toml, or keep the project on a local disk",
            evidence={"file_system": name},
        )


CHECKS: tuple[Check, ...] = (FreeSpace(), SyncLatency(), ResultsPersist(), DatabaseIsLocal())
