"""Where exported models lie: `<project>/.workbench/models/<name>/<version>/`, versions 1, 2, 3, …

A version appears whole or not at all, and is never written again: it is made in a folder beside, then renamed. Two exports
at the same time get two numbers, since a folder cannot be renamed onto one that holds files.
"""

from __future__ import annotations

import errno
import re
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

from workbench.errors import BadInput, unknown
from workbench.project import Project
from workbench.records.files import cannot_write, sync_folder, write_atomic
from workbench.records.model import FileHash, ModelManifest

MANIFEST = "manifest.json"
GRAPH = "model.onnx"
CARD = "card.md"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")

Build = Callable[[int], tuple[ModelManifest, dict[str, bytes]]]


def require_name(name: str) -> None:
    """Raise BadInput for a name that cannot be a folder's on every machine."""
    if not NAME.fullmatch(name):
        raise BadInput(
            f"'{name}' cannot be a model's name",
            why="it names a folder, an address and a metric",
            fix="use up to 64 small letters, digits, - and _, a letter or digit first",
        )


def register(project: Project, name: str, build: Build) -> ModelManifest:
    """Write the next version of a model. build: version -> its manifest and its files by name.

    Raises MachineError when it cannot be written; nothing is left behind then.
    """
    home = project.models / name
    beside = home / f".{secrets.token_hex(8)}.tmp"
    try:
        home.mkdir(parents=True, exist_ok=True)
        while True:
            manifest, files = build(max(versions(project, name), default=0) + 1)
            for file, data in files.items():
                write_atomic(beside / file, data)
            manifest.write(beside / MANIFEST)
            try:
                beside.rename(home / str(manifest.model_version))
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                continue  # another export took this number since we looked
            sync_folder(home)
            return manifest
    except OSError as error:
        raise cannot_write(home, error) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def versions(project: Project, name: str) -> list[int]:
    """The versions of a model, oldest first; none when there is no such model."""
    return sorted(int(path.name) for path in (project.models / name).glob("*") if path.name.isdigit())


def names(project: Project) -> list[str]:
    """Models with at least one version, by name."""
    return sorted(path.name for path in project.models.glob("*") if NAME.fullmatch(path.name) and versions(project, path.name))


def folder(project: Project, name: str, version: int | None) -> Path:
    """The folder of a version; the newest for None. Raises UnknownName."""
    if name not in names(project):
        raise unknown("model", name, names(project), fix="workbench export list")
    known = versions(project, name)
    if version is not None and version not in known:
        raise unknown(f"version of '{name}'", str(version), map(str, known), fix=f"workbench export show {name}")
    return project.models / name / str(known[-1] if version is None else version)


def read_checked(path: Path, expected: FileHash | None, *, papers: str, fix: str) -> bytes:
    """The bytes of a file, when they are those whose hash `papers` (a file's name) holds; raises BadInput otherwise.

    The bytes that were hashed are the bytes that are used: a file exchanged after a check would go unseen.
    """
    from hashlib import sha256

    if expected is None:
        raise BadInput(f"{papers} names no {path.name}", why="what it does not name cannot be checked", fix=fix)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise BadInput(f"{path} is missing", why=f"{papers} names it", fix=fix) from None
    found = sha256(data).hexdigest()
    if found != expected.sha256:
        raise BadInput(
            f"{path} is not the file that was saved",
            why=f"its sha256 is {found[:12]}…, {papers} says {expected.sha256[:12]}…",
            fix=fix,
        )
    return data
