"""Is the code where it can be found again: under git without outputs, and its notebooks ready to be given parameters?"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from workbench.errors import UserError
from workbench.production.notebook import read_notebook
from workbench.production.parameters import read_parameters
from workbench.project import MARK, Project
from workbench.readiness.interface import HIGH, MEDIUM, Check, Measurement
from workbench.records.scorecard import Level, Pillar

_TIME_S = 4


class UnderGit(Check):
    """Outputs are looked for in what git would commit, not in the working copy: a filter may strip them on the way."""

    id: ClassVar[str] = "operations.git"
    title: ClassVar[str] = "project in git, notebooks without outputs"
    pillar: ClassVar[Pillar] = Pillar.OPERATIONS
    category: ClassVar[str] = "compute"
    weight: ClassVar[float] = HIGH
    source: ClassVar[str] = "OpenSSF Scorecard for the criterion; its steps are a house default"

    def __init__(self, command: str = "git") -> None:
        self.command = command

    def run(self, project: Project) -> Measurement:
        if shutil.which(self.command) is None:
            return Measurement(level=Level.SKIPPED, reason=f"{self.command} is not installed", fix="install git")
        if self._git(project.root, "rev-parse", "--is-inside-work-tree") is None:
            if any((folder / ".git").exists() for folder in (project.root, *project.root.parents)):
                reason = "git refuses to read the repository here, perhaps because it belongs to another account"
                return Measurement(level=Level.SKIPPED, reason=reason, fix="git status says why")
            fix = "git init && git add . && git commit"
            return Measurement(level=Level.MUST_FIX, reason="the project is in no git repository", fix=fix)
        if self._git(project.root, "ls-files", "--error-unmatch", MARK) is None:
            reason = f"there is a repository, and {MARK} is not tracked in it"
            return Measurement(level=Level.IMPROVE, reason=reason, fix="git add . && git commit")
        notebooks = list(self._notebooks(project.root))
        kept = [name for name, raw in notebooks if has_outputs(raw)]
        changed = (self._git(project.root, "status", "--porcelain", "--", ".") or b"").splitlines()
        problems = [f"{len(kept)} notebook(s) hold outputs, first {kept[0]}"] if kept else []
        problems += [f"{len(changed)} file(s) differ from the last commit"] if changed else []
        fixes = ["pip install nbstripout && nbstripout --install, then git add --renormalize ."] if kept else []
        fixes += ["git commit"] if changed else []
        good = f"all committed, {len(notebooks)} notebook(s), none with outputs"
        return Measurement(
            level=Level.IMPROVE if problems else Level.READY, reason="; ".join(problems) or good, fix="; ".join(fixes)
        )

    def _notebooks(self, root: Path) -> Iterator[tuple[str, bytes]]:
        """Each tracked notebook of the project with its bytes in git's index."""
        listed = self._git(root, "ls-files", "-s", "-z", "--", "*.ipynb") or b""
        entries = [entry.split(b"\t", 1) for entry in listed.split(b"\0") if entry]
        blobs = b"".join(about.split()[1] + b"\n" for about, _ in entries)
        rest = (self._git(root, "cat-file", "--batch", send=blobs) if entries else b"") or b""
        for _, name in entries:  # each answer: `<sha> blob <size>\n<bytes>\n`
            head, _, rest = rest.partition(b"\n")
            size = int(head.split()[2])
            yield name.decode("utf-8", "replace"), rest[:size]
            rest = rest[size + 1 :]

    def _git(self, root: Path, *arguments: str, send: bytes = b"") -> bytes | None:
        """What git prints; None when it refuses. It takes no locks, so a person's own git beside it is not disturbed."""
        asked = [self.command, "--no-optional-locks", *arguments]
        done = subprocess.run(asked, cwd=root, input=send, capture_output=True, timeout=_TIME_S, check=False)
        return done.stdout if done.returncode == 0 else None


def has_outputs(raw: bytes) -> bool:
    """Does a notebook hold outputs? False for what is no notebook."""
    try:
        return any(cell.get("outputs") for cell in json.loads(raw)["cells"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return False


class Templates(Check):
    """A notebook without a tagged parameters cell cannot be run with other values."""

    id: ClassVar[str] = "operations.templates"
    title: ClassVar[str] = "templates take parameters"
    pillar: ClassVar[Pillar] = Pillar.OPERATIONS
    category: ClassVar[str] = "compute"
    weight: ClassVar[float] = MEDIUM
    source: ClassVar[str] = "binary: papermill's tagged cell, readable"

    def run(self, project: Project) -> Measurement:
        paths = sorted((project.root / "templates").glob("*.ipynb"))
        if not paths:
            return Measurement(level=Level.NOT_APPLICABLE, reason="the project has no templates of its own")
        refused = {}
        for path in paths:
            try:
                read_parameters(read_notebook(path), path.stem)
            except UserError as error:
                refused[path.name] = f"{error.what}: {error.why}"
        good = len(paths) - len(refused)
        if not refused:
            return Measurement(level=Level.READY, value=good, reason=f"{good} of {good}")
        name, why = next(iter(refused.items()))
        return Measurement(
            level=Level.IMPROVE if good else Level.MUST_FIX,
            value=good,
            reason=f"{good} of {len(paths)}; {name}: {why}",
            fix=f"workbench production lint {Path(name).stem}",
        )


CHECKS: tuple[Check, ...] = (UnderGit(), Templates())
