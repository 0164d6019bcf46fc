"""The processes of a run are found by its id, wherever they have gone, and what they hold is counted."""

import os
import subprocess
import sys

import psutil

from workbench.production.processes import end_leftovers, of_run, resident_bytes, tree
from workbench.production.results import RUN_ID

SLEEPER = "import os, sys, time\nos.setsid()\nprint('up', flush=True)\ntime.sleep(60)"


def start(code, **variables):
    child = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, **variables}, stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "up\n"
    return child


def test_a_process_in_a_session_of_its_own_is_found_and_ended():
    mine, other = start(SLEEPER, **{RUN_ID: "run-a"}), start(SLEEPER, **{RUN_ID: "run-b"})
    try:
        assert [p.pid for p in of_run("run-a")] == [mine.pid]
        assert end_leftovers("run-a") == [mine.pid]
        assert mine.wait(5) is not None
        assert (end_leftovers("run-a"), other.poll()) == ([], None)
    finally:
        other.kill()
        other.wait()


def test_one_that_does_not_listen_is_killed():
    deaf = start(
        "import signal, time\nsignal.signal(15, signal.SIG_IGN)\nprint('up', flush=True)\ntime.sleep(60)", **{RUN_ID: "run-c"}
    )
    end_leftovers("run-c")
    assert deaf.wait(5) == -9


def test_memory_counts_the_whole_tree():
    grow = "x = bytearray(80_000_000)\nprint('up', flush=True)\nimport time; time.sleep(60)"
    before = resident_bytes(os.getpid())
    child = start(grow)
    try:
        assert child.pid in {p.pid for p in tree(os.getpid())}
        assert resident_bytes(os.getpid()) - before > 75_000_000
        assert 80_000_000 < resident_bytes(child.pid) < 200_000_000
    finally:
        child.kill()
        child.wait()


def test_a_process_that_is_gone_holds_nothing():
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert (tree(child.pid), resident_bytes(child.pid)) == ([], 0)
    assert psutil.pid_exists(os.getpid())
