import pytest

from workbench.readiness.checks.compute import EffectiveCpus, Memory
from workbench.readiness.runner import measure
from workbench.records.scorecard import Level

GIB = 2**30


@pytest.fixture
def limited(tmp_path):
    """A machine whose container may use 1 CPU and 3 GiB."""
    for path, text in {
        "proc/self/cgroup": "0::/",
        "sys/fs/cgroup/cpu.max": "100000 100000",
        "sys/fs/cgroup/memory.max": f"{3 * GIB}",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def test_the_container_counts_and_not_the_machine(project, limited):
    result = measure(project, EffectiveCpus(limited, affinity=lambda: 64))
    assert (result.value, result.level) == (1, Level.IMPROVE)
    assert result.score == 0.5
    assert result.reason.startswith("1 usable: affinity 64, cgroup limit 1; the machine has ")


def test_affinity_counts_where_it_is_smaller(project, tmp_path):
    result = measure(project, EffectiveCpus(tmp_path, affinity=lambda: 2))
    assert (result.value, result.level, result.score) == (2, Level.READY, pytest.approx(0.9))
    assert "no cgroup limit" in result.reason


def test_both_memory_figures_are_shown(project, limited):
    result = measure(project, Memory(limited, total=lambda: 16 * GIB))
    assert (result.value, result.level) == (3.0, Level.IMPROVE)
    assert result.reason == "3.0 GiB usable: cgroup limit 3.0 GiB; the machine has 16.0 GiB"


def test_a_limit_beyond_the_machine_does_not_make_memory(project, limited):
    assert measure(project, Memory(limited, total=lambda: GIB)).value == 1.0


def test_this_machine_has_cpus_and_memory(project):
    assert measure(project, EffectiveCpus()).value > 0
    assert measure(project, Memory()).value > 0
