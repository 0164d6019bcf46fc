"""Builds the JupyterLab extension before hatchling packs a wheel or an sdist.

The bundle keeps the fingerprint of the sources it was built from. A bundle that fits its sources is left alone: so an
sdist, which carries one, installs without Node.js, and a second editable install takes no time. A bundle that does
not fit is never kept. (Modification times would not do: git, pip and archives all set them as they like.)
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = ("package.json", "install.json", "yarn.lock", ".yarnrc.yml", "tsconfig.json", "src", "style")
FINGERPRINT = ".sources.sha256"
OLDEST_NODE = 20


class LabExtensionHook(BuildHookInterface[BuilderConfig]):
    """Makes `workbench/labextension` fit the sources in `extension/`."""

    def dependencies(self) -> list[str]:
        """jupyter-builder, if there is something to build. Pip asks first of all: a missing Node.js is told at once."""
        if is_built(self._extension, self._bundle):
            return []
        require_node()
        return ["jupyter-builder>=1.2,<2"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the bundle, unless the one at hand fits."""
        if not is_built(self._extension, self._bundle):
            require_node()
            build(self._extension, self._bundle)

    @property
    def _extension(self) -> Path:
        return Path(self.root, "extension")

    @property
    def _bundle(self) -> Path:
        return Path(self.root, "workbench", "labextension")


def is_built(extension: Path, bundle: Path) -> bool:
    """Whether `bundle` was built from the sources that `extension` holds now."""
    kept = bundle / FINGERPRINT
    return kept.is_file() and kept.read_text() == fingerprint(extension)


def fingerprint(extension: Path) -> str:
    """Sha256 in hex over the name and the content of each source file, in the order of the names."""
    digest = hashlib.sha256()
    for path in sorted(source_files(extension)):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(extension).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def source_files(extension: Path) -> Iterator[Path]:
    """Every file that the bundle depends on; a lost one is an error, not another fingerprint."""
    for name in SOURCES:
        path = extension / name
        if path.is_dir():
            yield from (file for file in path.rglob("*") if file.is_file())
        elif path.is_file():
            yield path
        else:
            raise FileNotFoundError(path)


def require_node() -> None:
    """Stop with one line when there is no Node.js, or one too old to run the build. SystemExit: no traceback."""
    node = shutil.which("node")
    found = subprocess.run([node, "--version"], capture_output=True, text=True).stdout.strip() if node else "none"
    if found == "none" or int(found.lstrip("v").split(".")[0]) < OLDEST_NODE:
        raise SystemExit(
            f"cannot build the JupyterLab extension · why: a checkout needs Node.js >= {OLDEST_NODE}, found {found}"
            " · fix: install Node.js, or install a published wheel or sdist of notebook-workbench (they hold it built)"
        )


def build(extension: Path, bundle: Path) -> None:
    """Run the scripts of package.json; leave install.json and the fingerprint in the new `bundle`."""
    # jlpm may stand beside a Python whose scripts are not on PATH: pip of a virtual environment that is not activated.
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), sysconfig.get_path("scripts")])
    jlpm = shutil.which("jlpm", path=path) or "jlpm"
    shutil.rmtree(bundle, ignore_errors=True)
    for command in ("install", "--immutable"), ("build:prod",):
        if subprocess.run([jlpm, *command], cwd=extension, env={**os.environ, "PATH": path}).returncode:
            raise SystemExit(
                f"cannot build the JupyterLab extension · why: `jlpm {command[0]}` failed · fix: see its output above"
            )
    # Beside the bundle from the start: `jlpm watch` links the folder into Lab, and pip then installs through that link.
    shutil.copy(extension / "install.json", bundle)
    (bundle / FINGERPRINT).write_text(fingerprint(extension))
