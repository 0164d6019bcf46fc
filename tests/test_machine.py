import multiprocessing
import time

import pytest

from workbench.machine import affinity, cpu_limit, effective_cpus, is_alive, memory_limit, this_process

GIB = 2**30


@pytest.fixture
def tree(tmp_path):
    """`tree("0::/\\n", {"cpu.max": "200000 100000"})` builds /proc/self/cgroup and files below /sys/fs/cgroup."""

    def build(groups, files):
        for path, text in {"proc/self/cgroup": groups, **{f"sys/fs/cgroup/{p}": t for p, t in files.items()}}.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text + "\n")
        return tmp_path

    return build


def test_version_2_inside_a_container(tree):
    root = tree("0::/", {"cpu.max": "150000 100000", "memory.max": str(3 * GIB)})
    assert (cpu_limit(root), memory_limit(root)) == (1.5, 3 * GIB)


def test_version_2_without_limits(tree):
    root = tree("0::/user.slice", {"user.slice/cpu.max": "max 100000", "user.slice/memory.max": "max"})
    assert (cpu_limit(root), memory_limit(root)) == (None, None)


def test_the_smallest_limit_on_the_way_up_counts(tree):
    root = tree("0::/pod/box", {"cpu.max": "max 100000", "pod/cpu.max": "100000 100000", "pod/box/cpu.max": "400000 100000"})
    assert cpu_limit(root) == 1.0


def test_version_1(tree):
    files = {
        "cpu,cpuacct/docker/a/cpu.cfs_quota_us": "50000",
        "cpu,cpuacct/docker/a/cpu.cfs_period_us": "100000",
        "memory/docker/a/memory.limit_in_bytes": str(2 * GIB),
        "memory/memory.limit_in_bytes": "9223372036854771712",
    }
    root = tree("4:memory:/docker/a\n3:cpu,cpuacct:/docker/a", files)
    assert (cpu_limit(root), memory_limit(root)) == (0.5, 2 * GIB)


def test_version_1_without_limits(tree):
    files = {
        "cpu/cpu.cfs_quota_us": "-1",
        "cpu/cpu.cfs_period_us": "100000",
        "memory/memory.limit_in_bytes": "9223372036854771712",
    }
    root = tree("4:memory:/\n3:cpu:/", files)
    assert (cpu_limit(root), memory_limit(root)) == (None, None)


def test_a_host_path_that_the_container_does_not_see_falls_back_to_its_own_mount(tree):
    root = tree("4:memory:/kubepods/pod1/abc", {"memory/memory.limit_in_bytes": str(GIB)})
    assert memory_limit(root) == GIB


def test_version_2_of_a_hybrid_machine_does_not_hide_version_1(tree):
    root = tree("4:memory:/\n0::/", {"memory/memory.limit_in_bytes": str(GIB)})
    assert memory_limit(root) == GIB


def test_without_control_groups_there_is_no_limit(tmp_path):
    assert (cpu_limit(tmp_path), memory_limit(tmp_path)) == (None, None)


@pytest.mark.parametrize(("limit", "cpus"), [("50000 100000", 1), ("max 100000", affinity()), ("6400000 100000", affinity())])
def test_whole_processors_are_those_of_affinity_and_limit_and_at_least_one(tree, limit, cpus):
    assert effective_cpus(tree("0::/\n", {"cpu.max": limit})) == cpus


def test_this_process_is_alive_and_an_ended_one_is_not():
    me = this_process()
    child = multiprocessing.get_context("fork").Process(target=int)
    child.start()
    child.join()
    assert is_alive(me) is True
    assert is_alive(me.model_copy(update={"pid": child.pid})) is False


def test_a_reused_process_id_is_not_mistaken():
    assert is_alive(this_process().model_copy(update={"started": 1.0})) is False


def test_a_process_from_before_the_last_boot_is_gone():
    assert is_alive(this_process().model_copy(update={"boot_id": "another"})) is False


def test_a_process_of_another_host_is_not_judged():
    assert is_alive(this_process().model_copy(update={"host": "elsewhere"})) is None


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="Linux tells it so")
def test_the_start_of_a_process_is_told_by_a_clock_that_nobody_sets():
    assert 0 < this_process().started <= time.clock_gettime(time.CLOCK_BOOTTIME)
