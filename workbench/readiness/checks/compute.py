"""How much machine this kernel really has: CPUs, memory, GPU."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import psutil

from workbench.machine import affinity, cpu_limit, memory_limit
from workbench.project import Project
from workbench.readiness.curve import Bounds
from workbench.readiness.interface import HIGH, MEDIUM, Check, Measurement
from workbench.records.scorecard import Pillar

_GIB = 2**30


class EffectiveCpus(Check):
    """The smaller of affinity and the group's quota."""

    id: ClassVar[str] = "compute.cpus"
    title: ClassVar[str] = "CPUs that this kernel may use"
    pillar: ClassVar[Pillar] = Pillar.ARCHITECTURE
    category: ClassVar[str] = "compute"
    weight: ClassVar[float] = MEDIUM
    bounds: ClassVar[Bounds | None] = Bounds(ready=2, must_fix=1, unit="CPUs")

    def __init__(self, root: Path = Path("/"), affinity: Callable[[], int] = affinity) -> None:
        self.root, self.affinity = root, affinity

    def run(self, project: Project) -> Measurement:
        allowed, limit, machine = self.affinity(), cpu_limit(self.root), os.cpu_count() or 1
        usable = min(allowed, limit) if limit is not None else allowed
        quota = "no cgroup limit" if limit is None else f"cgroup limit {limit:g}"
        return Measurement(
            value=usable,
            reason=f"{usable:g} usable: affinity {allowed}, {quota}; the machine has {machine}",
            fix="ask for a profile or pod with at least 2 CPUs, or start fewer threads",
            evidence={"affinity": allowed, "cgroup_limit": limit, "machine": machine},
        )


class Memory(Check):
    """The smaller of the group's limit and the machine's memory."""

    id: ClassVar[str] = "compute.memory"
    title: ClassVar[str] = "memory that this kernel may use"
    pillar: ClassVar[Pillar] = Pillar.ARCHITECTURE
    category: ClassVar[str] = "compute"
    weight: ClassVar[float] = HIGH
    bounds: ClassVar[Bounds | None] = Bounds(ready=4, must_fix=2, unit="GiB")

    def __init__(self, root: Path = Path("/"), total: Callable[[], int] = lambda: int(psutil.virtual_memory().total)) -> None:
        self.root, self.total = root, total

    def run(self, project: Project) -> Measurement:
        machine, limit = self.total(), memory_limit(self.root)
        usable = min(machine, limit) if limit is not None else machine
        quota = "no cgroup limit" if limit is None else f"cgroup limit {limit / _GIB:.1f} GiB"
        return Measurement(
            value=usable / _GIB,
            reason=f"{usable / _GIB:.1f} GiB usable: {quota}; the machine has {machine / _GIB:.1f} GiB",
            fix="ask for a profile or pod with more memory, or read fewer columns at a time",
            evidence={"cgroup_limit_bytes": limit, "machine_bytes": machine},
        )


CHECKS: tuple[Check, ...] = (EffectiveCpus(), Memory())
