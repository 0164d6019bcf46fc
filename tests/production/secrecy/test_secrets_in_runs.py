"""Real runs of notebooks that leak their secret in every way we could think of; the run's folder is searched for it.

The search here is its own (`places`), and one test proves that it finds what the others must not find.
"""

import base64
import html
import json
import os
import signal
import subprocess
import sys
import time
import urllib.parse

import pytest
from papermill import execute_notebook

from tests.production.test_launch import start_and_kill
from workbench.errors import BadInput, UnknownName
from workbench.production.journal import recover
from workbench.production.launch import run
from workbench.production.runs import runs
from workbench.project import look
from workbench.records.run import State

pytestmark = pytest.mark.slow

TOKEN = "sk-live/9fQ+x7Lm2&vT4"  # with signs that URL, JSON, HTML and base64 write each in their own way
REFERENCE = "secret://warehouse.token"
VARIABLE = "WORKBENCH_SECRET_WAREHOUSE_TOKEN"
MASK = "[secret:warehouse.token]"
PARAMETERS = "token: str = None  # for the warehouse"

LEAKS = (
    "print(token)\nprint('tok', token, sep='=', end='')",
    "import sys\nfor piece in (token[:3], token[3:9], token[9:]):\n    print(piece, end='', flush=True)",
    "{'token': token, token: [token]}",
    "import logging, warnings\nprint(token, file=sys.stderr)\nlogging.warning('with %s', token)\nwarnings.warn(token)",
    "import base64, json, urllib.parse\nprint(base64.b64encode(f'user:{token}'.encode()).decode())\n"
    "print(base64.urlsafe_b64encode(token.encode()), token.encode().hex(), json.dumps(token), urllib.parse.quote_plus(token))",
    "import os\nprint(os.environ)\n%env",
    "!echo $WORKBENCH_SECRET_WAREHOUSE_TOKEN\nos.system('echo $WORKBENCH_SECRET_WAREHOUSE_TOKEN >&2')\n"
    "os.write(1, token.encode()); os.write(2, token[:9].encode()); os.write(2, token[9:].encode())",
    "import html\nfrom IPython.display import HTML, JSON, Markdown, display\n"
    "display(HTML(f'<b>{html.escape(token)}</b>'), Markdown(token), JSON({'a': {token: token}}), metadata={'who': token})",
    "shown = display('wait', display_id=True)\nshown.update(token)",
    "import pandas as pd\npd.DataFrame({'token': [token]}, index=[token])",
    "import ipywidgets as widgets\nbox = widgets.Text(value=token, description=token)\ndisplay(box)\n"
    "inner = widgets.Output()\ndisplay(inner)\nwith inner:\n"
    "    print(token)\n    print(token[:5], end='', flush=True)\n    print(token[5:])",
    "from workbench import production\nfrom workbench.findings import Finding\n"
    "production.record('key', token, label=token, unit=token)\n"
    "production.finding(Finding(check='a.b', outcome='info', message=token, fix=token, evidence={token: [token]}))",
    "%xmode Verbose\ndef ask(key):\n    secret_key = key[::-1]\n    raise ValueError(f'401 for {key}')\nask(token)",
)


def forms(token=TOKEN):
    """How the leaks write it, and ways around; base64 less the signs at its ends that depend on the neighbours."""
    data = token.encode()
    found = {token, json.dumps(token)[1:-1], html.escape(token), urllib.parse.quote(token), urllib.parse.quote_plus(token)}
    found |= {data.hex(), data.hex().upper()}
    for before in (b"", b"a", b"ab"):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            found.add(encode(before + data + b"z").decode()[4:-4])
    return {form.encode() for form in found}


def places(folder):
    """The files under `folder` that hold a form of the token, by their path."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 4
    return sorted(str(p.relative_to(folder)) for p in files if any(f in p.read_bytes() + str(p).encode() for f in forms()))


@pytest.fixture
def given(monkeypatch):
    monkeypatch.setenv(VARIABLE, TOKEN)
    monkeypatch.setenv("WORKBENCH_SECRET_OTHER", "other-" + TOKEN[::-1])


def outputs(path):
    return [o for cell in json.loads(path.read_text())["cells"] for o in cell.get("outputs", ())]


def test_a_notebook_that_leaks_its_secret_leaves_none_in_the_project(project, template, given):
    template("leaks", PARAMETERS, *LEAKS)
    record = run(project, "leaks", parameter={"token": REFERENCE})
    folder = project.runs / record.run_id
    assert places(project.root) == []
    assert (record.state, record.parameters) == (State.FAILED, {"token": REFERENCE})
    assert (record.failure.name, record.failure.message) == ("ValueError", f"401 for {MASK}")
    assert (record.figures[0].value, record.figures[0].label) == (MASK, MASK)
    assert (record.findings[0].message, record.findings[0].evidence) == (MASK, {MASK: [MASK]})
    notebook = (folder / "output.ipynb").read_text()
    assert ("other-" in notebook, f'token = \\"{REFERENCE}\\"' in notebook) == (False, True)
    cells = json.loads(notebook)["cells"]
    said = {"".join(cell["source"]): json.dumps(cell.get("outputs")) for cell in cells}
    silent = [leak for leak in LEAKS if MASK not in said[leak]]
    assert silent == []  # each of the leaks did leak, and says where
    state = json.dumps(json.loads(notebook)["metadata"]["widgets"])
    assert state.count(MASK) >= 4
    assert MASK in (folder / "log.txt").read_text()  # what a kernel under pytest writes past Jupyter


def test_the_search_finds_the_same_leaks_of_a_plain_parameter(project, template):
    template("leaks", PARAMETERS, *LEAKS)
    record = run(project, "leaks", parameter={"token": TOKEN})
    assert places(project.runs / record.run_id) == ["log.txt", "output.ipynb", "record.json"]


def test_a_file_that_the_notebook_writes_with_the_secret_fails_the_run_and_is_named(project, template, given):
    body = (
        "import base64\nfrom workbench import production\n"
        "(production.folder() / 'plain.txt').write_text(token)\n"
        "(production.folder() / 'header.bin').write_bytes(b'\\0' + base64.b64encode(b'user:' + token.encode()))\n"
        "(production.folder() / 'fine.txt').write_text('nothing')\n"
        "production.artifact('header', production.folder() / 'header.bin')"
    )
    template("writes", PARAMETERS, body)
    record = run(project, "writes", parameter={"token": REFERENCE})
    assert record.state is State.DONE
    assert [(f.check, f.outcome, f.message) for f in record.findings] == [
        ("run.secret", "fail", "header.bin holds the secret 'warehouse.token'"),
        ("run.secret", "fail", "plain.txt holds the secret 'warehouse.token'"),
    ]
    assert places(project.runs / record.run_id) == ["header.bin", "plain.txt"]


def test_a_run_that_is_killed_leaves_no_secret_either(project, template, given):
    body = (
        "import os, sys, time\nprint(token, token[:9], end='')\nsys.stdout.flush()\nos.write(2, token.encode())\n"
        "time.sleep(120)"
    )
    template("sleeps", f"token: str = {REFERENCE!r}  # for the warehouse", body)
    launcher, folder = start_and_kill(project, '"index": 3, "state": "running"')
    journal = folder / "cells.jsonl"
    for _ in range(300):
        if MASK in journal.read_text():
            break
        time.sleep(0.1)
    os.kill(look(folder).process.pid, signal.SIGKILL)
    launcher.wait(30)
    assert look(folder).state is State.LOST
    recover(folder)
    assert MASK in (folder / "output.ipynb").read_text()
    assert places(project.root) == []


KEYRING = """
import json, os
from keyring.backend import KeyringBackend

class Keyring(KeyringBackend):
    priority = 1

    def get_password(self, service, username):
        return json.loads(os.environ["DRAWER"]).get(f"{service} {username}", "").replace("PID", f"process-{os.getpid()}")

    def set_password(self, service, username, password):
        raise NotImplementedError
"""


def papermill(folder, held, *words):
    """papermill as a scheduler calls it, with a keyring that holds `held`."""
    (folder.parent / "drawer.py").write_text(KEYRING)
    environment = {
        **os.environ,
        "PYTHONPATH": str(folder.parent),
        "PYTHON_KEYRING_BACKEND": "drawer.Keyring",
        "DRAWER": json.dumps(held),
    }
    command = [sys.executable, "-m", "papermill", "--engine", "workbench", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


def test_papermill_with_our_engine_keeps_a_secret_of_the_keyring_as_well(project, template):
    path = template("asks", PARAMETERS, "print(token)\nprint(token[::-1])")
    held = {"workbench warehouse.token": TOKEN}
    done = papermill(project.root, held, str(path), "out.ipynb", "--log-output", "-p", "token", REFERENCE)
    assert done.returncode == 0, done.stderr
    (record,) = runs(project).runs
    assert (record.state, record.parameters) == (State.DONE, {"token": REFERENCE})
    assert places(project.root) == []
    (said,) = outputs(project.root / "out.ipynb")
    assert "".join(said["text"]) == f"{MASK}\n{TOKEN[::-1]}\n"  # the kernel did have the value
    assert not any(form.decode() in done.stdout + done.stderr for form in forms())
    assert MASK in done.stderr


def test_a_secret_that_is_nowhere_starts_nothing(project, template, monkeypatch):
    path = template("asks", PARAMETERS, "print(token)")
    with pytest.raises(UnknownName, match=r"no secret named 'warehouse\.token'"):
        run(project, "asks", parameter={"token": REFERENCE})
    monkeypatch.chdir(project.root)
    with pytest.raises(UnknownName) as caught:
        execute_notebook(path, "out.ipynb", parameters={"token": REFERENCE}, engine_name="workbench", progress_bar=False)
    assert caught.value.fix == f"keyring set workbench warehouse.token   (or, for a scheduler, set {VARIABLE})"
    assert not project.runs.exists()


def test_a_template_that_holds_the_secret_itself_starts_nothing(project, template, given):
    template("holds", PARAMETERS, f"print({TOKEN!r})")
    with pytest.raises(BadInput, match="stands in the notebook"):
        run(project, "holds", parameter={"token": REFERENCE})
    assert not project.runs.exists()


def test_a_kernel_that_finds_another_value_gets_none_and_the_run_says_why(project, template):
    path = template("asks", f"token: str = {REFERENCE!r}  # for the warehouse", "print(token)")
    done = papermill(project.root, {"workbench warehouse.token": f"{TOKEN}-PID"}, str(path), "out.ipynb")
    assert done.returncode == 1
    (record,) = runs(project).runs
    assert record.state is State.FAILED
    assert "another value of the secret 'warehouse.token' than its runner" in record.failure.message
    assert places(project.root) == []
