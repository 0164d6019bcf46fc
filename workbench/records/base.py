"""The base of every record, and the one canonical JSON that is hashed.

On disk a record is `{"kind": …, "version": …, …fields}`. An older version is upgraded as it is read; a newer one is
refused by name, because guessing at fields would lose what a newer workbench has written.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from workbench.errors import BadInput, UnknownName
from workbench.records.files import cannot_read, write_atomic
from workbench.records.view import View


class Record(BaseModel):
    """A frozen document with a kind and a version. Subclasses set both, and `upgrade` when the version rises."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)  # most processes use few of the models

    kind: ClassVar[str]
    version: ClassVar[int] = 1

    @classmethod
    def upgrade(cls, data: dict[str, Any], version: int) -> dict[str, Any]:
        """Bring the fields of an older `version` to this one. The default knows no older version."""
        raise BadInput(
            f"a {cls.kind} record of version {version} cannot be read",
            why=f"this workbench reads version {cls.version} and knows no way from {version}",
            fix="read it with the workbench that wrote it",
        )

    def view(self) -> View:
        """What a face shows; the default lists the fields."""
        return View(title=self.kind, facts=tuple((k, str(v)) for k, v in self.model_dump(mode="json").items()))

    def _repr_html_(self) -> str:
        """What a notebook shows of it."""
        from workbench.records.html import card

        return card(self.view())

    def dump(self) -> bytes:
        """This record as the bytes that go to disk."""
        data = {"kind": self.kind, "version": self.version, **self.model_dump(mode="json")}
        return json.dumps(data, indent=1, ensure_ascii=False).encode() + b"\n"

    def write(self, path: Path) -> None:
        """Write it whole or not at all; raises MachineError."""
        write_atomic(path, self.dump())

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read it from `path`; raises UnknownName when there is none and BadInput when it is not such a record."""
        try:
            raw = path.read_bytes()
        except FileNotFoundError:
            raise UnknownName(
                f"no {cls.kind} at {path}", why="the file is not there", fix="check the name, or make it first"
            ) from None
        except OSError as error:
            raise cannot_read(path, error) from error
        return cls.parse(raw, source=str(path))

    @classmethod
    def parse(cls, raw: bytes, *, source: str) -> Self:
        """Read it from the bytes of `source` (a name for the error's letter)."""
        try:
            data = json.loads(raw)
            kind, version = data.pop("kind"), int(data.pop("version"))
        except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
            raise _unreadable(cls, source, f"it is not a record: {error!r}") from error
        if kind != cls.kind:
            raise _unreadable(cls, source, f"it is a {kind} record")
        if version > cls.version:
            raise BadInput(
                f"{source} was written by a newer workbench",
                why=f"it has version {version} of '{kind}', this workbench knows up to {cls.version}",
                fix="pip install --upgrade notebook-workbench",
            )
        if version < cls.version:
            data = cls.upgrade(data, version)
        try:
            return cls.model_validate_json(json.dumps(data))
        except ValidationError as error:
            raise _unreadable(cls, source, first_error(error)) from error


def _unreadable(cls: type[Record], source: str, why: str) -> BadInput:
    return BadInput(f"{source} is no {cls.kind} record", why=why, fix="restore it from a backup, or remove it and run again")


def first_error(error: ValidationError) -> str:
    """The first thing pydantic found, as `field.path: message`."""
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else first["msg"]


def canonical_json(value: Any) -> bytes:
    """The one JSON text of a value: sorted keys, no spaces, UTF-8, NaN refused. Equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def sha256_json(value: Any) -> str:
    """sha256 of the canonical JSON, in hex."""
    return hashlib.sha256(canonical_json(value)).hexdigest()
