"""Files by URL: `s3://bucket/key`, `gs://bucket/key` and `file:///path`, beside plain paths.

fsspec opens them, with the credentials that the store's own tools use (environment, profile, instance role); none is kept here,
and a URL that holds some is refused, for it would stand in the run's record. Everything is streamed. What cannot be reached is
a letter of ours, whichever library said so.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from workbench.errors import BadInput, MachineError, MissingExtra, UnknownName, WorkbenchError
from workbench.records import files
from workbench.records.files import sha256_file, write_atomic

BLOCK_BYTES = 8 << 20  # read at a time; of an object of any size, no more than about twice this is in memory
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*|arn:aws[\w:-]*")
_SECRET = re.compile(r"^(?!arn:)(?:[^/@:]*:[^@]*|[^/@]*)@")  # key:secret@, where the secret may hold a slash; or key@
_DENIED = {"NoCredentialsError", "PartialCredentialsError", "ProfileNotFound", "DefaultCredentialsError", "RefreshError"}
_AWAY = {"ConnectionError", "TimeoutError", "HTTPClientError", "ClientConnectionError", "TransportError"}


@dataclass(frozen=True)
class _Store:
    """What a kind of store needs. sign_in: how it gets credentials; options: for fsspec."""

    module: str
    install: str
    sign_in: str
    options: dict[str, Any] = field(default_factory=dict)


_STORES = {
    "s3": _Store(
        "s3fs",
        "pip install 'notebook-workbench[s3]'",
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or run `aws configure`",
        {"max_concurrency": 4},  # parts in memory at once
    ),
    "gs": _Store("gcsfs", "pip install gcsfs", "run `gcloud auth application-default login`"),
    "file": _Store("fsspec", "pip install fsspec", "change its permissions", {"auto_mkdir": True}),
}


def is_url(text: str) -> bool:
    """Is it a URL, of whatever kind? A plain path never holds `://`."""
    return "://" in text


def check_url(url: str) -> None:
    """Refuse a URL that nothing here can open, or that holds credentials. Touches no network.

    Raises BadInput; its letter never repeats the part that may be a secret.
    """
    scheme, _, rest = url.partition("://")
    bucket = rest.partition("/")[0]
    if _SECRET.match(rest):
        raise BadInput(
            f"a URL holds credentials: {scheme}://…@…",
            why="it would be written to records and logs as it is",
            fix="take them out of the URL, and " + (_STORES[scheme].sign_in if scheme in _STORES else "out of the parameters"),
        )
    if scheme not in _STORES:
        raise BadInput(
            f"{scheme}:// is not a place that can be used here",
            why="there is " + ", ".join(f"{known}://" for known in _STORES),
            fix="copy it into the project, or into a bucket",
        )
    if scheme != "file" and not _BUCKET.fullmatch(bucket):
        raise BadInput(f"cannot use {url}", why=f"'{bucket}' is no bucket's name", fix=f"{scheme}://BUCKET/KEY")


def without_credentials(url: str) -> str:
    """A path or URL as a record may hold it when another program has taken it already: also without a web address' query."""
    scheme, mark, rest = url.partition("://")
    if scheme in ("http", "https"):
        rest = rest.partition("?")[0]
    return scheme + mark + (_SECRET.sub("…@", rest, count=1) if mark else rest)


def local(path: str, root: Path) -> Path | None:
    """The file of this machine that `path` names: a plain path, from `root` on, or a file:// URL. None: it lies in a store.

    Raises BadInput for a file:// URL that is not absolute, and for what `check_url` refuses.
    """
    if not is_url(path):
        return root / path
    check_url(path)
    scheme, _, rest = path.partition("://")
    if scheme != "file":
        return None
    host, slash, place = rest.partition("/")
    if host not in ("", "localhost") or not slash:
        raise BadInput(
            f"cannot use {path}",
            why=f"a file URL is absolute; in this one '{host}' stands where the host's name stands",
            fix="write file:///… in full, or the plain path without file://",
        )
    return Path("/" + unquote(place))


@contextmanager
def reaching(url: str, act: str = "read") -> Iterator[tuple[Any, str]]:
    """The fsspec file system of a URL, and the path in it. Whatever its library raises inside the block leaves as a letter.

    Raises BadInput, MissingExtra (with the command that installs the library), UnknownName for what is not there, MachineError
    when the store cannot be reached; it has been asked several times by then, with pauses: the store's client sees to that.
    """
    check_url(url)
    store = _STORES[url.partition("://")[0]]
    try:
        import_module(store.module)
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"cannot {act} {url}", why=f"the package '{store.module}' is not installed", fix=store.install
        ) from error
    from fsspec.core import url_to_fs

    place, system = local(url, Path.cwd()), None
    try:
        # no listings: another process may have written since. fsspec keeps the client itself, by process
        system, path = url_to_fs(url if place is None else str(place), use_listings_cache=False, **store.options)
        system.retries = 2  # s3fs' own 5 around botocore's 5, of 15 s each, are six minutes for a store that hangs
        yield system, path
    except WorkbenchError:
        raise
    except Exception as error:
        if system is not None:
            type(system).clear_instance_cache()  # a client keeps the credentials that it started without
        raise _letter(url, store, act, error) from error


def _letter(url: str, store: _Store, act: str, error: Exception) -> WorkbenchError:
    """An error of fsspec, botocore, aiohttp or google-auth, told by its class' name: none of them is imported for it."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    what, said = f"cannot {act} {url}", " ".join(f"{error}".split()) or type(error).__name__
    if isinstance(error, FileNotFoundError):
        missing = "bucket" if "Bucket" in repr(error.__cause__) else "object or folder"
        return UnknownName(what, why=f"there is no such {missing}", fix="check the name; large and small letters differ")
    if kinds & _DENIED:
        return BadInput(what, why=f"no credentials: {said}", fix=store.sign_in)
    if isinstance(error, PermissionError):
        why = f"the store refuses: {said}; many say the same of what is not there"
        return BadInput(what, why=why, fix=f"ask for the right to {act} it, or use other credentials: {store.sign_in}")
    if kinds & _AWAY:
        return MachineError(what, why=f"the store does not answer: {said}", fix="check the network, and run it again")
    if "FileExpired" in kinds:
        return BadInput(what, why="it was replaced while it was read", fix="run it again when nobody writes to it")
    if isinstance(error, ValueError):
        return BadInput(what, why=said, fix="check the URL, and the settings of the store")
    return MachineError(what, why=f"{type(error).__name__}: {said}", fix="mend that and run it again")


def look(url: str) -> None:
    """Find out that a URL can be read: an object, or a prefix that holds some. Raises what `reaching` raises."""
    with reaching(url) as (system, path):
        system.info(path)  # not exists(): that takes every error for an absence


def is_there(path: str, root: Path) -> bool:
    """Is it a file or a folder, here or in a store? What no store here opens is not. root: where a plain path starts.

    Raises what `reaching` raises when a store cannot tell.
    """
    if is_url(path) and path.partition("://")[0] not in _STORES:
        return False
    place = local(path, root)
    if place is not None:
        return files.is_there(place)
    with suppress(UnknownName):
        look(path)
        return True
    return False


def read(url: str) -> bytes:
    """The bytes of a (small) object. Raises what `reaching` raises."""
    with reaching(url) as (system, path):
        content: bytes = system.cat_file(path)
        return content


def sha256(path: str, root: Path) -> str:
    """sha256 of a file's bytes, in hex; of a folder or prefix: of its files' names and hashes in name order.

    path: a plain path (from `root`), or a URL. A folder and its copy in a bucket have one hash.
    A version of an object in a versioned bucket never changes: its hash is kept below `root`, and taken from there.
    Anything else is read, every time: an ETag is no hash of the bytes once an object was sent in parts or is encrypted.
    """
    place = local(path, root)
    if place is not None:
        return sha256_file(place)
    with reaching(path) as (system, inside):
        notes = root / ".workbench" / "cache" / "versions"
        if system.info(inside)["type"] != "directory":
            return _object_sha256(system, inside, notes)
        found = objects(system, inside)
        lines = [f"{name} {_object_sha256(system, found[name], notes)}" for name in sorted(found, key=PurePosixPath)]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def objects(system: Any, prefix: str) -> dict[str, str]:
    """The objects below a prefix: name relative to it → path in the store. Placeholders of empty folders are none."""
    start = prefix.rstrip("/") + "/"
    return {path.removeprefix(start): path for path in system.find(prefix) if path.startswith(start) and not path.endswith("/")}


def _object_sha256(system: Any, path: str, notes: Path) -> str:
    note = _note(notes, path, system.info(path).get("VersionId"))
    if note is not None and note.is_file():
        return note.read_text()
    with system.open(path, "rb", block_size=BLOCK_BYTES) as file:  # s3fs asks for one state of it throughout (If-Match)
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        read_version = file.details.get("VersionId")
    if note is not None and note == _note(notes, path, read_version) and notes.parents[1].is_dir():
        write_atomic(note, digest.encode())
    return digest


def _note(notes: Path, path: str, version: str | None) -> Path | None:
    """Where the hash of an object's version is kept. None without versions ('null': from before they were switched on)."""
    return None if version in (None, "null") else notes / hashlib.sha256(f"{path}@{version}".encode()).hexdigest()
