"""A mirrored run brought back, for example to check it on another machine."""

from __future__ import annotations

import re
import secrets
import shutil
from pathlib import Path, PurePosixPath
from typing import ClassVar

from workbench.errors import BadInput, UnknownName
from workbench.production.mirror import LAST, manifest_of, mirror_url
from workbench.production.storage import check_url, is_url, objects, reaching
from workbench.project import Project
from workbench.records.base import Record
from workbench.records.files import cannot_write, sha256_file, sync_folder
from workbench.records.model import FileHash
from workbench.records.run import RunRecord, State
from workbench.records.view import View

_RUN_ID = re.compile(r"\w[\w.-]*", re.ASCII)


class Fetched(Record):
    """A run that now lies in this project. `compared`: files whose hashes the mirror knew, and which have them."""

    kind: ClassVar[str] = "fetched"

    run_id: str
    url: str
    files: int
    size_bytes: int
    compared: int
    ended: State

    def view(self) -> View:
        facts = (
            ("from", self.url),
            ("files", f"{self.files}, {self.size_bytes:,} bytes; {self.compared} have the hash that the mirror noted"),
            ("the run", self.ended.value),
        )
        return View(title=f"fetched {self.run_id}", facts=facts, next=(f"workbench production show {self.run_id}",))


def fetch(project: Project, run: str) -> Fetched:
    """Bring RUN, which lies in the mirror, into this project: the run's id, or the URL of its folder in any store.

    Raises BadInput for a run that is here already, or whose bytes are not those that the mirror noted; UnknownName for one that
    is not, or not wholly, in the store; and what `storage.reaching` raises.
    """
    url = run.rstrip("/") if is_url(run) else f"{mirror_url(project)}/{run}"
    check_url(url)
    base, _, run_id = url.rpartition("/")
    if not (is_url(base) and _RUN_ID.fullmatch(run_id)):
        raise BadInput(f"cannot fetch {run}", why=f"'{run_id}' is no run's id", fix="give a run's id, or the URL of its folder")
    target = project.runs / run_id
    if target.exists():
        raise BadInput(f"{run_id} is here already", why=f"there is {target}", fix=f"workbench production show {run_id}")
    known = manifest_of(base, run_id)
    beside = project.state / f"fetch-{secrets.token_hex(4)}"
    try:
        project.runs.mkdir(parents=True, exist_ok=True)
        beside.mkdir()
    except OSError as error:
        raise cannot_write(project.runs, error) from error
    try:
        _download(url, beside)
        ended = _checked(beside, run_id, url, known)
        files = [path for path in beside.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files)
        project.audit.append("run.fetch", run=run_id, url=url, files=len(files), size_bytes=size)
        beside.rename(target)
        sync_folder(project.runs)
    except OSError as error:
        raise cannot_write(target, error) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return Fetched(run_id=run_id, url=url, files=len(files), size_bytes=size, compared=len(known), ended=ended)


def _download(url: str, folder: Path) -> None:
    with reaching(url) as (system, prefix):
        found = objects(system, prefix)
        if LAST not in found:
            why = f"{len(found)} files lie there, but no {LAST}: it is still being copied, or the copying was broken off"
            raise UnknownName(f"no whole run at {url}", why=why if found else "nothing lies there", fix="check the URL")
        for name, path in found.items():
            target = folder / name
            if ".." in PurePosixPath(name).parts or not target.is_relative_to(folder):
                why = f"'{name}' would lie outside of the run's folder"
                raise BadInput(f"cannot fetch {url}", why=why, fix="do not trust what lies there")
            target.parent.mkdir(parents=True, exist_ok=True)
            system.get_file(path, str(target))


def _checked(folder: Path, run_id: str, url: str, known: dict[str, FileHash]) -> State:
    """How the run ended, once its files have the hashes that the mirror noted, and its record is of this run."""
    for name, file in known.items():
        path = folder / name
        if not path.is_file() or sha256_file(path) != file.sha256:
            why = f"{name} has not the bytes that were copied there" if path.is_file() else f"{name} is not there any more"
            raise BadInput(f"{url} is not the run that was mirrored", why=why, fix="workbench production mirror, where it ran")
    record = RunRecord.load(folder / LAST)
    if record.run_id != run_id:
        raise BadInput(f"{url} is not the run {run_id}", why=f"its record is of {record.run_id}", fix="check the URL")
    return record.state
