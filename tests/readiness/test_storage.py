import os
from dataclasses import replace
from types import SimpleNamespace

import pytest

from tests.conftest import as_nobody, needs_root
from workbench.readiness.checks.storage import DatabaseIsLocal, FreeSpace, ResultsPersist, SyncLatency, percentile
from workbench.readiness.runner import measure
from workbench.records.scorecard import Level

LINE = "20 1 0:20 / / rw - {kind} source rw\n"


def volume(free=50, inodes=50):
    """A volume of 100 GiB with so many percent free."""
    return SimpleNamespace(f_blocks=100, f_bavail=free, f_frsize=2**30, f_files=100, f_favail=inodes)


@pytest.fixture
def mounted(tmp_path):
    """`mounted("nfs4")`: a machine whose only file system has this type."""

    def build(kind):
        (tmp_path / "root/proc/self").mkdir(parents=True)
        (tmp_path / "root/proc/self/mountinfo").write_text(LINE.format(kind=kind))
        return tmp_path / "root"

    return build


@pytest.mark.parametrize(
    ("free", "level"),
    [(50, Level.READY), (15, Level.READY), (12, Level.IMPROVE), (10, Level.IMPROVE), (9, Level.MUST_FIX), (0, Level.MUST_FIX)],
)
def test_free_space_is_held_against_the_bounds_of_kubelet(project, free, level):
    assert measure(project, FreeSpace(statvfs=lambda path: volume(free))).level is level


def test_the_fuller_volume_counts(project, tmp_path):
    check = FreeSpace(tmp_path, statvfs=lambda path: volume(12 if path == tmp_path else 60))
    result = measure(project, check)
    assert result.reason == "12.0 GiB free where it is tightest (temporary files), 12% of the volume"


def test_a_volume_without_inodes_is_full_whatever_its_bytes_say(project):
    result = measure(project, FreeSpace(statvfs=lambda path: volume(90, inodes=4)))
    assert (result.level, result.score) == (Level.MUST_FIX, 0.0)
    assert result.reason.startswith("fewer than 5% of the inodes are free (project, temporary files)")


def clock_of(step_s):
    """A clock that moves by `step_s` each time it is read."""
    now = iter(range(10**6))
    return lambda: next(now) * step_s


@pytest.mark.parametrize(("step_ms", "level"), [(1, Level.READY), (15, Level.IMPROVE), (40, Level.MUST_FIX)])
def test_durable_writes_are_held_against_the_bounds_of_etcd(project, step_ms, level):
    result = measure(project, SyncLatency(sync=lambda handle: None, clock=clock_of(step_ms / 1000), budget_s=60))
    assert (result.level, result.value) == (level, pytest.approx(step_ms))
    assert result.evidence["writes"] == 100


def test_a_slow_disk_is_not_waited_for(project):
    result = measure(project, SyncLatency(sync=lambda handle: None, clock=clock_of(0.5), budget_s=2))
    assert result.level is Level.MUST_FIX
    assert 1 <= result.evidence["writes"] <= 4


def test_each_write_has_2300_bytes_and_nothing_is_left_behind(project):
    sizes = []
    before = sorted(project.state.rglob("*"))
    measure(project, SyncLatency(sync=lambda handle: sizes.append(os.fstat(handle).st_size)))
    assert sizes == [2300 * n for n in range(1, 101)]
    assert sorted(project.state.rglob("*")) == before


@needs_root
def test_without_permission_to_write_it_is_skipped(project):
    level, reason = as_nobody(lambda: (lambda r: (r.level, r.reason))(measure(project, SyncLatency())))
    assert level is Level.SKIPPED
    assert "no permission to write in .workbench" in reason


@pytest.mark.parametrize(("share", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.0, 1)])
def test_a_percentile_is_the_nearest_rank(share, expected):
    assert percentile([float(n) for n in range(100, 0, -1)], share) == expected


@pytest.mark.parametrize(
    ("kind", "level"),
    [("ext4", Level.READY), ("nfs4", Level.READY), ("overlay", Level.IMPROVE), ("tmpfs", Level.MUST_FIX)],
)
def test_results_must_outlive_the_machine(project, mounted, kind, level):
    result = measure(project, ResultsPersist(mounted(kind)))
    assert result.level is level
    assert not result.blocks


@pytest.mark.parametrize(("kind", "level"), [("xfs", Level.READY), ("nfs", Level.MUST_FIX), ("cifs", Level.MUST_FIX)])
def test_a_tracking_database_on_a_network_drive_blocks(project, mounted, kind, level):
    result = measure(project, DatabaseIsLocal(mounted(kind)))
    assert (result.level, result.blocks) == (level, level is Level.MUST_FIX)


def test_a_database_server_needs_no_local_file(project, mounted):
    config = project.config.model_copy(update={"tracking_uri": "postgresql://db/mlflow"})
    result = measure(replace(project, config=config), DatabaseIsLocal(mounted("nfs")))
    assert result.level is Level.NOT_APPLICABLE
