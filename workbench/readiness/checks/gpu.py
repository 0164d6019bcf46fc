"""Is there a GPU, and does its driver answer? Asks NVML, the driver's own library, and never loads a framework."""

from __future__ import annotations

import importlib
import shutil
import subprocess
from typing import Any, ClassVar

from pydantic import JsonValue

from workbench.project import Project
from workbench.readiness.interface import HIGH, Check, Measurement
from workbench.records.scorecard import Level, Pillar

_GIB = 2**30


class Gpu(Check):
    """The devices that the driver lists. None is not a gap: no profile of this project says that it needs one."""

    id: ClassVar[str] = "compute.gpu"
    title: ClassVar[str] = "GPU and its driver"
    pillar: ClassVar[Pillar] = Pillar.ARCHITECTURE
    category: ClassVar[str] = "compute"
    weight: ClassVar[float] = HIGH
    source: ClassVar[str] = "binary: the driver answers"

    def __init__(self, nvml: str = "pynvml", command: str = "nvidia-smi") -> None:
        """nvml: the module of nvidia-ml-py; command: the tool that comes with the driver."""
        self.nvml, self.command = nvml, command

    def run(self, project: Project) -> Measurement:
        try:
            module = importlib.import_module(self.nvml)
        except ImportError:
            return self._by_command()
        try:
            return _found(*_by_nvml(module))
        except module.NVMLError as error:
            # the library without a driver is what every machine without a GPU reports
            return self._by_command(f"NVML says: {error}")

    def _by_command(self, nvml: str = "nvidia-ml-py is not installed") -> Measurement:
        tool = shutil.which(self.command)
        if tool is None:
            reason = f"no NVIDIA driver answers ({nvml}; {self.command} is not there)"
            return Measurement(level=Level.NOT_APPLICABLE, reason=reason)
        asked = [tool, "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader,nounits"]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=4, check=False)
        if done.returncode:
            said = (done.stdout + done.stderr).strip().splitlines()
            return Measurement(
                level=Level.IMPROVE,
                reason=f"a driver is installed and does not answer: {said[0] if said else f'exit code {done.returncode}'}",
                fix="reinstall the driver, or reboot: kernel module and driver are often of two versions after an upgrade",
            )
        rows = [[part.strip() for part in line.split(",")] for line in done.stdout.splitlines() if line.strip()]
        return _found([(name, int(mib) / 1024 if mib.isdigit() else None) for name, mib, _ in rows], rows[0][2] if rows else "")


def _by_nvml(nvml: Any) -> tuple[list[tuple[str, float | None]], str]:
    """(name, memory in GiB) of each device, and the driver's version."""
    nvml.nvmlInit()
    try:
        handles = [nvml.nvmlDeviceGetHandleByIndex(i) for i in range(nvml.nvmlDeviceGetCount())]
        devices = [(_text(nvml.nvmlDeviceGetName(h)), nvml.nvmlDeviceGetMemoryInfo(h).total / _GIB) for h in handles]
        return devices, _text(nvml.nvmlSystemGetDriverVersion())
    finally:
        nvml.nvmlShutdown()


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value  # bytes before nvidia-ml-py 11.5


def _found(devices: list[tuple[str, float | None]], driver: str) -> Measurement:
    if not devices:
        return Measurement(level=Level.NOT_APPLICABLE, reason="an NVIDIA driver answers and lists no GPU")
    shown = ", ".join(name if gib is None else f"{name} {gib:.0f} GiB" for name, gib in devices)
    evidence: dict[str, JsonValue] = {"devices": [name for name, _ in devices], "driver": driver}
    return Measurement(level=Level.READY, reason=f"{len(devices)} found: {shown}; driver {driver}", evidence=evidence)


CHECKS: tuple[Check, ...] = (Gpu(),)
