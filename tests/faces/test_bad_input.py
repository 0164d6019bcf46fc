"""Bad input through the real command line: a letter of three lines, the right exit code, nothing half-written."""

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import as_nobody, code, needs_root, text, write_notebook
from workbench import project as projects
from workbench.access.rules import load_policy
from workbench.cli.commands import main
from workbench.errors import UserError
from workbench.production.pipelines.pipeline import pipeline
from workbench.production.results import MIME
from workbench.project import look
from workbench.records.run import State

COMMAND = [sys.executable, "-m", "workbench"]


def workbench(*words, **how):
    return subprocess.run([*COMMAND, *map(str, words)], capture_output=True, text=True, timeout=120, **how)


def letter(done, exit_code=2):
    """The error of a call with --json, after a check of its form."""
    assert (done.returncode, done.stderr) == (exit_code, ""), done.stderr
    error = json.loads(done.stdout)["error"]
    assert list(error) == ["what", "why", "fix"]
    assert all(error.values())
    return error


def spoilt(path, **changes):
    """A notebook of one cell with these parts of the cell changed."""
    write_notebook(path, code("x: int = 1  # a number", "parameters"))
    data = json.loads(path.read_text())
    data["cells"][0] |= changes
    path.write_text(json.dumps(data))


BROKEN = {
    "cut": '{"cells": [',
    "list": "[]",
    "deep": "[" * 100_000,
    "cells": '{"cells": {"a": 1}, "nbformat": 4}',
    "old": '{"cells": [], "nbformat": 3}',
}
SPOILT = {
    "metadata": {"metadata": None},
    "tags": {"metadata": {"tags": None}},
    "source": {"source": [1]},
    "outputs": {"outputs": 1},
}


@pytest.mark.parametrize("name", [*BROKEN, *SPOILT])
def test_a_corrupt_notebook_starts_nothing(project, name):
    path = project.root / "templates" / f"{name}.ipynb"
    if name in BROKEN:
        path.write_text(BROKEN[name])
    else:
        spoilt(path, **SPOILT[name])
    assert "is not a readable notebook" in letter(workbench("production", "run", name, "--json", cwd=project.root))["what"]
    assert not project.runs.exists()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["production", "run", "~no-such-user/x.ipynb"], "this machine knows no such home"),
        (["production", "run", "/dev/null/x.ipynb"], "Not a directory"),
        (["--project", "~no-such-user/x", "status"], "this machine knows no such home"),
        (["access", "register", "~no-such-user/x.csv"], "this machine knows no such home"),
        (["access", "register", b"caf\xe9.csv".decode(errors="surrogateescape")], "its name is not UTF-8"),
        (["production", "run", "assess", "-p", "=1"], "the command line is not understood"),
        (["status", "--fail-on", "x"], "the command line is not understood"),
    ],
)
def test_a_path_or_a_word_that_cannot_be_used_is_the_users_mistake(project, words, why):
    assert letter(workbench(*words, "--json", cwd=project.root))["why"] == why


def test_the_variable_may_point_nowhere(tmp_path):
    nowhere = tmp_path / "no where"
    error = letter(workbench("status", "--json", env={**os.environ, "WORKBENCH_PROJECT": str(nowhere)}))
    assert error["fix"] == f"workbench init '{nowhere}'"


def test_a_project_may_have_any_name_and_place(tmp_path):
    root = tmp_path / 'it\'s a "place" [red] 😀'
    name = 'a\n"b"\\ \x7f😀 <script>[red]'
    assert workbench("init", root, "--name", name).returncode == 0
    assert projects.open_project(root).config.name == name
    (root / "ok.csv").write_text("id,v\n1,2\n2,3\n")
    (tmp_path / "link").symlink_to(root)
    assert workbench("access", "register", "ok.csv", cwd=tmp_path / "link").returncode == 0
    assert workbench("access", "check", "ok", cwd=root).returncode == 0


def test_what_data_hold_never_reaches_the_terminal_as_control(project):
    (project.root / "esc.csv").write_text("id,<script>[red]\n1,\x1b]0;title\x07\n2,😀\n")
    for encoding in ("utf-8", "ascii"):
        env = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
        done = workbench("access", "register", "esc.csv", cwd=project.root, env=env, encoding="utf-8")
        assert (done.returncode, done.stderr) == (0, "")
        assert "\x1b" not in done.stdout
        assert "\\x1b]0;title\\x07" in done.stdout
        assert "<script>[red]" in done.stdout
        assert ("😀" if encoding == "utf-8" else "\\U0001f600") in done.stdout


def test_a_reader_that_leaves_early_is_no_error(project):
    for words in (["production", "templates"], ["production", "templates", "--json"]):
        child = subprocess.Popen([*COMMAND, *words], cwd=project.root, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        child.stdout.close()
        assert (child.stderr.read(), child.wait(60)) == (b"", 0)


def test_without_an_output_a_verb_still_works(project):
    done = subprocess.run(["sh", "-c", f"{sys.executable} -m workbench status >&-"], cwd=project.root, capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")


def test_of_two_registers_of_one_name_at_once_one_is_refused(project):
    children = []
    for name in ("a", "b"):
        (project.root / f"{name}.csv").write_text(f"id,{name}\n1,2\n2,3\n")
        words = ["access", "register", f"{name}.csv", "--name", "same"]
        children.append(
            subprocess.Popen([*COMMAND, *words], cwd=project.root, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        )
    told = [child.communicate(timeout=60)[1] for child in children]
    assert sorted(child.returncode for child in children) == [0, 2]
    assert b"there is a dataset 'same' already" in b"".join(told)
    assert [e["event"] for e in project.audit.entries()] == ["project.init", "access.register"]


def test_an_audit_log_that_was_edited_or_removed_fails(project):
    assert workbench("audit", "verify", cwd=project.root).returncode == 0
    path = project.audit.path
    whole = path.read_text()
    path.write_text(whole.replace('"actor":"', '"actor":"not '))
    done = workbench("audit", "verify", cwd=project.root)
    assert (done.returncode, "line 1: its text was changed" in done.stdout) == (1, True)
    for line in ("NaN", '{"facts":1}', '{"seq":"x","event":1,"facts":[],"prev":0,"hash":0}', "[" * 100_000, "\x00\xff"):
        path.write_text(f"{whole}{line}\n", encoding="latin-1")
        assert workbench("audit", "list", cwd=project.root).returncode == 0
        assert "is torn" in workbench("audit", "verify", cwd=project.root).stdout
    path.unlink()
    assert workbench("audit", "verify", cwd=project.root).returncode == 1


def test_one_record_that_cannot_be_read_does_not_hide_the_project(project):
    for name, content in (("newer", '{"kind": "run", "version": 9}'), ("odd", '{"kind": "run", "version": "x"}'), ("cut", "{")):
        (project.runs / name).mkdir(parents=True)
        (project.runs / name / "record.json").write_text(content)
    listed = workbench("production", "runs", "--json", cwd=project.root)
    assert (listed.returncode, len(json.loads(listed.stdout)["findings"])) == (0, 3)
    assert json.loads(workbench("status", "--json", cwd=project.root).stdout)["runs"] == {"unreadable": 3}
    assert "newer workbench" in letter(workbench("production", "show", "newer", "--json", cwd=project.root))["what"]


def called(*words):
    """Exit code and standard output of a call in this process: another user may not even start our interpreter."""
    printed = io.StringIO()
    sys.argv = ["workbench", *map(str, words)]
    with contextlib.redirect_stdout(printed), pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code, printed.getvalue()


@needs_root
def test_a_project_that_one_may_only_read_can_be_looked_at_and_says_so_when_used():
    root = Path(f"/tmp/workbench-read-only-{os.getpid()}")  # pytest's own folders are root's alone
    projects.init(root)
    write_notebook(root / "templates" / "t.ipynb", code("x: int = 1  # a number", "parameters"))
    (root / "policy.toml").chmod(0o600)
    looks = [("status",), ("production", "runs"), ("production", "run", "t"), ("production", "pipeline", "p")]

    def act():
        try:
            load_policy(projects.open_project(root))
        except UserError as error:
            return error.why, [called("--project", root, *words, "--json") for words in looks]

    try:
        for words in [*looks[:2], ("production", "run", "no"), looks[3]]:  # whatever they import, that user cannot
            called("--project", root, *words)
        unread, looked = as_nobody(act)
        assert unread == "Permission denied"
        assert [exit_code for exit_code, _ in looked] == [0, 0, 3, 2]
        assert json.loads(looked[2][1])["error"]["why"] == "you may not write there"
        assert not (root / ".workbench" / "runs").exists()
    finally:
        subprocess.run(["rm", "-r", root], check=True)


# from here on kernels start


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A project with the templates of all the runs below."""
    projects.init(tmp_path_factory.mktemp("house") / "p")
    project = projects.open_project(tmp_path_factory.getbasetemp() / "house0" / "p")
    declares = f"display({{'{MIME}': {{'kind': 'figure'}}, 'text/plain': ''}}, raw=True)"
    makes = "from workbench import production\nproduction.artifact('t', production.folder() / 'input.ipynb')"
    evil = (
        "from workbench import production\n"
        "production.record('f', '<script>v</script>', unit='<u>', label='<i>', headline=True)\n" + makes
    )
    for name, parameters, source in (
        ("misdeclares", "n: int = 1  # a number", declares),
        ("evil", "t: str = '<script>p</script>'  # text", evil),
        (
            "takes",
            "from pathlib import Path\nt: Path | None = None  # a file\nmaybe: str | Path = ''  # a file or a name",
            "x = t",
        ),
        ("prints", "n: int = 1  # a number", "print('x' * 4_000_000)"),
        ("sleeps", "n: int = 1  # a number", "import time\ntime.sleep(120)"),
    ):
        title = text(f"# <script>{name}</script> [red]\x1b[31m\n\nA sum <b>.")
        write_notebook(project.root / "templates" / f"{name}.ipynb", title, code(parameters, "parameters"), code(source))
    return project


@pytest.mark.slow
def test_a_wrong_declaration_is_a_failed_run_that_says_so(house):
    done = workbench("production", "run", "misdeclares", "--json", cwd=house.root)
    record = json.loads(done.stdout)
    assert (done.returncode, record["state"], record["failure"]["name"]) == (3, "failed", "ValidationError")


@pytest.mark.slow
def test_a_value_too_long_for_a_path_and_a_device_are_no_inputs(house):
    for value in ("x" * 5_000, "/dev/zero"):
        told = letter(workbench("production", "run", "takes", "-p", f"t={value}", "--json", cwd=house.root))
        assert told["what"] == "'t' cannot be read"
        record = json.loads(workbench("production", "run", "takes", "-p", f"maybe={value}", "--json", cwd=house.root).stdout)
        assert (record["state"], record["inputs"]) == ("done", [])


@pytest.mark.slow
def test_a_run_that_is_asked_to_end_is_cancelled_as_by_ctrl_c(house):
    words = [*COMMAND, "production", "run", "sleeps", "--json"]
    child = subprocess.Popen(words, cwd=house.root, stdout=subprocess.PIPE, text=True)
    for _ in range(600):
        started = [p for p in house.runs.glob("*-sleeps-*/events.jsonl") if '"index": 2, "state": "running"' in p.read_text()]
        if started:
            break
        time.sleep(0.1)
    child.send_signal(signal.SIGTERM)
    printed = child.communicate(timeout=60)[0]
    assert (child.returncode, json.loads(printed)["error"]["what"]) == (3, "cancelled; what was finished is kept")
    assert look(started[0].parent).state is State.CANCELLED


STEPS = """
title = "<script>t</script>"
[steps.one]
template = "evil"
[steps.two]
template = "takes"
inputs.t = "one.t"
"""


@pytest.mark.slow
def test_a_pipeline_goes_on_from_its_own_last_run_only_and_not_when_its_files_are_gone(house):
    for name in ("two", "a two", "a-two"):
        (house.root / "pipelines" / f"{name}.toml").write_text(STEPS)
    first = pipeline(house, "a two")
    assert first.state is State.DONE
    assert "<script" not in (house.root / "report.html").read_text()
    for other in ("two", "a-two"):
        error = letter(workbench("production", "pipeline", other, "--from", "two", "--json", cwd=house.root))
        assert (error["what"], error["fix"]) == ("cannot go on from 'two'", f"workbench production pipeline {other}")
    again = pipeline(house, "a two", from_="two")
    assert (again.state, again.steps[0].run_id) == (State.DONE, first.steps[0].run_id)
    before = sorted((house.state / "pipelines").iterdir())
    (house.runs / first.steps[0].run_id / "input.ipynb").unlink()
    error = letter(workbench("production", "pipeline", "a two", "--from", "two", "--json", cwd=house.root))
    assert error["why"].endswith("any more: its files are gone")
    assert error["fix"] == "workbench production pipeline 'a two'"
    assert sorted((house.state / "pipelines").iterdir()) == before


@pytest.mark.slow
def test_papermill_leaves_the_record_where_it_stands_when_there_is_no_output_file(house, tmp_path):
    write_notebook(tmp_path / "in put.ipynb", code("n: int = 1", "parameters"))
    words = ["-m", "papermill", "--engine", "workbench", "in put.ipynb", "-", "-p", "n", "2", "--no-progress-bar"]
    done = subprocess.run([sys.executable, *words], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    folder = next(tmp_path.glob("*-in-put-*"))
    assert (look(folder).state, look(folder).parameters) == (State.DONE, {"n": 2})


@pytest.mark.slow
@needs_root
def test_a_run_that_fills_the_disk_fails_with_the_reason_and_leaves_no_torn_file(house, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("this container may not mount")
    try:
        projects.init(disk / "p")
        (disk / "p" / "templates" / "prints.ipynb").write_bytes((house.root / "templates" / "prints.ipynb").read_bytes())
        done = workbench("production", "run", "prints", "--json", cwd=disk / "p")
        record = json.loads(done.stdout)
        assert (done.returncode, record["state"]) == (3, "failed")
        assert "the disk is full" in record["failure"]["message"]
        assert not (disk / "p" / ".workbench" / "runs" / record["run_id"] / "output.ipynb").exists()
        subprocess.run(["dd", "if=/dev/zero", f"of={disk}/fill", "bs=1k"], capture_output=True)
        assert letter(workbench("production", "run", "prints", "--json", cwd=disk / "p"), 3)["why"] == "the disk is full"
        assert [p.name for p in (disk / "p" / ".workbench" / "runs").iterdir()] == [record["run_id"]]
    finally:
        subprocess.run(["umount", disk], check=True)
