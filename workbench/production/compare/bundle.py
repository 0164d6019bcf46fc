"""Pack a run, and what it read, into one file that another machine can check and run again.

A zip file: its directory tells all names and sizes before anything is unpacked, each file in it can be read alone, and every
system opens it. Equal content gives equal bytes: names in order, no times, no owners.

Governed data do not leave by the way. The results of a run may go only with somebody who may read what they come from; the data
themselves only when that is asked for and he may have the whole file. Otherwise they are named, by their hash.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import shlex
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from workbench import access
from workbench.errors import BadInput, MachineError
from workbench.findings import Finding, Outcome
from workbench.production import storage
from workbench.production.compare.data import is_governed, present
from workbench.production.compare.intact import files_of
from workbench.production.compare.lineage import dataset_of, governed_sources, whole_file_granted
from workbench.production.compare.manifest import NAME, RUN, SUFFIX, BundledInput, BundleManifest, is_safe
from workbench.production.runs import run_folder
from workbench.project import Project, look
from workbench.records.base import Record
from workbench.records.files import cannot_write, given_path, sha256_file, sync_folder
from workbench.records.model import FileHash
from workbench.records.run import Input, RunRecord
from workbench.records.view import View

_BLOCK_BYTES = 1 << 20
_LARGE_BYTES = 1 << 30  # from here on an entry gets 64-bit sizes


class BundleReport(Record):
    """A bundle that was made."""

    kind: ClassVar[str] = "bundle_report"

    run_id: str
    path: str
    sha256: str  # tell it to the receiver by another way: then he knows that it is the one you made
    size_bytes: int
    files: int
    inputs: tuple[BundledInput, ...]
    derived_from: tuple[str, ...]  # governed datasets that the results come from

    @property
    def findings(self) -> tuple[Finding, ...]:
        return (*(self._input(item) for item in self.inputs), *self._derived())

    def _input(self, item: BundledInput) -> Finding:
        if item.path:
            return Finding(check="bundle.input", outcome=Outcome.PASS, message=f"{item.name} is packed")
        outcome = Outcome.INFO if item.contract_version or storage.is_url(item.name) else Outcome.WARN
        message = f"{item.name} is not packed, only named by its hash: {item.why}"
        return Finding(check="bundle.input", outcome=outcome, message=message, fix="the receiver cannot run it again without")

    def _derived(self) -> Iterator[Finding]:
        if self.derived_from:
            message = f"whoever gets it sees what was computed from governed data: {', '.join(self.derived_from)}"
            yield Finding(check="bundle.derived", outcome=Outcome.INFO, message=message)

    def view(self) -> View:
        return View(
            title=f"bundle of {self.run_id}",
            facts=(
                ("file", self.path),
                ("sha256", self.sha256),
                ("size", f"{self.size_bytes:,} bytes, {self.files} files"),
            ),
            findings=self.findings,
            next=(f"workbench production verify {shlex.quote(self.path)}",),
        )


def bundle(project: Project, run: str, *, to: Path | None = None, with_data: bool = False) -> BundleReport:
    """Pack RUN and what it read into one file that `production verify` can check anywhere.

    to: the file, or a folder for it; the project's folder by default.
    with_data: pack governed data as well, where you may have the whole file; otherwise they are named by their hash.
    Refused for a run that goes on, for one that holds a secret, and for who may not read what its results come from.
    """
    folder = run_folder(project, run)
    record = look(folder)
    _check_fit(record)
    sources = governed_sources(project, record)
    for item in sources:
        access.permit(item.name, purpose=item.purpose, project=project)
    files = {RUN + name: path for name, path in files_of(folder).items()}
    inputs = []
    for number, item in enumerate(record.inputs):
        described, more = _packed(project, item, f"inputs/{number}", with_data=with_data)
        inputs.append(described)
        files |= more
    files |= _rules(project, record)
    _check_names(files)
    target = _target(project, record, to)
    manifest = BundleManifest(run_id=record.run_id, run_key=record.run_key, files=_hashed(files), inputs=tuple(inputs))
    sha256 = _write(target, manifest, files)
    taken = [item.name for item in inputs if item.path and item.contract_version]
    names = sorted({item.name for item in sources})
    project.audit.append(
        "production.bundle", run=record.run_id, file=str(target), sha256=sha256, derived_from=names, datasets=taken
    )
    return BundleReport(
        run_id=record.run_id,
        path=str(target),
        sha256=sha256,
        size_bytes=target.stat().st_size,
        files=len(files),
        inputs=tuple(inputs),
        derived_from=tuple(names),
    )


def _check_fit(record: RunRecord) -> None:
    if not record.state.ended:
        raise BadInput(
            f"{record.run_id} cannot be packed yet", why=f"it is {record.state.value}", fix="wait for its end, or cancel it"
        )
    leak = next((f for f in record.findings if f.check == "run.secret" and f.outcome is Outcome.FAIL), None)
    if leak:
        raise BadInput(f"{record.run_id} may not leave", why=leak.message, fix=leak.fix)


def _packed(project: Project, item: Input, place: str, *, with_data: bool) -> tuple[BundledInput, dict[str, Path]]:
    """An input as the manifest has it, and its files by their name in the bundle; none when it is left out."""
    facts = {"name": item.name, "sha256": item.sha256, "contract_version": item.contract_version, "purpose": item.purpose}

    def left_out(why: str) -> tuple[BundledInput, dict[str, Path]]:
        return BundledInput(**facts, why=why), {}

    if storage.is_url(item.name):
        return left_out("it lies in a store")
    if is_governed(item):
        if not with_data:
            return left_out("it is governed, and --with-data was not given")
        if not whole_file_granted(project, item):
            return left_out(f"you are granted a part of it for '{item.purpose}', and the file is all of it")
    now = present(project, item)
    if now is None or now.sha256 != item.sha256:
        return left_out("it is not there any more" if now is None else "it has changed since the run")
    path = _file(project, item)
    if not is_governed(item) and (name := dataset_of(project, path)):
        return left_out(f"it is the file of the governed dataset '{name}', read past the policy")
    if path.is_dir():
        return BundledInput(**facts, path=place), {
            f"{place}/{name}": file for name, file in files_of(path, hidden=True).items()
        }
    return BundledInput(**facts, path=f"{place}/{path.name}"), {f"{place}/{path.name}": path}


def _file(project: Project, item: Input) -> Path:
    if not is_governed(item):
        return project.root / item.name
    from workbench.access import registry

    return registry.locate(project, registry.load(project, item.name))


def _rules(project: Project, record: RunRecord) -> dict[str, Path]:
    """Contracts and policy, if they still are those that the run was held to: they say what its governed inputs were."""
    from workbench.access import registry

    governed = [item for item in record.inputs if is_governed(item)]
    found = {}
    for item in governed:
        path = registry.contract_path(project, item.name)
        if path.is_file() and registry.load(project, item.name).version == item.contract_version:
            found[f"contracts/{path.name}"] = path
    policy = project.root / "policy.toml"
    if governed and policy.is_file() and sha256_file(policy) == record.policy_sha256:
        found["policy.toml"] = policy
    return found


def _check_names(files: Mapping[str, Path]) -> None:
    odd = next((name for name in files if not is_safe(name)), None)
    if odd is not None:
        why = "a name in a bundle is printable, without backslashes, and not longer than most systems allow"
        raise BadInput(f"{odd!r} cannot be packed", why=why, fix="let the notebook give the file another name")


def _hashed(files: Mapping[str, Path]) -> dict[str, FileHash]:
    return {name: FileHash(sha256=sha256_file(files[name]), size_bytes=files[name].stat().st_size) for name in sorted(files)}


def _target(project: Project, record: RunRecord, to: Path | None) -> Path:
    """Where the bundle goes. Raises BadInput for a place in the run's own folder, which would then be another one."""
    place = given_path(to) if to else project.root
    target = (place / f"{record.run_id}{SUFFIX}" if place.is_dir() else place).resolve()
    if target.is_relative_to((project.runs / record.run_id).resolve()):
        raise BadInput(f"cannot write {target}", why="it is in the folder that is to be packed", fix="--to another place")
    return target


def _write(target: Path, manifest: BundleManifest, files: Mapping[str, Path]) -> str:
    """Write the bundle, all or nothing, and return its sha256. Raises MachineError."""
    beside = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        with open(beside, "xb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr(_entry(f"{manifest.run_id}/{NAME}"), manifest.dump())
                for name, stated in manifest.files.items():
                    _add(archive, f"{manifest.run_id}/{name}", files[name], stated)
            file.flush()
            os.fsync(file.fileno())
        sha256 = sha256_file(beside)
        beside.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        raise cannot_write(target, error) from error
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
    return sha256


def _entry(name: str) -> zipfile.ZipInfo:
    """An entry of a plain file, the same whenever and by whomever it is made."""
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.create_system, info.external_attr, info.compress_type = 3, 0o100644 << 16, zipfile.ZIP_DEFLATED
    return info


def _add(archive: zipfile.ZipFile, name: str, path: Path, stated: FileHash) -> None:
    """Add one file, if it still is the one that the manifest states."""
    digest = hashlib.sha256()
    with open(path, "rb") as source, archive.open(_entry(name), "w", force_zip64=stated.size_bytes > _LARGE_BYTES) as sink:
        while block := source.read(_BLOCK_BYTES):
            digest.update(block)
            sink.write(block)
    if digest.hexdigest() != stated.sha256:
        raise MachineError(f"{path} changed while it was packed", why="its content has another hash now", fix="pack it again")
