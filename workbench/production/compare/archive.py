"""Read a bundle that anybody may have made: look first, unpack nothing that does not hold.

A zip file has its directory at its end, so all names and sizes are known, and judged, before a byte is unpacked. Then each file
is read through once for its hash, and never beyond the size that the manifest states. `unpack` writes files itself, into a new
folder, and only those that held: no link, no device, no path out of the folder can come of it.
"""

from __future__ import annotations

import hashlib
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from workbench.errors import BadInput, MachineError, UnknownName
from workbench.findings import Finding, Outcome
from workbench.production.compare.manifest import NAME, BundleManifest, is_run_id, is_safe
from workbench.records.files import cannot_read, cannot_write

BLOCK_BYTES = 1 << 20
LARGEST_DOCUMENT_BYTES = 64 << 20  # of a file that is read as a whole: the manifest, the record, a notebook
_DEFLATE_AT_MOST = 1032  # bytes that one byte of deflate can become (zlib's own bound)
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OverflowError, OSError)


@dataclass(frozen=True)
class Bundle:
    """An open bundle. members: its files by their name below the bundle's folder, without the manifest."""

    path: Path
    archive: zipfile.ZipFile
    manifest: BundleManifest
    members: tuple[tuple[str, zipfile.ZipInfo], ...]

    def read(self, name: str) -> bytes:
        """One small file as a whole. Raises BadInput when it is not there, too large, or broken."""
        info = dict(self.members).get(name)
        if info is None or info.file_size > LARGEST_DOCUMENT_BYTES:
            why = "it is not there" if info is None else f"{info.file_size:,} bytes are too many for it"
            raise BadInput(f"{self.path.name} has no {name} that can be read", why=why, fix="ask for the bundle again")
        return _read(self.archive, info, self.path)

    def unpack(self, prefix: str, folder: Path) -> None:
        """Write the files whose names begin with `prefix` into `folder`, which must not be there, without the prefix.

        Call it only after `findings` found nothing wrong. Raises MachineError when they cannot be written.
        """
        try:
            folder.mkdir(parents=True)
            for name, info in self.members:
                if name.startswith(prefix) and is_safe(name):
                    place = folder / name.removeprefix(prefix)
                    place.parent.mkdir(parents=True, exist_ok=True)
                    with self.archive.open(info) as source, open(place, "xb") as sink:
                        while block := source.read(BLOCK_BYTES):
                            sink.write(block)
        except OSError as error:
            raise cannot_write(folder, error) from error
        except _BROKEN as error:
            raise MachineError(
                f"{self.path.name} cannot be unpacked", why=f"it changed while it was read: {error}", fix="verify it again"
            ) from error


@contextmanager
def open_bundle(path: Path) -> Iterator[Bundle]:
    """Open a bundle and read its manifest. Raises UnknownName when there is no such file, BadInput when it is no bundle."""
    if path.exists() and not path.is_file():
        raise _no_bundle(path, "it is no file")  # a pipe or a device has no end
    try:
        archive = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise UnknownName(f"no bundle at {path}", why="the file is not there", fix="check the path") from None
    except OSError as error:
        raise cannot_read(path, error) from error
    except _BROKEN as error:
        raise _no_bundle(path, f"it is no zip file, or its end is missing: {error}") from error
    with archive:
        manifests = [info for info in archive.infolist() if info.filename.split("/")[1:] == [NAME]]
        if len(manifests) != 1 or not is_run_id(manifests[0].filename.partition("/")[0]):
            raise _no_bundle(path, f"it holds {len(manifests)} files RUN/{NAME}, and a bundle holds one")
        info = manifests[0]
        if info.file_size > LARGEST_DOCUMENT_BYTES:
            raise _no_bundle(path, f"its manifest has {info.file_size:,} bytes")
        manifest = BundleManifest.parse(_read(archive, info, path), source=f"the manifest of {path.name}")
        top = info.filename.partition("/")[0]
        if manifest.run_id != top:
            raise _no_bundle(path, f"its folder is {top}, and its manifest is of {manifest.run_id}")
        members = tuple((_below(i.filename, top), i) for i in archive.infolist() if i is not info)
        yield Bundle(path, archive, manifest, members)


def _below(name: str, top: str) -> str:
    """A name without the bundle's folder; one that lies elsewhere keeps a mark by which no manifest lists it."""
    return name.removeprefix(f"{top}/") if name.startswith(f"{top}/") else f"/{name}"


def _no_bundle(path: Path, why: str) -> BadInput:
    return BadInput(
        f"{path.name} is no bundle of a run", why=why, fix="copy it again, and compare its sha256 with the sender's"
    )


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> bytes:
    try:
        if not _is_plain(info):
            raise ValueError("it is encrypted, or packed in a way that bundles are not")
        with archive.open(info) as file:
            return file.read()
    except _BROKEN as error:
        raise _no_bundle(path, f"{info.filename} cannot be read: {error}") from error


def _is_plain(info: zipfile.ZipInfo) -> bool:
    """Can it be read without a password, and without a method that takes memory as it likes?"""
    return not info.flag_bits & 1 and info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def findings(bundle: Bundle) -> tuple[Finding, ...]:
    """Each file against the manifest; one finding for each that does not hold, or one that says that all do."""
    stated, largest = bundle.manifest.size_bytes, bundle.path.stat().st_size * _DEFLATE_AT_MOST
    if stated > largest or sum(info.file_size for _, info in bundle.members) > largest:
        why = f"it states {stated:,} bytes of content, more than {bundle.path.stat().st_size:,} packed bytes can hold"
        return (_fail("bundle.size", f"{why}: nothing was read", "do not unpack it"),)
    problems = [*_names(bundle), *_contents(bundle)]
    if problems:
        return tuple(problems)
    count = len(bundle.manifest.files)
    return (
        Finding(check="bundle.files", outcome=Outcome.PASS, message=f"{count} files, {stated:,} bytes, have the stated hashes"),
    )


def _names(bundle: Bundle) -> Iterator[Finding]:
    """What is wrong before anything is read."""
    listed = bundle.manifest.files
    for name in (name for name in listed if not is_safe(name)):
        yield _fail("bundle.name", f"{name!r} would leave the bundle's folder", "do not unpack it")
    counted = Counter(name for name, _ in bundle.members)
    for name in sorted(listed.keys() - counted.keys()):
        yield _fail("bundle.missing", f"{name} is in the manifest, and not in the bundle")
    for name in sorted(counted.keys() - listed.keys()):
        yield _fail("bundle.extra", f"{name!r} is in the bundle, and not in the manifest")
    for name in sorted(name for name, count in counted.items() if count > 1):
        yield _fail("bundle.twice", f"{name!r} is there {counted[name]} times")


def _contents(bundle: Bundle) -> Iterator[Finding]:
    """What is wrong with the files that the manifest lists."""
    for name, info in bundle.members:
        stated = bundle.manifest.files.get(name)
        if stated is None:
            continue
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG) or info.is_dir():
            yield _fail("bundle.kind", f"{name} is a link, a folder or a device, not a file", "do not unpack it")
        elif not _is_plain(info):
            yield _fail("bundle.kind", f"{name} is encrypted, or packed in a way that bundles are not")
        elif info.file_size != stated.size_bytes:
            yield _fail("bundle.size", f"{name} has {info.file_size:,} bytes, the manifest states {stated.size_bytes:,}")
        else:
            yield from _content(bundle, name, info, stated.sha256)


def _content(bundle: Bundle, name: str, info: zipfile.ZipInfo, stated: str) -> Iterator[Finding]:
    try:
        with bundle.archive.open(info) as file:
            found = _digest(file, info.file_size)
    except _BROKEN as error:
        yield _fail("bundle.file", f"{name} cannot be read: {error}")
        return
    if found != stated:
        yield _fail("bundle.file", f"{name} has sha256 {found[:12]}…, the manifest states {stated[:12]}…")


def _digest(file: IO[bytes], size_bytes: int) -> str:
    """sha256 of a file that is to have this size. Raises ValueError when it has another."""
    digest, left = hashlib.sha256(), size_bytes
    while block := file.read(min(BLOCK_BYTES, left + 1)):
        left -= len(block)
        if left < 0:
            break
        digest.update(block)
    if left:
        raise ValueError(f"it does not have the {size_bytes:,} bytes that it states")
    return digest.hexdigest()


def _fail(check: str, message: str, fix: str = "ask for the bundle again; do not trust this one") -> Finding:
    return Finding(check=check, outcome=Outcome.FAIL, message=message, fix=fix)
