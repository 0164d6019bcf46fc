"""Who could reach the Jupyter servers of this account: those that run, and those that its configuration would start.

Reads the configuration files (Python ones are parsed, never run), the list of running servers that Jupyter keeps, and
their command lines. A token is looked at only to see whether it is empty.
"""

from __future__ import annotations

import ast
import ipaddress
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import psutil
from jupyter_core.paths import jupyter_config_path, jupyter_runtime_dir

from workbench.project import Project
from workbench.readiness.interface import CRITICAL, Check, Measurement
from workbench.records.scorecard import Level, Pillar

_NAMES = ("jupyter_server_config", "jupyter_notebook_config", "jupyter_lab_config")
_SECRETS = ("token", "password", "hashed_password")
_LONG = {"--ip": "ip", "--allow-root": "allow_root", "--certfile": "certfile"}


@dataclass(frozen=True)
class Server:
    """How one server is, or would be, open. Starts as Jupyter's own defaults, which are safe."""

    where: str
    ip: str = "localhost"
    authenticated: bool = True
    any_origin: bool = False
    as_root: bool = False
    encrypted: bool = False

    @property
    def exposed(self) -> bool:
        """Does it listen beyond this machine?"""
        try:
            return not ipaddress.ip_address(self.ip).is_loopback
        except ValueError:
            return self.ip != "localhost"  # "", "*" and names

    def problems(self) -> list[str]:
        """What is open, the worst first."""
        found = [
            (not self.authenticated, "no token and no password"),
            (self.any_origin, "any web page may call it (allow_origin *)"),
            (self.exposed and not self.encrypted, f"listens on {self.ip or 'all addresses'} without TLS"),
            (self.as_root, "runs as root"),
        ]
        return [text for holds, text in found if holds]

    @property
    def open_door(self) -> bool:
        """Whoever reaches the port, or gets a person here to open a web page, may run code as this account."""
        return not self.authenticated and (self.exposed or self.any_origin)


class JupyterExposure(Check):
    """Every running server and the configuration of the next one."""

    id: ClassVar[str] = "security.jupyter"
    title: ClassVar[str] = "Jupyter server not open to others"
    pillar: ClassVar[Pillar] = Pillar.SECURITY
    category: ClassVar[str] = "security"
    weight: ClassVar[float] = CRITICAL
    blocker: ClassVar[bool] = True
    source: ClassVar[str] = "jupyter-server.readthedocs.io, Security in the Jupyter Server"

    def __init__(
        self,
        folders: Sequence[Path] | None = None,
        runtime: Path | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        """folders: of configuration files, the first wins; runtime: of running servers; both default to Jupyter's own."""
        self.folders, self.runtime, self.environ = folders, runtime, environ

    def run(self, project: Project) -> Measurement:
        folders = self.folders if self.folders is not None else [Path(p) for p in jupyter_config_path()]
        settings, unread = configured(folders)
        servers = [_with(Server("the configuration"), settings)]
        running = list(_running(self.runtime or Path(jupyter_runtime_dir()), settings))
        servers += running
        if "JUPYTERHUB_SERVICE_PREFIX" in self.environ:  # the hub asks for the person's login instead of a token
            servers = [replace(server, authenticated=True) for server in servers]
        bad = [(server, server.problems()) for server in servers if server.problems()]
        reason = "; ".join(f"{server.where}: {', '.join(problems)}" for server, problems in bad)
        if not bad:
            reason = f"{len(running)} running, each asks for a token" if running else "none runs"
            reason += "; the configuration opens nothing"
        if unread:
            reason += f" (not readable: {', '.join(unread)})"
        level = Level.IMPROVE if bad or unread else Level.READY
        if any(server.open_door for server in servers):
            level = Level.MUST_FIX
        fix = "jupyter server password; remove ip, token and allow_origin from the configuration; start it as a plain user"
        return Measurement(level=level, value=len(bad), reason=reason, fix=fix)


def configured(folders: Iterable[Path]) -> tuple[dict[str, Any], list[str]]:
    """The settings that configuration files make, by trait name, and what could not be read in them.

    A secret is kept as whether it is set (True) or set to nothing (False).
    """
    settings: dict[str, Any] = {}
    unread: list[str] = []
    for folder in reversed(list(folders)):
        for path in (folder / f"{name}{suffix}" for name in _NAMES for suffix in (".py", ".json")):
            if not path.is_file():
                continue
            try:
                text = path.read_text(encoding="utf-8")
                found = _from_json(text) if path.suffix == ".json" else _from_python(text)
                settings.update((name, _masked(name, value)) for name, value in found)
            except (OSError, ValueError, SyntaxError, AttributeError) as error:
                unread.append(f"{path.name}, {type(error).__name__}")
    return settings, unread


def _from_json(text: str) -> Iterator[tuple[str, Any]]:
    for section in json.loads(text).values():
        if isinstance(section, dict):
            yield from section.items()


def _from_python(text: str) -> Iterator[tuple[str, Any]]:
    """The assignments `c.Class.trait = value`; a value that is computed comes as None."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute):
            trait, value = node.targets[0].attr, node.value
            yield trait, value.value if isinstance(value, ast.Constant) else None


def _masked(name: str, value: Any) -> Any:
    return (value is None or bool(value)) if name in _SECRETS else value


def _with(server: Server, settings: Mapping[str, Any]) -> Server:
    """The server under these settings. Without any, Jupyter makes up a token at each start."""
    secrets = [settings[name] for name in _SECRETS if name in settings]
    return replace(
        server,
        ip=str(settings.get("ip", server.ip) or ""),
        authenticated=any(secrets) or "token" not in settings,
        any_origin=settings.get("allow_origin") == "*",
        as_root=settings.get("allow_root") is True,
        encrypted=bool(settings.get("certfile")),
    )


def _running(runtime: Path, settings: Mapping[str, Any]) -> Iterator[Server]:
    """The servers that run now. A file of one that has died is left out; a file that cannot be read is not a server."""
    for path in sorted(runtime.glob("jpserver-*.json")):
        try:
            info = json.loads(path.read_bytes())
            process = psutil.Process(int(info["pid"]))
            if process.create_time() > path.stat().st_mtime + 1:
                continue  # the server has died, and its process id now belongs to another program
            flags, user = _flags(process.cmdline()), process.uids().effective
        except (OSError, ValueError, KeyError, TypeError, psutil.Error):
            continue
        yield Server(
            where=f"the server on port {info.get('port')}",
            ip=str(info.get("hostname", "")) if not info.get("sock") else "localhost",
            authenticated=bool(info.get("token")) or bool(info.get("password")),
            any_origin={**settings, **flags}.get("allow_origin") == "*",
            as_root=user == 0,
            encrypted=bool(info.get("secure")),
        )


def _flags(command: Iterable[str]) -> dict[str, Any]:
    """`--ServerApp.allow_origin=*` and the like, by trait name."""
    pairs = (part.partition("=") for part in command if part.startswith("--"))
    return {_LONG.get(flag, flag.rpartition(".")[2]): value.strip("'\"") for flag, _, value in pairs}


CHECKS: tuple[Check, ...] = (JupyterExposure(),)
