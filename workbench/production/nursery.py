"""A process that has papermill loaded and forks a child for each run: importing it costs more than most short notebooks.

`python -m workbench.production.nursery` reads a line of JSON for each run from its standard input and answers with lines
`{"run": …, "pid": …}` when it has begun and `{"pid": …, "status": …}` when it has ended. When its input is closed it ends.
Its children watch the same pipe (watch.py): they stop when whoever opened it is gone.

It has one thread and opens nothing, so that a fork of it is as good as a new process.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

from workbench.production import child


def serve() -> None:
    """Fork a child a line until the input is closed."""
    child.load_papermill()
    woken, waker = socket.socketpair()
    waker.setblocking(False)
    signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    selector = selectors.DefaultSelector()
    selector.register(woken, selectors.EVENT_READ)
    selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
    waiting = b""
    while True:
        for key, _ in selector.select():
            if key.fileobj is woken:
                woken.recv(4096)
                _reap()
                continue
            data = os.read(sys.stdin.fileno(), 1 << 16)
            if not data:
                return
            *lines, waiting = (waiting + data).split(b"\n")
            for line in lines:
                asked = json.loads(line)
                pid = os.fork()
                if pid == 0:
                    woken.close()
                    waker.close()
                    selector.close()
                    _become(asked)
                _answer(run=asked["run"], pid=pid)


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            _answer(pid=pid, status=os.waitstatus_to_exitcode(status))


def _answer(**facts: Any) -> None:
    os.write(1, json.dumps(facts).encode() + b"\n")


def _become(asked: dict[str, Any]) -> NoReturn:
    """This fork is the child process of a run from here on."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGTERM, child.stop)
        os.setsid()
        os.chdir(asked["cwd"])
        log = os.open(asked["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.close(log)
        os.environ.clear()
        os.environ.update(asked["environment"])
        child.main(Path(asked["folder"]))
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    serve()
