"""Start, detach and stop the worker."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

from workbench.errors import BadInput, MachineError
from workbench.machine import effective_cpus, is_alive
from workbench.plugins import need
from workbench.production.recorder import ADOPT
from workbench.production.results import RUN_FOLDER, RUN_ID
from workbench.production.schedules.lease import owned
from workbench.production.schedules.worker import Worker
from workbench.project import Project
from workbench.project.worker import alive_worker
from workbench.records.files import cannot_write
from workbench.records.worker import WorkerRecord

log = logging.getLogger("workbench.worker")

START_S = 20.0  # a detached worker's time to start
SETTLED_S = 2.0  # a worker that stands by for so long has started well
STOP_S = 15.0


def worker(
    project: Project, *, detach: bool = False, standby: bool = False, stop: bool = False, at_once: int | None = None
) -> WorkerRecord:
    """Run the schedules of this project, here, until Ctrl-C or SIGTERM.

    detach: start it in a session of its own, so that it outlives this terminal; it writes .workbench/worker.log.
    standby: wait while another worker is alive, and take over when it is gone.
    stop: end the worker that is alive; it waits for the runs that are going.
    at_once: how many runs may go on together; one for each processor when left out.
    """
    for module in ("apscheduler", "cronsim"):
        need(module, extra="schedule")
    if at_once is not None and at_once < 1:
        raise BadInput(f"cannot run {at_once} at once", why="at least one must be possible", fix="--at-once 1")
    if stop:
        return _stop(project)
    if detach:
        return _detach(project, standby=standby, at_once=at_once)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname).1s %(message)s", stream=sys.stderr)
    found = Worker(replace(project, listener=lambda _event: None), at_once=at_once or effective_cpus())
    try:
        found.work(standby=standby)
    except KeyboardInterrupt:
        if found.stopped is not None:
            return found.stopped.model_copy(update={"stopped": True})
        if found.lease.mine is None and not found.stopping:
            raise  # it was standing by
        log.warning("stopping at once: the runs that are going notice it, and stop too")
        os._exit(3)  # the interpreter's own way would wait for them


def _detach(project: Project, *, standby: bool, at_once: int | None) -> WorkerRecord:
    before = alive_worker(project)
    if before is not None and not standby:
        raise owned(before)
    command = [sys.executable, "-P", "-m", "workbench", "--project", str(project.root), "production", "worker"]
    command += ["--standby"] if standby else []
    command += ["--at-once", str(at_once)] if at_once else []
    # started from a notebook's run, it must not seem to belong to that run
    environment = {k: v for k, v in os.environ.items() if k not in (ADOPT, RUN_ID, RUN_FOLDER)}
    path = project.state / "worker.log"
    try:
        with open(path, "ab") as out:
            child = subprocess.Popen(
                command,
                cwd=project.root,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
    except OSError as error:
        raise cannot_write(path, error) from error
    began = time.monotonic()
    while (waited := time.monotonic() - began) < START_S and child.poll() is None:
        now = alive_worker(project)
        if now is not None and (now.process.pid == child.pid or (standby and waited > SETTLED_S)):
            return now
        time.sleep(0.1)
    raise MachineError(
        "the worker did not start",
        why="it ended at once" if child.poll() is not None else f"it did not answer in {START_S:g} s",
        fix=f"read {path}",
    )


def _stop(project: Project) -> WorkerRecord:
    found = alive_worker(project)
    if found is None:
        raise BadInput("no worker is alive", why="there is nothing to stop", fix="workbench production schedules")
    if is_alive(found.process) is None:
        raise BadInput("the worker cannot be stopped from here", why=f"it runs on {found.process.host}", fix="stop it there")
    try:
        os.kill(found.process.pid, signal.SIGTERM)
    except PermissionError as error:
        raise BadInput("the worker cannot be stopped", why=f"it belongs to {found.actor}", fix="ask them") from error
    deadline = time.monotonic() + STOP_S
    while time.monotonic() < deadline:
        now = alive_worker(project)
        if now is None or now.token != found.token:
            return found.model_copy(update={"stopped": True})
        time.sleep(0.1)
    raise MachineError(
        "the worker does not stop", why=f"{found.where} had not let go after {STOP_S:g} s", fix=f"kill {found.process.pid}"
    )
