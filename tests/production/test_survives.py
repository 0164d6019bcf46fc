"""What production runs must survive, with real processes: killed workers, killed drivers, greedy and hanging templates."""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import psutil
import pytest

from tests.conftest import code, hears_ctrl_c, write_notebook
from workbench.errors import MachineError
from workbench.production.executor import execute
from workbench.production.launch import Asked, prepare, run
from workbench.production.ledger import Ledger
from workbench.production.processes import of_run
from workbench.production.results import RUN_ID
from workbench.production.sweeps.spec import sweep_ids
from workbench.production.templates import load
from workbench.project import look
from workbench.records.run import FailureKind, Limits, State

pytestmark = pytest.mark.slow
COMMAND = [sys.executable, "-m", "workbench"]


def tiny(project, body="", parameters="n: int = 0"):
    path = project.root / "templates" / "tiny.ipynb"
    return write_notebook(path, code(parameters, "parameters"), code(body or "print(n)"))


def start(project, *words):
    """The command line as a process of its own: a driver."""
    return subprocess.Popen(
        [sys.executable, "-m", "workbench", "production", *words],
        cwd=project.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=hears_ctrl_c,
    )


def the_sweep(project, timeout_s=60.0):
    """The id of the one sweep, once its driver has made it."""
    ends_s = time.monotonic() + timeout_s
    while not sweep_ids(project):
        assert time.monotonic() < ends_s
        time.sleep(0.05)
    return sweep_ids(project)[0]


def processes_of(project):
    """Everything that any run of this project has started and that still runs."""
    runs = {path.name for path in project.runs.glob("*")}
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(RUN_ID) in runs and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def wait_for(condition, timeout_s=60.0):
    ends_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < ends_s, "it did not happen"
        time.sleep(0.05)


def done_places(project, sweep):
    return [p for p in Ledger(project).places(sweep) if p.state is State.DONE]


def assert_each_point_has_one_accepted_result(project, sweep, count):
    records = [look(path) for path in project.runs.iterdir()]
    accepted = Counter(r.position for r in records if r.sweep == sweep and r.state is State.DONE and r.accepted)
    assert accepted == Counter(range(count))
    assert len({(r.run_key, r.generation) for r in records if r.accepted}) == count
    assert [p.state for p in Ledger(project).places(sweep)] == [State.DONE] * count


def assert_nothing_is_left(project):
    wait_for(lambda: not processes_of(project), 15)
    torn = [p for p in project.state.rglob("*") if ".tmp" in p.name or p.name == ".begun"]
    assert [p for p in torn if "sweeps" in p.parts or "runs" in p.parts or p.parent == project.state] == []
    assert [f.outcome.value for f in project.audit.verify()] in (["pass"], ["info", "pass"])


def test_200_runs_with_killed_workers_and_a_driver_killed_twice(project):
    """One accepted result each, no orphan kernel, no temporary file, an audit chain that holds."""
    count, chance = 200, random.Random(3)
    tiny(project)
    points = project.root / "points.csv"
    points.write_text("n\n" + "\n".join(map(str, range(count))))
    killed = []
    over = threading.Event()

    def kill_workers():
        """For every fifth run that begins, one of the processes that work on a run just then: its child or its kernel."""
        seen = 0
        while not over.wait(0.2):
            begun = sum(1 for _ in project.runs.glob("*"))
            if begun < seen + 5:
                continue
            seen = begun
            with contextlib.suppress(psutil.Error):
                victims = processes_of(project)
                if victims:
                    victim = chance.choice(victims)
                    victim.kill()
                    killed.append(victim.pid)

    driver = start(project, "sweep", "tiny", "--from", str(points), "--workers", "2", "--retries", "5")
    sweep = the_sweep(project)
    killer = threading.Thread(target=kill_workers)
    killer.start()
    try:
        for enough in (0.3 * count, 0.6 * count):
            while len(done_places(project, sweep)) < enough:
                assert driver.poll() is None, driver.communicate()[0][-2000:]
                time.sleep(0.5)
            driver.kill()
            driver.wait()
            driver = start(project, "resume", sweep)
        out, _ = driver.communicate(timeout=400)
    finally:
        over.set()
        killer.join()
        driver.kill()
    assert driver.returncode == 0, out[-2000:]
    assert len(killed) > 10
    assert_each_point_has_one_accepted_result(project, sweep, count)
    assert_nothing_is_left(project)


def test_two_drivers_on_one_queue_run_each_point_once(project):
    tiny(project, "import time; time.sleep(0.2)")
    first = start(project, "sweep", "tiny", "--grid", "n=0,1,2,3,4,5,6,7", "--workers", "2")
    sweep = the_sweep(project)
    second = start(project, "resume", sweep)
    outs = [driver.communicate(timeout=200)[0] for driver in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], outs
    assert len(list(project.runs.iterdir())) == 8
    assert_each_point_has_one_accepted_result(project, sweep, 8)


def test_what_people_do_to_the_files_of_a_running_sweep(project):
    """The template is edited, the ledger deleted and a finished run's folder removed while the sweep goes on."""
    path = tiny(project, "import time; time.sleep(0.3)")
    driver = start(project, "sweep", "tiny", "--grid", "n=0,1,2,3,4,5", "--workers", "1")
    sweep = the_sweep(project)
    wait_for(lambda: len(done_places(project, sweep)) > 1)  # so that the first one is closed
    write_notebook(path, code("n: int = 0", "parameters"), code("raise SystemExit('edited')"))
    (gone, *_) = done_places(project, sweep)
    shutil.rmtree(project.runs / gone.run_id)
    Ledger(project).file.path.unlink()
    out, _ = driver.communicate(timeout=200)
    again = start(project, "resume", sweep)
    out += again.communicate(timeout=200)[0]
    assert again.returncode == 0, out
    assert_each_point_has_one_accepted_result(project, sweep, 6)
    assert len({look(p).template_sha256 for p in project.runs.iterdir()}) == 1
    assert gone.run_id not in {p.name for p in project.runs.iterdir()}


def test_ctrl_c_once_lets_the_running_ones_end_and_twice_stops_them(project):
    tiny(project, "import time; time.sleep(2)")
    driver = start(project, "sweep", "tiny", "--grid", "n=0,1,2,3", "--workers", "1")
    sweep = the_sweep(project)
    wait_for(lambda: processes_of(project))
    driver.send_signal(signal.SIGINT)
    out, _ = driver.communicate(timeout=60)
    assert len(done_places(project, sweep)) == len(list(project.runs.iterdir())) == 1, out
    assert f"workbench production resume {sweep}" in out
    driver = start(project, "resume", sweep)
    wait_for(lambda: processes_of(project))
    time.sleep(0.5)
    driver.send_signal(signal.SIGINT)
    time.sleep(0.2)
    driver.send_signal(signal.SIGINT)
    out, _ = driver.communicate(timeout=60)
    assert driver.returncode == 3, out
    assert Counter(look(p).state for p in project.runs.iterdir()) == {State.DONE: 1, State.CANCELLED: 1}
    assert_nothing_is_left(project)


def test_a_driver_that_is_killed_takes_its_runs_with_it(project):
    tiny(project, "import time; time.sleep(60)")
    driver = start(project, "run", "tiny")
    wait_for(lambda: processes_of(project))
    driver.kill()
    driver.wait()
    wait_for(lambda: not processes_of(project), 20)
    (folder,) = project.runs.iterdir()
    record = look(folder)
    assert (record.state, record.failure.name) == (State.CANCELLED, "StarterGone")


def test_a_run_that_hangs_is_stopped_when_its_time_is_over(project):
    tiny(project, "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass")
    record = run(project, "tiny", timeout=4)
    assert (record.state, record.failure.kind, record.failure.name) == (State.FAILED, FailureKind.LIMIT, "RunTimeout")
    assert record.wall_s < 30
    assert_nothing_is_left(project)


def test_a_cell_that_takes_too_long_is_a_failed_cell(project):
    tiny(project, "import time; time.sleep(60)")
    record = run(project, "tiny", cell_timeout=1)
    assert (record.state, record.failure.name, record.failure.cell) == (State.FAILED, "CellTimeoutError", 2)


def test_a_run_that_eats_memory_is_stopped_and_the_machine_goes_on(project):
    body = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'x = []\\nwhile True: x.append(bytearray(2**22))'])"
    tiny(project, body)
    record = run(project, "tiny", memory="700MiB")
    assert (record.state, record.failure.kind, record.failure.name) == (State.FAILED, FailureKind.LIMIT, "MemoryLimit")
    assert_nothing_is_left(project)


def test_a_kernel_that_exits_is_a_failure_of_infrastructure(project):
    tiny(project, "import os; os._exit(7)")
    record = run(project, "tiny")
    assert (record.state, record.failure.kind) == (State.FAILED, FailureKind.INFRASTRUCTURE)


def test_a_process_that_wants_to_outlive_its_run_does_not(project):
    daemon = (
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        time.sleep(600)\n    os._exit(0)"
    )
    tiny(project, f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {daemon!r}])")
    record = run(project, "tiny")
    assert record.state is State.DONE
    assert list(of_run(record.run_id)) == []


def test_a_spec_that_is_delivered_twice_runs_once(project):
    tiny(project, "from workbench import production\nopen(production.folder() / 'ran.txt', 'a').write('x')")
    name, notebook, _ = load(project, "tiny")
    folder = prepare(project, name, notebook, {"n": 1}, asked=Asked(limits=Limits()))
    threads = [threading.Thread(target=execute, args=(project, folder)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert execute(project, folder).state is State.DONE
    assert (folder / "ran.txt").read_text() == "x"


def test_cancel_stops_a_run_from_another_terminal(project):
    tiny(project, "import time; time.sleep(60)")
    driver = start(project, "run", "tiny")
    wait_for(lambda: processes_of(project))
    (folder,) = project.runs.iterdir()
    done = subprocess.run(
        [*COMMAND, "production", "cancel", folder.name[-8:], "--json"], cwd=project.root, capture_output=True, timeout=60
    )
    record = json.loads(done.stdout)
    assert (record["state"], record["failure"]["name"]) == ("cancelled", "Cancelled")
    driver.communicate(timeout=60)
    assert driver.returncode == 3


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_stops_a_sweep_in_order_and_resume_goes_on(project, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("this container may not mount")
    try:
        shutil.copytree(project.root, disk / "project")
        from dataclasses import replace

        small = replace(project, root=disk / "project")
        tiny(small, "from workbench import production\n(production.folder() / 'big').write_bytes(b'x' * 300_000)")
        driver = start(small, "sweep", "tiny", "--grid", "n=0,1,2,3", "--workers", "1", "--retries", "0")
        out, _ = driver.communicate(timeout=200)
        assert driver.returncode in (2, 3), out
        assert "disk is full" in out or "No space left" in out, out
        sweep = the_sweep(small)
        before = {p.run_id for p in done_places(small, sweep)}
        subprocess.run(["mount", "-o", "remount,size=40m", disk], check=True)
        again = start(small, "resume", sweep, "--failed")
        out, _ = again.communicate(timeout=200)
        assert again.returncode == 0, out
        assert before <= {p.run_id for p in done_places(small, sweep)}
        assert_each_point_has_one_accepted_result(small, sweep, 4)
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_a_lost_run_keeps_what_its_cells_gave(project):
    path = project.root / "templates" / "tiny.ipynb"
    write_notebook(path, code("n: int = 0", "parameters"), code("print('first')"), code("import time; time.sleep(60)"))
    driver = start(project, "run", "tiny")
    wait_for(
        lambda: list(project.runs.glob("*/cells.jsonl")) and b"first" in next(project.runs.glob("*/cells.jsonl")).read_bytes()
    )
    time.sleep(1.2)
    (folder,) = project.runs.iterdir()
    os.kill(look(folder).process.pid, signal.SIGKILL)
    driver.communicate(timeout=60)
    assert look(folder).state is State.LOST
    assert "first" in (folder / "output.ipynb").read_text()
    assert_nothing_is_left(project)


def test_a_missing_disk_is_told_before_a_run_begins(project, tmp_path):
    tiny(project)
    name, notebook, _ = load(project, "tiny")
    shutil.rmtree(project.state)
    project.state.write_text("not a folder")
    with pytest.raises(MachineError):
        prepare(project, name, notebook, {"n": 1})
    assert Path(project.state).read_text() == "not a folder"
