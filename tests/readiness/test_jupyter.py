import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.readiness.checks.jupyter import JupyterExposure, Server
from workbench.readiness.runner import measure
from workbench.records.scorecard import Level


@pytest.fixture
def jupyter(project, tmp_path):
    """`jupyter(python=…, servers=[…])` assesses that configuration file and those running servers."""
    config, runtime = tmp_path / "config", tmp_path / "runtime"
    config.mkdir()
    runtime.mkdir()

    def assess(python="", *, as_json=None, servers=(), environ=()):
        (config / "jupyter_server_config.py").write_text(python)
        if as_json is not None:
            (config / "jupyter_server_config.json").write_text(json.dumps(as_json))
        for number, server in enumerate(servers):
            (runtime / f"jpserver-{number}.json").write_text(json.dumps(server))
        return measure(project, JupyterExposure([config], runtime, dict(environ)))

    return assess


def running(**changes):
    """What Jupyter writes of a running server; its process is this one."""
    defaults = {
        "hostname": "localhost",
        "port": 8888,
        "token": "abc",
        "password": False,
        "secure": False,
        "sock": "",
        "pid": os.getpid(),
    }
    return {**defaults, **changes}


def test_the_defaults_of_jupyter_open_nothing(jupyter):
    result = jupyter()
    assert (result.level, result.reason) == (Level.READY, "none runs; the configuration opens nothing")


@pytest.mark.parametrize(
    ("python", "level"),
    [
        ("c.IdentityProvider.token = ''\nc.ServerApp.ip = '0.0.0.0'", Level.MUST_FIX),
        ("c.ServerApp.token = ''\nc.ServerApp.allow_origin = '*'", Level.MUST_FIX),
        (
            "c.ServerApp.token = ''\nc.ServerApp.ip = '*'\nc.PasswordIdentityProvider.hashed_password = 'argon2:x'",
            Level.IMPROVE,
        ),
        ("c.ServerApp.token = ''", Level.IMPROVE),
        ("c.ServerApp.ip = '0.0.0.0'", Level.IMPROVE),
        ("c.ServerApp.ip = '0.0.0.0'\nc.ServerApp.certfile = '/x.pem'", Level.READY),
        ("c.ServerApp.allow_origin = '*'", Level.IMPROVE),
        ("c.ServerApp.allow_root = True", Level.IMPROVE),
        ("c.ServerApp.port = 9999", Level.READY),
        ("c.ServerApp.token = secret()", Level.READY),
    ],
)
def test_what_a_configuration_file_opens(jupyter, python, level):
    result = jupyter(python)
    assert (result.level, result.blocks) == (level, level is Level.MUST_FIX)


def test_a_configuration_is_never_run(jupyter, tmp_path):
    jupyter(f"open({str(tmp_path / 'ran')!r}, 'w')\nc.ServerApp.ip = 'localhost'")
    assert not (tmp_path / "ran").exists()


def test_a_json_configuration_counts_as_well(jupyter):
    result = jupyter(as_json={"ServerApp": {"ip": "0.0.0.0"}, "IdentityProvider": {"token": ""}})
    assert result.level is Level.MUST_FIX
    assert result.reason == "the configuration: no token and no password, listens on 0.0.0.0 without TLS"


def test_a_configuration_that_cannot_be_read_is_named(jupyter):
    result = jupyter("c.ServerApp.ip = ")
    assert (result.level, "not readable: jupyter_server_config.py, SyntaxError" in result.reason) == (Level.IMPROVE, True)


def test_a_running_server_without_token_on_all_addresses_blocks(jupyter):
    result = jupyter(servers=[running(hostname="0.0.0.0", token="")])
    assert result.blocks
    assert result.reason.startswith("the server on port 8888: no token and no password, listens on 0.0.0.0 without TLS")


def test_a_token_is_never_shown(jupyter):
    result = jupyter("c.ServerApp.token = 's3cr3t-in-file'", servers=[running(token="s3cr3t-running", hostname="0.0.0.0")])
    assert "s3cr3t" not in result.model_dump_json()


def test_a_socket_is_reached_only_from_this_machine(jupyter):
    result = jupyter(servers=[running(hostname="0.0.0.0", sock="/run/lab.sock")])
    assert "listens on" not in result.reason


def test_a_server_that_has_died_is_left_out(jupyter):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    assert jupyter(servers=[running(pid=gone.pid, token="", hostname="0.0.0.0")]).level is Level.READY


def test_a_process_that_took_over_the_number_of_a_dead_server_is_no_server(project, tmp_path):
    path = tmp_path / "jpserver-1.json"
    path.write_text(json.dumps(running(token="", hostname="0.0.0.0")))
    os.utime(path, (1, 1))
    assert measure(project, JupyterExposure([], tmp_path, {})).level is Level.READY


def test_behind_a_hub_the_hub_asks_for_the_login(jupyter):
    result = jupyter(servers=[running(hostname="0.0.0.0", token="")], environ={"JUPYTERHUB_SERVICE_PREFIX": "/user/ana/"})
    assert result.level is Level.IMPROVE
    assert "no token" not in result.reason


@pytest.mark.parametrize(
    ("ip", "exposed"),
    [
        ("localhost", False),
        ("127.0.0.1", False),
        ("::1", False),
        ("", True),
        ("*", True),
        ("0.0.0.0", True),
        ("10.0.0.7", True),
        ("host", True),
    ],
)
def test_only_this_machine_s_own_addresses_are_not_exposed(ip, exposed):
    assert Server("x", ip=ip).exposed is exposed


def test_jupyter_s_own_folders_are_used_by_default(project):
    assert measure(project, JupyterExposure()).level is not Level.ERROR


def test_the_flags_of_a_running_server_count(project, tmp_path):
    flags = ["--ServerApp.allow_origin=*"]
    process = subprocess.Popen([sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()", *flags],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # fmt: skip
    process.stdout.readline()
    Path(tmp_path / "jpserver-1.json").write_text(json.dumps(running(pid=process.pid, token="")))
    result = measure(project, JupyterExposure([], tmp_path, {}))
    process.communicate()
    assert result.blocks
    assert "any web page may call it" in result.reason
