"""Tell somebody outside: a webhook is sent the event, a command is given it. What goes wrong is returned, never raised."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from pydantic import JsonValue

from workbench.errors import BadInput, WorkbenchError
from workbench.production.secrecy import secrets

Event = Mapping[str, JsonValue]

ANSWER_S = 10.0  # a webhook's time to answer
COMMAND_S = 60.0
RETRIES = 3
PAUSE_S = 1.0
_TELLING = ("event", "schedule", "run", "state", "due")  # what a command also finds in its environment


def check_target(target: str) -> None:
    """Refuse what could never be told. Raises BadInput: it is no http(s) URL, no secret's name, no command that is there."""
    if secrets.reference(target) is not None:
        return  # looked up when it is told, where it is told
    if _is_url(target):
        parts = urlsplit(target)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            why = f"it begins with {parts.scheme}://, and a webhook is http or https"
            raise BadInput(f"cannot send anything to '{parts.scheme}://…'", why=why, fix="give a URL such as https://host/path")
        return
    try:
        words = shlex.split(target)
    except ValueError as error:
        raise BadInput(f"'{target}' is no command", why=str(error), fix="close the quotes, or give a URL") from None
    if not words or shutil.which(words[0]) is None:
        program = words[0] if words else ""
        raise BadInput(
            f"'{target}' is no command",
            why=f"there is no program '{program}' on this machine's PATH",
            fix="give its path, or a URL; for pipes and variables: sh -c '…'",
        )


def notify(target: str, event: Event, *, folder: str = ".", pause_s: float = PAUSE_S, command_s: float = COMMAND_S) -> str:
    """Tell `target` of an event; returns why that failed, empty when it worked.

    target: a URL is sent the event as JSON (POST), three times more if it does not answer or is out of order. Anything else is
        a command, without a shell: it gets the JSON on its input, and WORKBENCH_EVENT, _SCHEDULE, _RUN, _STATE and _DUE.
        `secret://name` stands for either of them.
    folder: the project's, where a command runs; WORKBENCH_PROJECT names it.
    pause_s: before the first retry, doubled for each further one. command_s: a command's time to end; then it is killed.
    """
    try:
        name = secrets.reference(target)
        target = target if name is None else secrets.resolve(name)
        return _post(target, event, pause_s) if _is_url(target) else _command(target, event, folder, command_s)
    except WorkbenchError as error:
        return error.what
    except Exception as error:  # a run must not fail because nobody could be told of it
        return f"{type(error).__name__} in telling it"


def _is_url(target: str) -> bool:
    return "://" in target.split(" ", 1)[0]


class _NoRedirect(HTTPRedirectHandler):
    """A webhook that has moved is told as an error: urllib would turn the POST into a GET, and go wherever it is sent."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _post(url: str, event: Event, pause_s: float) -> str:
    request = Request(
        url,
        data=json.dumps(event, ensure_ascii=False).encode(),
        headers={"Content-Type": "application/json", "User-Agent": "notebook-workbench"},
        method="POST",
    )
    opener = build_opener(_NoRedirect)
    failed = ""
    for attempt in range(RETRIES + 1):
        if attempt:
            time.sleep(pause_s * 2 ** (attempt - 1))
        try:
            with opener.open(request, timeout=ANSWER_S):
                return ""
        except HTTPError as error:
            failed = f"{urlsplit(url).hostname} answered {error.code} {error.reason}"
            error.close()
            if error.code < 500 and error.code != 429:
                return failed  # the same again would get the same answer
        except (URLError, OSError, HTTPException) as error:
            failed = f"{urlsplit(url).hostname} cannot be reached: {getattr(error, 'reason', None) or type(error).__name__}"
    return f"{failed}, {RETRIES + 1} times"


def _command(command: str, event: Event, folder: str, limit_s: float) -> str:
    words = shlex.split(command)
    ours = {f"WORKBENCH_{name.upper()}": str(event.get(name) or "") for name in _TELLING}
    try:
        child = subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd=folder,
            env={**os.environ, **ours, "WORKBENCH_PROJECT": folder},
            start_new_session=True,
        )
    except OSError as error:
        return f"{words[0]} cannot be started: {error.strerror}"
    try:
        _, said = child.communicate(json.dumps(event, ensure_ascii=False).encode() + b"\n", timeout=limit_s)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.communicate()
        return f"{words[0]} had not ended after {limit_s:g} s"
    if child.returncode:
        last = said.decode(errors="replace").strip().splitlines()[-1:]
        return f"{words[0]} ended with {child.returncode}" + (f": {last[0][:200]}" if last else "")
    return ""
