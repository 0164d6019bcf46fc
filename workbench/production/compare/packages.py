"""Two environments, package by package, from the lines that each run keeps in environment.txt."""

from __future__ import annotations

import re
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

_LINE = re.compile(r"(?P<name>.+?)(?:==(?P<version>\S+))?\s+sha256:(?P<sha256>\S+)(?:\s+source:(?P<source>\S+))?")
_ROOT = "./"  # its line is of the project's own modules
PROJECT = "the project's modules"


class Package(NamedTuple):
    """One line of environment.txt. version: empty for the project's own code; source: a hash, of an editable install."""

    name: str
    version: str = ""
    sha256: str = ""
    source: str = ""

    def shown(self, beside: Package | None) -> str:
        """Its version; with the head of the hash that tells it from the other one, where the version does not."""
        if self.version and (beside is None or beside.version != self.version):
            return self.version
        same_files = beside is not None and beside.sha256 == self.sha256
        told = f"source:{self.source[:12]}" if same_files and self.source else f"sha256:{self.sha256[:12]}"
        return f"{self.version} {told}".strip()


class PackageChange(BaseModel):
    """One package that is not the same in two environments; an empty side is where it is missing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    a: str
    b: str


def parse(text: str) -> dict[str, Package]:
    """The packages by their name in lower case; a line that is none of ours counts as a name without a version."""
    found = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        match = _LINE.fullmatch(line)
        package = Package(*(part or "" for part in match.groups())) if match else Package(line)
        found[package.name.lower()] = package
    return found


def compare(a: str, b: str) -> tuple[PackageChange, ...]:
    """What was added, removed, has another version, or the same version with other files; by name."""
    before, after = parse(a), parse(b)
    changes = []
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key), after.get(key)
        if old and new and old[1:] == new[1:]:
            continue
        name = (new or old or Package(key)).name
        shown = PROJECT if name == _ROOT else name
        changes.append(PackageChange(name=shown, a=old.shown(new) if old else "", b=new.shown(old) if new else ""))
    return tuple(changes)
