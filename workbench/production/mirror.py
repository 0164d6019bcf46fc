"""Run folders copied to a store, once workbench.toml says `mirror = "s3://bucket/prefix"`; never unless it does.

    <mirror>/<run_id>/…                 the files of the run's folder, record.json last: who sees it sees a whole folder
    <mirror>/manifests/<run_id>.json    what was copied, with sizes and hashes; written after that

A run does not fail with its mirror. One that could not be copied is noted in `.workbench/mirror`, and is copied after the next
run, or by `workbench production mirror`, which compares all of them with the store. Nothing is ever removed from a store.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict

from workbench.errors import BadInput, UnknownName, UserError, WorkbenchError
from workbench.findings import Finding, Outcome
from workbench.production.storage import is_url, local, reaching
from workbench.project import Project, look
from workbench.records.base import Record
from workbench.records.files import cannot_read, cannot_write, sha256_file, write_atomic
from workbench.records.model import FileHash
from workbench.records.view import View

LAST = "record.json"
PART_BYTES = 16 << 20  # sent at once; a store takes at most MOST_PARTS of one object
MOST_PARTS = 10_000


class Manifest(Record):
    """What the mirror holds of one run: its files, by path in the run's folder."""

    kind: ClassVar[str] = "mirror_manifest"

    run_id: str
    files: dict[str, FileHash]


class Mirrored(BaseModel):
    """What was copied of one run, or would be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_id: str
    files: int
    size_bytes: int


class MirrorReport(Record):
    """What `mirror` has done. `whole`: runs of which the mirror already held everything."""

    kind: ClassVar[str] = "mirror"

    url: str
    dry_run: bool
    copied: tuple[Mirrored, ...]
    whole: int
    findings: tuple[Finding, ...] = ()

    def view(self) -> View:
        files, size = sum(run.files for run in self.copied), sum(run.size_bytes for run in self.copied)
        verb = "would be copied" if self.dry_run else "copied"
        return View(
            title=f"mirror {self.url}",
            facts=((verb, f"{len(self.copied)} runs, {files} files, {size:,} bytes"), ("whole already", f"{self.whole} runs")),
            columns=("run", "files", "bytes") if self.copied else (),
            rows=tuple((run.run_id, f"{run.files}", f"{run.size_bytes:,}") for run in self.copied),
            findings=self.findings,
        )


def mirror(project: Project, *, dry_run: bool = False) -> MirrorReport:
    """Copy what the mirror lacks of the runs that have ended, by size and hash.

    dry_run: only say what would be copied.
    Raises BadInput when the project has no mirror, and what `storage.reaching` raises when it cannot be reached.
    """
    url, copied, ended, problems = mirror_url(project), [], 0, []
    there = _by_run(_sizes(url))
    for folder in sorted(path.parent for path in project.runs.glob(f"*/{LAST}")):
        try:
            if not look(folder).state.ended:
                continue
            held = _inventory(folder)
            ended += 1
        except UserError as error:  # one broken run must not keep the others here
            problems.append(_finding(error, folder.name))
            continue
        missing = _missing(held, there[folder.name], manifest_of(url, folder.name))
        if missing and not dry_run:
            with _failure_audited(project, url, folder.name):
                _copy(project, url, folder, held, missing)
        if missing:
            size = sum(held[name].size_bytes for name in missing)
            copied.append(Mirrored(run_id=folder.name, files=len(missing), size_bytes=size))
        if not dry_run:
            with suppress(OSError):  # a note that stays costs one more look
                (_notes(project) / folder.name).unlink(missing_ok=True)
    return MirrorReport(url=url, dry_run=dry_run, copied=tuple(copied), whole=ended - len(copied), findings=tuple(problems))


def mirror_run(project: Project, folder: Path) -> Finding | None:
    """Copy one run that has ended, and those that could not be copied before.

    Raises nothing of ours: a finding says what failed. None when all went well, or when the project has no mirror.
    """
    if not project.config.mirror:
        return None
    run_id = folder.name
    try:
        url = mirror_url(project)
        _send(project, url, folder, wait_s=-1)
        for run_id in pending(project):
            _send(project, url, project.runs / run_id, wait_s=0)
    except WorkbenchError as error:
        return _finding(error, run_id)
    return None


def pending(project: Project) -> list[str]:
    """The runs whose copying has begun and not ended: it failed, was broken off, or goes on in another process."""
    return sorted(path.name for path in _notes(project).glob("*") if path.suffix != ".lock" and not path.name.startswith("."))


def mirror_url(project: Project) -> str:
    """Where this project's runs are copied to, without a slash at its end. Raises BadInput when that is nowhere, or here."""
    url = project.config.mirror.rstrip("/")
    if not url:
        why, fix = "workbench.toml has no `mirror`", 'write mirror = "s3://bucket/prefix" in it'
        raise BadInput("this project has no mirror", why=why, fix=fix)
    if not is_url(url):
        raise BadInput(f"cannot mirror to {url}", why="a mirror is a URL", fix=f'mirror = "{(project.root / url).as_uri()}"')
    place = local(url, project.root)
    if place is not None and place.resolve().is_relative_to(project.state.resolve()):
        raise BadInput(f"cannot mirror to {url}", why="it is where the runs are", fix="name a place outside of .workbench")
    return url


def _notes(project: Project) -> Path:
    return project.state / "mirror"


def _send(project: Project, url: str, folder: Path, *, wait_s: float) -> None:
    """Copy one run, noted as long as it lasts. wait_s: for another process that does the same; 0 leaves it to that one."""
    note = _notes(project) / folder.name
    write_atomic(note, b"")
    try:
        with FileLock(f"{note}.lock", timeout=wait_s), _failure_audited(project, url, folder.name):
            if (folder / LAST).exists():  # else it was removed meanwhile
                held, known = _inventory(folder), manifest_of(url, folder.name)
                there = _sizes(f"{url}/{folder.name}") if known else {}
                if missing := _missing(held, there, known):
                    _copy(project, url, folder, held, missing)
            note.unlink(missing_ok=True)
        Path(f"{note}.lock").unlink(missing_ok=True)
    except Timeout:
        return
    except OSError as error:
        raise cannot_write(note, error) from error


def _copy(project: Project, url: str, folder: Path, held: Mapping[str, FileHash], missing: list[str]) -> None:
    """Send what is missing of one run, and say so in the audit log."""
    manifest = Manifest(run_id=folder.name, files=dict(held))
    with reaching(url, "write to") as (system, base):
        for name in missing:
            if name != LAST:
                part = max(PART_BYTES, -(-held[name].size_bytes // MOST_PARTS))
                system.put_file(str(folder / name), f"{base}/{folder.name}/{name}", chunksize=part)
        if LAST in missing:
            _publish(system, f"{base}/{folder.name}/{LAST}", (folder / LAST).read_bytes())
        _publish(system, f"{base}/manifests/{folder.name}.json", manifest.dump())
    size = sum(held[name].size_bytes for name in missing)
    project.audit.append("run.mirror", run=folder.name, url=url, state="done", files=len(missing), size_bytes=size)


@contextmanager
def _failure_audited(project: Project, url: str, run_id: str) -> Iterator[None]:
    try:
        yield
    except WorkbenchError as error:
        project.audit.append("run.mirror", run=run_id, url=url, state="failed", why=f"{error.what}: {error.why}")
        raise


def _publish(system: Any, path: str, content: bytes) -> None:
    """Write a small file all or nothing: a store does that by itself, a disk does not."""
    if getattr(system, "local_file", False):
        write_atomic(Path(path), content)
    else:
        system.pipe_file(path, content)


def _inventory(folder: Path) -> dict[str, FileHash]:
    """Every file of a run by its path in the folder, record.json last. A link that leads out of the folder is left out."""
    home, found = folder.resolve(), {}
    try:
        for path in sorted(folder.rglob("*"), key=lambda path: (path == folder / LAST, path)):
            if path.is_file() and path.resolve().is_relative_to(home):
                found[path.relative_to(folder).as_posix()] = FileHash(sha256=sha256_file(path), size_bytes=path.stat().st_size)
    except OSError as error:
        raise cannot_read(Path(error.filename or folder), error) from error
    return found


def _missing(held: Mapping[str, FileHash], there: Mapping[str, int], known: Mapping[str, FileHash]) -> list[str]:
    """The files that the mirror does not hold as they are here. there: its sizes; known: what was written there."""
    return [name for name, file in held.items() if there.get(name) != file.size_bytes or known.get(name) != file]


def manifest_of(url: str, run_id: str) -> dict[str, FileHash]:
    place = f"{url}/manifests/{run_id}.json"
    try:
        with reaching(place) as (system, path):
            return Manifest.parse(system.cat_file(path), source=place).files
    except (UnknownName, BadInput):  # nothing was copied, or what says so cannot be read: then everything is
        return {}


def _sizes(url: str) -> dict[str, int]:
    """The files below a URL: path relative to it → bytes."""
    with reaching(url, "list") as (system, prefix):
        found = system.find(prefix, detail=True)
    start = prefix.rstrip("/") + "/"
    return {path.removeprefix(start): info["size"] for path, info in found.items() if path.startswith(start)}


def _by_run(sizes: Mapping[str, int]) -> defaultdict[str, dict[str, int]]:
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for path, size in sizes.items():
        run_id, _, name = path.partition("/")
        found[run_id][name] = size
    return found


def _finding(error: WorkbenchError, run_id: str) -> Finding:
    return Finding(
        check="run.mirror",
        outcome=Outcome.WARN,
        message=f"{run_id} is not mirrored yet: {error.what}: {error.why}",
        fix=f"{error.fix}; then: workbench production mirror",
        evidence={"run": run_id},
    )
