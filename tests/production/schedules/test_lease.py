import subprocess
import sys
import time
from datetime import timedelta

import pytest

from workbench.machine import this_process
from workbench.production.schedules.lease import Lease, LeaseLost
from workbench.project.worker import LEASE, alive_worker
from workbench.records.run import Process
from workbench.records.worker import WorkerRecord


def rewrite(project, **changes):
    """The lease's file, changed as another worker would."""
    path = project.state / LEASE
    record = WorkerRecord.load(path).model_copy(update=changes)
    record.write(path)
    return record


def ended_process():
    """A process of this machine that is gone: its identity while it lived."""
    code = "from workbench.machine import this_process; print(this_process().model_dump_json())"
    return Process.model_validate_json(subprocess.run([sys.executable, "-c", code], capture_output=True).stdout)


ELSEWHERE = Process(host="elsewhere", boot_id="b", pid=1, started=1.0)


def test_one_worker_owns_the_schedules_and_another_is_told_who(project):
    assert Lease(project).take() == (True, None)
    taken, owner = Lease(project).take()
    assert (taken, owner.process) == (False, this_process())
    assert alive_worker(project) == owner


def test_a_lease_that_is_given_up_is_free(project):
    lease = Lease(project)
    lease.take()
    lease.release()
    assert alive_worker(project) is None
    assert Lease(project).take() == (True, None)


def test_an_owner_whose_process_is_gone_is_replaced_at_once(project):
    Lease(project, lease_s=3600).take()
    dead = rewrite(project, process=ended_process())
    assert alive_worker(project) is None
    assert Lease(project).take() == (True, dead)


def test_an_owner_on_another_host_is_replaced_once_its_heart_stands_still_for_a_lease(project):
    Lease(project, lease_s=0.2).take()
    rewrite(project, process=ELSEWHERE)
    waiting = Lease(project)
    for beat in range(1, 4):  # its heart beats: no time that passes is enough
        rewrite(project, beat=beat)
        assert waiting.take()[0] is False
    time.sleep(0.3)
    assert waiting.take()[0] is True


def test_the_clock_on_the_wall_says_nothing_about_a_lease(project):
    Lease(project, lease_s=30).take()
    rewrite(project, process=ELSEWHERE, heartbeat=project.clock() - timedelta(days=9))
    assert Lease(project).take()[0] is False
    assert alive_worker(project) is None  # a person is told what the file says


def test_who_lost_the_lease_may_not_act_any_more_and_leaves_it_to_the_other(project):
    lease = Lease(project)
    lease.take()
    other = rewrite(project, token="another", process=ELSEWHERE)
    with pytest.raises(LeaseLost), lease.holding():
        raise AssertionError("it may not")
    with pytest.raises(LeaseLost):
        lease.beat(schedules=1)
    lease.release()
    assert WorkerRecord.load(project.state / LEASE) == other


def test_a_heartbeat_tells_what_is_new_and_is_otherwise_rare(project):
    lease = Lease(project)
    lease.take()
    lease.beat(schedules=2, next_schedule="nightly", next_due=project.clock())
    lease.beat(schedules=2, next_schedule="nightly", next_due=project.clock())
    record = alive_worker(project)
    assert (record.beat, record.schedules, record.next_schedule) == (1, 2, "nightly")


def test_a_lease_whose_file_was_removed_is_still_held(project):
    lease = Lease(project)
    lease.take()
    (project.state / LEASE).unlink()
    lease.beat(schedules=1)
    assert alive_worker(project).schedules == 1
