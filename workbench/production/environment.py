"""What a run stands on: the installed distributions, source code that is imported where it lies, and the code's commit."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from workbench.errors import MachineError
from workbench.records.files import write_atomic

Distribution = tuple[str, str, str, Path | None]  # name, version, hash, folder of an editable one's source

_NO_SOURCES = {"node_modules", "build", "dist"}


def installed() -> tuple[tuple[str, str, str], ...]:
    """(name, version, sha256 of its RECORD) of each distribution, by name: pip keeps no wheel hashes."""
    return tuple((name, version, digest) for name, version, digest, _ in _installed())


def _installed(root: Path | None = None) -> tuple[Distribution, ...]:
    """The same, and the folder that an editable one is imported from. root: a project, which remembers the hashes."""
    places = tuple(Path(place or ".") for place in sys.path)
    state = root / ".workbench" if root else None
    cache = state / "cache" / "distributions.json" if state and state.is_dir() else None
    return _distributions(tuple((place, place.stat().st_mtime_ns) for place in places if place.is_dir()), cache)


@lru_cache(maxsize=2)  # pip changes the folder's time whenever it installs or removes something
def _distributions(places: tuple[tuple[Path, int], ...], cache: Path | None) -> tuple[Distribution, ...]:
    """Read from the names of the folders: parsing every METADATA would take a second."""
    known = _remembered(cache) if cache else {}
    seen: dict[str, list[Any]] = {}
    found: dict[str, Distribution] = {}
    for folder in (path for place, _ in places for path in sorted(place.glob("*.dist-info"))):
        name, _, version = folder.name.removesuffix(".dist-info").rpartition("-")
        if name.lower() not in found:
            seen[str(folder)] = entry = _entry(folder / "RECORD", known.get(str(folder)))
            found[name.lower()] = (name, version, entry[-1], _editable(folder / "direct_url.json"))
    if cache and seen != known:
        with contextlib.suppress(MachineError):  # in a project that one may only read
            write_atomic(cache, json.dumps(seen).encode(), durable=False)
    return tuple(found[name] for name in sorted(found))


def _remembered(cache: Path) -> dict[str, list[Any]]:
    """Folder -> [size and time of change (ns) of its RECORD, hash]; a damaged one counts as empty, since it only saves time."""
    try:
        known = json.loads(cache.read_bytes())
        return {folder: list(entry) for folder, entry in known.items() if len(entry) == 3}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _entry(path: Path, known: list[Any] | None) -> list[Any]:
    """[size, time of change (ns), hash] of a RECORD, which is read only when it is not as it is known.

    Compiled files and direct_url.json differ between two installs of one wheel; the wheel's own files do not.
    """
    try:
        status = path.stat()
    except OSError:
        return [0, 0, hashlib.sha256().hexdigest()]
    stamp = [status.st_size, status.st_mtime_ns]
    if known and known[:2] == stamp:
        return known
    record = path.read_bytes()
    for mark in (b".pyc,", b".dist-info/direct_url.json"):
        record = b"".join(_lines_without(mark, record))
    return [*stamp, hashlib.sha256(record).hexdigest()]


def _lines_without(mark: bytes, text: bytes) -> Iterator[bytes]:
    """What is left of `text` without the lines that hold `mark`. Not line by line: there are 57 000 in a usual environment."""
    start = 0
    while (hit := text.find(mark, start)) >= 0:
        yield text[start : text.rfind(b"\n", start, hit) + 1 or start]
        start = text.find(b"\n", hit) + 1 or len(text)
    yield text[start:]


def _editable(path: Path) -> Path | None:
    """Where an editable distribution's source lies, as its direct_url.json tells (PEP 610)."""
    try:
        told = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    parts = urlsplit(told.get("url", ""))
    return Path(unquote(parts.path)) if parts.scheme == "file" and told.get("dir_info", {}).get("editable") else None


def project_code_sha256(root: Path) -> str:
    """One hash of the names and contents of the *.py files below `root`; empty when there are none.

    Left out: hidden folders, node_modules, build, dist, and environments (folders with a pyvenv.cfg).
    """
    lines = [f"{path.relative_to(root)} {_content(path)}" for path in _sources(root)]
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest() if lines else ""


def _content(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return "cannot be read"  # nor can it be imported


def _sources(root: Path) -> list[Path]:
    found: list[Path] = []
    for folder, below, names in os.walk(root):
        if "pyvenv.cfg" in names:
            below.clear()
            continue
        below[:] = [name for name in below if not name.startswith(".") and name not in _NO_SOURCES]
        found += (Path(folder, name) for name in names if name.endswith(".py") and Path(folder, name).is_file())
    return sorted(found)


def environment_text(root: Path | None = None) -> str:
    """`name==version  sha256:…`, a line a distribution, Python first; of an editable one `  source:…` more.

    root: the folder of a project, whose own modules a notebook may import: a line `./  sha256:…` when it has any.
    """
    lines = [f"{name}=={version}  sha256:{digest}" + _source(place) for name, version, digest, place in _installed(root)]
    code = project_code_sha256(root) if root else ""
    return "".join(f"{line}\n" for line in (*([f"./  sha256:{code}"] if code else []), _python(), *lines))


def _python() -> str:
    """`python==3.11.7+cpython.linux.x86_64  sha256:…`: the interpreter as a line like the others."""
    what = f"{platform.python_version()}+{sys.implementation.name}.{sys.platform}.{platform.machine()}"
    return f"python=={what}  sha256:{hashlib.sha256(what.encode()).hexdigest()}"


def _source(place: Path | None) -> str:
    return f"  source:{project_code_sha256(place)}" if place else ""


def environment_sha256(root: Path | None = None) -> str:
    """One hash of all that is installed, and of the code of the project in `root`."""
    return hashlib.sha256(environment_text(root).encode()).hexdigest()


def git_commit(path: Path) -> str | None:
    """The commit of the repository that holds `path`; None when it is not tracked there, or there is no git."""
    try:
        subprocess.run(
            ["git", "ls-files", "--error-unmatch", path.name], cwd=path.parent, check=True, capture_output=True, timeout=10
        )
        done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=path.parent, check=True, capture_output=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode().strip()
