"""Where secrets come from, and what is refused before a run starts."""

import os
import subprocess
import sys

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.errors import KeyringLocked

from workbench import production
from workbench.errors import BadInput, UnknownName
from workbench.production.secrecy import secrets

TOKEN = "tok-9fQ7x"


class Drawer(KeyringBackend):
    """A keyring in memory."""

    priority = -1  # never chosen by itself

    def __init__(self, **held):
        self.held = held

    def get_password(self, service, username):
        return self.held.get(f"{service}_{username}")

    def set_password(self, service, username, password):
        self.held[f"{service}_{username}"] = password


class Locked(Drawer):
    def get_password(self, service, username):
        raise KeyringLocked("the collection is locked")


@pytest.fixture
def drawer():
    """`drawer(workbench_token="…")` is the keyring of this process until the test ends."""
    before = keyring.get_keyring()
    yield lambda backend=None, **held: keyring.set_keyring(backend or Drawer(**held))
    keyring.set_keyring(before)


@pytest.mark.parametrize("value", ["plain", "see secret://x", "", None, 7, ["a"], {"a": 1}])
def test_any_other_value_is_no_reference(value):
    assert secrets.reference(value) is None
    assert secrets.names({"p": value}) == ()


@pytest.mark.parametrize("value", ["secret://", "secret://a b", "secret://a/b", "secret://ä", "secret://x\n", "secret://x?y"])
def test_a_malformed_reference_is_refused(value):
    with pytest.raises(BadInput, match="names no secret"):
        secrets.references({"p": value})


@pytest.mark.parametrize("value", [["secret://x"], {"a": ["secret://x"]}, {"a": {"b": "secret://x"}}])
def test_a_reference_inside_another_value_is_refused(value):
    with pytest.raises(BadInput, match="holds secret://x inside a"):
        secrets.names({"p": value})


def test_names_are_told_once_and_in_order():
    values = {"b": "secret://two", "a": "secret://one", "c": "secret://two", "d": "plain"}
    assert secrets.names(values) == ("one", "two")
    assert secrets.references(values) == {"b": "two", "a": "one", "c": "two"}


def test_the_environment_comes_first_then_the_keyring(monkeypatch, drawer):
    drawer(**{"workbench_warehouse.token": "from the keyring"})
    assert secrets.resolve("warehouse.token") == "from the keyring"
    monkeypatch.setenv("WORKBENCH_SECRET_WAREHOUSE_TOKEN", "from the environment")
    assert secrets.resolve("warehouse.token") == "from the environment"
    monkeypatch.setenv("WORKBENCH_SECRET_WAREHOUSE_TOKEN", "")  # so schedulers hand over what they do not have
    assert secrets.resolve("warehouse.token") == "from the keyring"


@pytest.mark.parametrize(
    ("backend", "why"),
    [
        (Drawer(), "the keyring has no 'db-2' under 'workbench'"),
        (NoKeyring(), "there is no keyring to look in: this machine has no backend for one"),
        (Locked(), "the keyring cannot be read (KeyringLocked: the collection is locked)"),
    ],
)
def test_a_missing_secret_names_both_places_and_how_to_set_it(drawer, backend, why):
    drawer(backend)
    with pytest.raises(UnknownName) as caught:
        secrets.check({"token": "secret://db-2"})
    assert caught.value.what == "no secret named 'db-2'"
    assert caught.value.why == f"the environment variable WORKBENCH_SECRET_DB_2 is not set, and {why}"
    assert caught.value.fix.startswith("keyring set workbench db-2 ")


def test_without_the_package_keyring_the_environment_serves_and_the_letter_names_the_extra():
    code = (
        "import sys; sys.modules['keyring'] = None\n"
        "from workbench.production.secrecy import secrets\n"
        "print(secrets.resolve('here'))\n"
        "try: secrets.resolve('nowhere')\n"
        "except Exception as error: print(error.why)"
    )
    environment = {**os.environ, "WORKBENCH_SECRET_HERE": TOKEN}
    out = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True).stdout
    assert out.splitlines()[0] == TOKEN
    assert "pip install 'notebook-workbench[keyring]'" in out


def test_a_good_secret_passes_and_one_that_is_nobodys_business_is_not_even_looked_up(monkeypatch):
    monkeypatch.setenv("WORKBENCH_SECRET_API", TOKEN)
    secrets.check({"token": "secret://api", "weeks": 8}, b'{"cells": []}')
    secrets.check({"weeks": 8, "token": TOKEN}, TOKEN.encode())


def test_a_secret_that_would_be_cut_out_of_innocent_text_is_refused(monkeypatch):
    monkeypatch.setenv("WORKBENCH_SECRET_API", "password")
    with pytest.raises(BadInput, match="the secret 'api' cannot be kept out of outputs"):
        secrets.check({"token": "secret://api"})


def test_a_secret_that_stands_in_the_template_or_in_a_parameter_is_refused_without_telling_it(monkeypatch):
    monkeypatch.setenv("WORKBENCH_SECRET_API", TOKEN)
    with pytest.raises(BadInput, match="stands in the notebook") as caught:
        secrets.check({"token": "secret://api"}, f'"source": "get(\\"{TOKEN}\\")"'.encode())
    assert TOKEN not in str(caught.value)
    with pytest.raises(BadInput, match="stands in the parameter 'url'") as caught:
        secrets.check({"token": "secret://api", "url": f"https://{TOKEN}@host"})
    assert TOKEN not in str(caught.value)


def test_only_a_python_kernel_can_look_a_secret_up():
    r, python = {"kernelspec": {"language": "R"}}, {"kernelspec": {}, "language_info": {"name": "python"}}
    for fine in ({}, python):
        secrets.check_language({"token": "secret://api"}, fine)
    secrets.check_language({"token": "plain"}, r)
    with pytest.raises(BadInput, match="a kernel of R cannot look up the secret 'api'"):
        secrets.check_language({"token": "secret://api"}, r)


def test_in_a_template_a_reference_gives_its_value_and_a_value_itself(monkeypatch):
    monkeypatch.setenv("WORKBENCH_SECRET_API", TOKEN)
    assert production.secret("secret://api") == TOKEN
    assert production.secret(TOKEN) == TOKEN


def test_in_a_run_only_the_secrets_of_its_parameters_are_given(monkeypatch):
    values = {"token": "secret://api"}
    variables = {"HOME": "/home/ana", "WORKBENCH_SECRET_API": TOKEN, "WORKBENCH_SECRET_OTHER": "oth-1234"}
    kernel = secrets.kernel_environment(variables, values)
    assert kernel == {"HOME": "/home/ana", "WORKBENCH_SECRET_API": TOKEN, "WORKBENCH_SECRETS": "api"}
    for key, value in {**kernel, "WORKBENCH_SECRET_OTHER": "oth-1234"}.items():
        monkeypatch.setenv(key, value)
    assert production.secret("secret://api") == TOKEN
    with pytest.raises(BadInput, match="the secret 'other' is no parameter of this run"):
        production.secret("secret://other")


def test_the_code_for_the_kernel_sets_the_parameters_and_holds_no_value(monkeypatch):
    monkeypatch.setenv("WORKBENCH_SECRET_API", TOKEN)
    values = {"token": "secret://api", "weeks": 8, "again": "secret://api", "no name": "secret://api"}
    code = secrets.assignments(values, secrets.resolve_all(values))
    assert secrets.redactor(values).found(code) == ()
    kernel = {"weeks": 8}
    exec(code, kernel)
    del kernel["__builtins__"]
    assert kernel == {"weeks": 8, "token": TOKEN, "again": TOKEN}


def test_a_kernel_that_finds_another_value_than_its_runner_gets_none(monkeypatch):
    monkeypatch.setenv("WORKBENCH_SECRET_API", TOKEN)
    code = secrets.assignments({"token": "secret://api"}, {"api": "what it was before"})
    with pytest.raises(BadInput, match="another value of the secret 'api'"):
        exec(code, {})
