"""Secrets: `secret://name` as the value of a text parameter.

The reference is what is written (record, notebook, run key); the value is looked up at run time, in the environment or the
keyring, once by the runner, which cuts it out of all that it writes (`redaction.py`), and once by the kernel itself: so it
passes through no file, no argument list and no message.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from workbench.errors import BadInput, UnknownName

if TYPE_CHECKING:
    from workbench.production.secrecy.redaction import Redactor

PREFIX = "secret://"
SERVICE = "workbench"  # under which the keyring keeps them
VARIABLE = "WORKBENCH_SECRET_"
ALLOWED = "WORKBENCH_SECRETS"  # in a run's kernel: the secrets that its runner cuts out


def reference(value: Any) -> str | None:
    """The name in `secret://name`; None for any other value. Raises BadInput when the name has other signs than A-Za-z0-9_.-"""
    if not (isinstance(value, str) and value.startswith(PREFIX)):
        return None
    name = value.removeprefix(PREFIX)
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", name):
        raise BadInput(
            f"'{value[:80]}' names no secret",
            why="a secret's name has letters, digits, '_', '.' and '-', and nothing stands after it",
            fix=f"write {PREFIX}name; if the value itself is secret, it now stands in your shell's history: change it",
        )
    return name


def references(values: Mapping[str, Any]) -> dict[str, str]:
    """Which parameters are secrets: parameter → name. Raises BadInput for a reference inside a list or a mapping."""
    found = {}
    for parameter, value in values.items():
        if (name := reference(value)) is not None:
            found[parameter] = name
        elif inner := next(_inner(value), None):
            raise BadInput(
                f"'{parameter}' holds {inner} inside a {type(value).__name__}",
                why="a secret is the whole value of a text parameter: only there it is looked up",
                fix="give the template a parameter of its own for it: `token: str = None  # what it is for`",
            )
    return found


def names(values: Mapping[str, Any]) -> tuple[str, ...]:
    """The secrets that parameter values refer to, each once, in order of the alphabet."""
    return tuple(sorted(set(references(values).values())))


def variable(name: str) -> str:
    """The environment variable of a secret: `warehouse.token` → `WORKBENCH_SECRET_WAREHOUSE_TOKEN`."""
    return VARIABLE + re.sub(r"[^A-Z0-9]", "_", name.upper())


def resolve(name: str) -> str:
    """The value of a secret: from the environment, else from the keyring. Raises UnknownName, which names both places."""
    if value := os.environ.get(variable(name)):  # a scheduler sets a variable that it has no value for to nothing
        return value
    value, why_not = _from_keyring(name)
    if value:
        return value
    raise UnknownName(
        f"no secret named '{name}'",
        why=f"the environment variable {variable(name)} is not set, and {why_not}",
        fix=f"keyring set {SERVICE} {name}   (or, for a scheduler, set {variable(name)})",
    )


def resolve_all(values: Mapping[str, Any]) -> dict[str, str]:
    """Name → value of every secret that these parameter values refer to."""
    return {name: resolve(name) for name in names(values)}


def redactor(values: Mapping[str, Any]) -> Redactor | None:
    """What cuts the secrets of these parameter values out of outputs; None when they refer to none."""
    if not (known := resolve_all(values)):
        return None
    from workbench.production.secrecy.redaction import Redactor

    return Redactor(known)


def check(values: Mapping[str, Any], notebook: bytes = b"") -> None:
    """Refuse, before a run starts, secrets that it could not have or not keep.

    values: its parameters; notebook: its template as it will be frozen in the run folder.
    Raises UnknownName for a secret that is nowhere, BadInput for one that cannot be cut out of outputs (too short, a word),
    or whose value already stands in the template or in another parameter.
    """
    if not (cutting := redactor(values)):
        return
    places = {"the notebook": notebook.decode(errors="replace")}
    places |= {f"the parameter '{name}'": json.dumps([name, value]) for name, value in values.items()}
    for place, text in places.items():
        for name in cutting.found(text):
            raise BadInput(
                f"the value of the secret '{name}' stands in {place}",
                why="both are written to the run's folder as they are",
                fix=f"put {PREFIX}{name} there instead, and change the secret: it was written where others may read",
            )


def check_language(values: Mapping[str, Any], metadata: Mapping[str, Any]) -> None:
    """Raises BadInput when a kernel of another language than Python would have to look secrets up. metadata: the notebook's."""
    told = metadata.get("kernelspec", {}).get("language") or metadata.get("language_info", {}).get("name") or "python"
    if told.lower() != "python" and (needed := names(values)):
        raise BadInput(
            f"a kernel of {told} cannot look up the secret '{needed[0]}'",
            why="its value is put into the parameter by Python code",
            fix="run it in a Python kernel, or let the notebook itself ask for the value where it is kept",
        )


def secret(text: str) -> str:
    """The value behind `secret://name`; any other text as it stands, so that it works with and without our engine.

    In a run of ours the name must be the value of a parameter: the runner cuts out no other. Raises BadInput, UnknownName.
    """
    name = reference(text)
    if name is None:
        return text
    allowed = os.environ.get(ALLOWED)
    if allowed is not None and name not in allowed.split(","):
        raise BadInput(
            f"the secret '{name}' is no parameter of this run",
            why="only the secrets among its parameters are cut out of what the run writes",
            fix=f"declare a parameter, and pass {PREFIX}{name} as its value",
        )
    return resolve(name)


def kernel_environment(variables: Mapping[str, str], values: Mapping[str, Any]) -> dict[str, str]:
    """The variables for a run's kernel: of all secrets only those that its parameters refer to."""
    needed = names(values)
    kept = {variable(name) for name in needed}
    fitting = {key: value for key, value in variables.items() if key in kept or not key.startswith(VARIABLE)}
    return {**fitting, ALLOWED: ",".join(needed)}


def assignments(values: Mapping[str, Any], known: Mapping[str, str]) -> str:
    """The code that sets the parameters in the kernel. It holds no value, only a seal of the one that the runner cuts out."""
    found = references(values)
    call = "{0} = __import__({1!r}, fromlist=['sealed']).sealed({2!r}, {3!r})"
    return "\n".join(call.format(p, __name__, name, _seal(known[name])) for p, name in found.items() if p.isidentifier())


def sealed(name: str, seal: str) -> str:
    """In a run's kernel: the value that its runner has sealed. Raises BadInput when the kernel finds another."""
    value = resolve(name)
    if _seal(value, seal.partition(":")[0]) != seal:
        raise BadInput(
            f"the kernel finds another value of the secret '{name}' than its runner",
            why="it was changed while the run started, or they look in different keyrings; it could not be cut out of outputs",
            fix=f"run it again; if it stays so, set {variable(name)}",
        )
    return value


def _seal(value: str, salt: str = "") -> str:
    salt = salt or os.urandom(16).hex()
    return f"{salt}:{hashlib.blake2b(value.encode(), key=salt.encode()).hexdigest()}"


def _inner(value: Any) -> Iterator[str]:
    """The references inside a list or a mapping."""
    parts: Iterable[Any] = value.values() if isinstance(value, Mapping) else value if isinstance(value, (list, tuple)) else ()
    for part in parts:
        if isinstance(part, str) and part.startswith(PREFIX):
            yield part[:80]
        yield from _inner(part)


def _from_keyring(name: str) -> tuple[str, str]:
    """The value, or why there is none. No keyring is no error: servers have none."""
    try:
        import keyring
        from keyring.errors import NoKeyringError
    except ModuleNotFoundError:
        return "", "there is no keyring to look in (pip install 'notebook-workbench[keyring]')"
    try:
        value = keyring.get_password(SERVICE, name)
    except NoKeyringError:
        return "", "there is no keyring to look in: this machine has no backend for one"
    except Exception as error:  # a backend is a plug-in, and raises what it likes: locked, no bus, no such module
        return "", f"the keyring cannot be read ({type(error).__name__}: {error})"
    return value or "", f"the keyring has no '{name}' under '{SERVICE}'"
