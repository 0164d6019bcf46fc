"""Can the environment be built again: a supported interpreter, and packages written down, pinned and hashed."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import ClassVar

from workbench.project import Project
from workbench.readiness.interface import HIGH, MEDIUM, Check, Measurement
from workbench.records.scorecard import Level, Pillar

# End of security fixes, devguide.python.org/versions, as of November 2026; upstream gives a month, this is its last day.
SUPPORT_ENDS: Mapping[tuple[int, int], date] = {
    (3, 11): date(2027, 10, 31),
    (3, 12): date(2028, 10, 31),
    (3, 13): date(2029, 10, 31),
    (3, 14): date(2030, 10, 31),
    (3, 15): date(2031, 10, 31),
}
_SOON_DAYS = 180

# Formats that always carry a hash for each file.
_LOCKS = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pixi.lock", "pylock.toml", "conda-lock.yml")
_RECORDS = ("environment.yml", "environment.yaml", "Dockerfile", "apt.txt")
_PINNED = re.compile(r"^[A-Za-z0-9][\w.-]*(\[[^\]]*\])?\s*===?\s*[^\s*,;]+\s*(;.*)?$")


class Interpreter(Check):
    """Does Python still get security fixes, and is there a file that says what is installed?"""

    id: ClassVar[str] = "environment.interpreter"
    title: ClassVar[str] = "supported Python, environment written down"
    pillar: ClassVar[Pillar] = Pillar.ARCHITECTURE
    category: ClassVar[str] = "compute"
    weight: ClassVar[float] = MEDIUM
    source: ClassVar[str] = "devguide.python.org/versions; warns 180 days ahead (house default)"

    def __init__(self, version: tuple[int, int] = sys.version_info[:2]) -> None:
        self.version = version

    def run(self, project: Project) -> Measurement:
        name = "Python {}.{}".format(*self.version)
        recorded = [p.name for p in (*lock_files(project.root), *requirement_files(project.root))]
        recorded += [n for n in _RECORDS if (project.root / n).is_file()]
        written = f"environment written down in {recorded[0]}" if recorded else "no file says what is installed"
        ends = SUPPORT_ENDS.get(self.version)
        if ends is None and self.version > max(SUPPORT_ENDS):
            reason = f"{name} is newer than this check knows; {written}"
            return Measurement(level=Level.INCONCLUSIVE, reason=reason, fix="upgrade notebook-workbench")
        if ends is None or ends < project.today:
            past = f"since {ends}" if ends else "any more"
            good = [f"{major}.{minor}" for (major, minor), end in SUPPORT_ENDS.items() if self._lasts(end, project.today)]
            fix = f"move to one of Python {', '.join(good)}"
            return Measurement(level=Level.MUST_FIX, reason=f"{name} gets no security fixes {past}; {written}", fix=fix)
        fixes = [] if self._lasts(ends, project.today) else [f"move on from {name} before {ends}"]
        fixes += [] if recorded else ["pip freeze > constraints.txt"]
        return Measurement(
            level=Level.IMPROVE if fixes else Level.READY,
            reason=f"{name} gets security fixes until {ends}; {written}",
            fix="; ".join(fixes),
        )

    @staticmethod
    def _lasts(ends: date, today: date) -> bool:
        return (ends - today).days >= _SOON_DAYS


class Pinned(Check):
    """Would an install tomorrow give the same packages?"""

    id: ClassVar[str] = "environment.pinned"
    title: ClassVar[str] = "dependencies pinned and hashed"
    pillar: ClassVar[Pillar] = Pillar.SECURITY
    category: ClassVar[str] = "security"
    weight: ClassVar[float] = HIGH
    source: ClassVar[str] = "OpenSSF Scorecard, Pinned-Dependencies"

    def run(self, project: Project) -> Measurement:
        locks = lock_files(project.root)
        if locks:
            return Measurement(level=Level.READY, reason=f"{locks[0].name} pins and hashes every package")
        fix = "make a lock with hashes: uv pip compile --generate-hashes, or pip-compile --generate-hashes"
        files = requirement_files(project.root)
        lines = [line for path in files for line in requirements(path.read_text(encoding="utf-8", errors="replace"))]
        if not lines:
            return Measurement(level=Level.MUST_FIX, reason="there is no lock file and no constraints file", fix=fix)
        pinned = sum(1 for line, _ in lines if _PINNED.match(line))
        hashed = sum(1 for line, has_hash in lines if has_hash and _PINNED.match(line))
        where = ", ".join(path.name for path in files)
        reason = f"{pinned} of {len(lines)} requirements pinned, {hashed} with a hash ({where})"
        level = Level.READY if hashed == len(lines) else Level.IMPROVE if pinned == len(lines) else Level.MUST_FIX
        return Measurement(level=level, reason=reason, fix=fix)


def lock_files(root: Path) -> list[Path]:
    """Lock files in the project's folder."""
    return [root / name for name in _LOCKS if (root / name).is_file()]


def requirement_files(root: Path) -> list[Path]:
    """Files in pip's format in the project's folder."""
    return sorted({*root.glob("constraints*.txt"), *root.glob("requirements*.txt")})


def requirements(text: str) -> list[tuple[str, bool]]:
    """(requirement, has a hash) of each entry of a pip requirements file: comments, options and line joins are taken off."""
    joined = re.sub(r"\\\r?\n", " ", text)
    lines = (re.sub(r"(^|\s)#.*", "", line).strip() for line in joined.splitlines())
    return [(line.split(" --")[0].strip(), "--hash=" in line) for line in lines if line and not line.startswith("-")]


CHECKS: tuple[Check, ...] = (Interpreter(), Pinned())
