from textwrap import dedent

import pytest

from workbench.readiness.checks.gpu import Gpu
from workbench.readiness.runner import measure
from workbench.records.scorecard import Level

GIB = 2**30


@pytest.fixture
def tool(tmp_path):
    """`tool("echo text", code)` writes an nvidia-smi that prints so and ends with this exit code; returns its path."""

    def write(line, code=0):
        path = tmp_path / "nvidia-smi"
        path.write_text(f"#!/bin/sh\n{line}\nexit {code}\n")
        path.chmod(0o755)
        return str(path)

    return write


@pytest.fixture
def nvml(tmp_path, monkeypatch):
    """`nvml(init="pass", count=1)` writes a module with the calls of nvidia-ml-py that are used; returns its name."""

    def write(init="pass", count=1):
        name = f"fake_nvml_{abs(hash((init, count)))}"
        source = f"""
            class NVMLError(Exception): pass
            class Memory: total = 80 * 2**30
            def nvmlInit(): {init}
            def nvmlShutdown(): pass
            def nvmlDeviceGetCount(): return {count}
            def nvmlDeviceGetHandleByIndex(i): return i
            def nvmlDeviceGetName(handle): return b"NVIDIA H100"
            def nvmlDeviceGetMemoryInfo(handle): return Memory
            def nvmlSystemGetDriverVersion(): return "580.1"
        """
        (tmp_path / f"{name}.py").write_text(dedent(source))
        monkeypatch.syspath_prepend(str(tmp_path))
        return name

    return write


def test_without_library_and_tool_it_does_not_apply_and_says_what_was_missing(project):
    result = measure(project, Gpu(nvml="no_such_nvml", command="no-such-smi"))
    assert (result.level, result.score) == (Level.NOT_APPLICABLE, None)
    assert result.reason == "no NVIDIA driver answers (nvidia-ml-py is not installed; no-such-smi is not there)"


def test_the_driver_lists_its_devices(project, nvml):
    result = measure(project, Gpu(nvml=nvml(count=2)))
    assert result.level is Level.READY
    assert result.reason == "2 found: NVIDIA H100 80 GiB, NVIDIA H100 80 GiB; driver 580.1"


def test_the_library_without_a_driver_is_no_gap(project, nvml):
    absent = nvml(init="raise NVMLError('NVML Shared Library Not Found')")
    result = measure(project, Gpu(nvml=absent, command="no-such-smi"))
    assert result.level is Level.NOT_APPLICABLE
    assert "NVML Shared Library Not Found" in result.reason


def test_a_driver_without_devices_is_no_gap(project, nvml):
    assert measure(project, Gpu(nvml=nvml(count=0))).level is Level.NOT_APPLICABLE


def test_the_tool_is_asked_where_the_library_is_missing(project, tool):
    command = tool("echo 'NVIDIA T4, 15360, 550.54'")
    result = measure(project, Gpu(nvml="no_such_nvml", command=command))
    assert (result.level, result.reason) == (Level.READY, "1 found: NVIDIA T4 15 GiB; driver 550.54")


def test_a_driver_that_does_not_answer_is_to_be_mended(project, tool):
    command = tool("echo 'Failed to initialize NVML: Driver/library version mismatch'", 18)
    result = measure(project, Gpu(nvml="no_such_nvml", command=command))
    assert result.level is Level.IMPROVE
    assert result.reason.endswith("does not answer: Failed to initialize NVML: Driver/library version mismatch")
