"""What leaves the house: the wheel and the sdist, built from a copy of the checkout."""

from __future__ import annotations

import configparser
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import workbench

ROOT = Path(__file__).parent.parent
# Not a part of the source: histories, environments, what a build leaves behind, what a demonstration makes.
NOT_SOURCE = shutil.ignore_patterns(
    *(".git", ".venv", ".*_cache", "__pycache__", ".ipynb_checkpoints"),
    *("node_modules", "lib", "labextension", "dist", "demo"),
)
IN_WHEEL = "data/share/jupyter/labextensions/notebook-workbench"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean copy, so that a bundle of the working tree is neither used nor overwritten."""
    return Path(shutil.copytree(ROOT, tmp_path_factory.mktemp("checkout") / "workbench", ignore=NOT_SOURCE))


@pytest.fixture(scope="module")
def wheel(checkout: Path) -> Path:
    out = checkout.parent / "wheel"
    done = pip("wheel", "--no-deps", "--wheel-dir", out, checkout)
    assert done.returncode == 0, done.stdout
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def sdist(checkout: Path, wheel: Path) -> Path:
    """The sdist of the checkout in which the wheel was built: its bundle fits, so this needs hatchling alone."""
    out = checkout.parent / "sdist"
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", out], cwd=checkout, check=True)
    return next(out.glob("*.tar.gz"))


def test_the_package_and_the_extension_have_one_version() -> None:
    assert json.loads((ROOT / "extension/package.json").read_text())["version"] == workbench.__version__


def test_the_lock_file_names_no_registry() -> None:
    assert "://" not in (ROOT / "extension/yarn.lock").read_text()


def test_a_bundle_is_stale_as_soon_as_a_source_changes(tmp_path: Path) -> None:
    hook = load_hook()
    extension, bundle = tmp_path / "extension", tmp_path / "bundle"
    shutil.copytree(ROOT / "extension", extension, ignore=NOT_SOURCE)
    bundle.mkdir()
    assert not hook.is_built(extension, bundle)
    (bundle / hook.FINGERPRINT).write_text(hook.fingerprint(extension))
    assert hook.is_built(extension, bundle)
    (extension / "src/index.ts").rename(extension / "src/main.ts")
    assert not hook.is_built(extension, bundle)


@pytest.mark.slow
def test_without_node_pip_says_in_one_line_what_to_do(checkout: Path, tmp_path: Path) -> None:
    clean = Path(shutil.copytree(checkout, tmp_path / "workbench", ignore=NOT_SOURCE))
    done = pip("install", "--no-deps", "--target", tmp_path / "site", clean, PATH=str(tmp_path))
    assert done.returncode != 0
    (line,) = [line for line in done.stdout.splitlines() if "cannot build the JupyterLab extension" in line]
    assert "why: a checkout needs Node.js >= 20, found none · fix: install Node.js, or" in line
    assert "Traceback" not in done.stdout


@pytest.mark.slow
def test_the_sdist_installs_without_node(sdist: Path, tmp_path: Path) -> None:
    done = pip("install", "--no-deps", "--target", tmp_path / "site", sdist, PATH=str(tmp_path))
    assert done.returncode == 0, done.stdout
    assert list((tmp_path / "site/share/jupyter/labextensions/notebook-workbench/static").glob("remoteEntry.*.js"))


@pytest.mark.slow
def test_the_wheel_carries_the_bundle_once_and_where_lab_looks(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert len(names) == len(set(names))
    (entry,) = [name for name in names if Path(name).name.startswith("remoteEntry.")]
    assert entry.split("/", 1)[1].startswith(f"{IN_WHEEL}/static/")
    assert sum(name.endswith(f"{IN_WHEEL}/install.json") for name in names) == 1
    assert not [name for name in names if name.startswith("workbench/labextension")]


@pytest.mark.slow
@pytest.mark.parametrize("folder", ["templates", "notebooks"])
def test_the_wheel_carries_every_notebook(checkout: Path, wheel: Path, folder: str) -> None:
    expected = {f"workbench/{path.relative_to(checkout).as_posix()}" for path in (checkout / folder).rglob("*.ipynb")}
    inside = set(zipfile.ZipFile(wheel).namelist())
    assert expected
    assert expected == {name for name in inside if name.startswith(f"workbench/{folder}/") and name.endswith(".ipynb")}


@pytest.mark.slow
def test_the_wheel_declares_our_entry_points(wheel: Path) -> None:
    project = project_table()
    expected = {"console_scripts": project["scripts"], **project.get("entry-points", {})}
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/entry_points.txt")]
        declared = configparser.ConfigParser(delimiters=("=",))
        declared.read_string(archive.read(name).decode())
    assert {group: dict(declared[group]) for group in declared.sections()} == expected


@pytest.mark.slow
def test_the_base_install_runs_a_template(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    scripts = tmp_path / "venv/bin"
    constraints = ROOT / "constraints.txt"
    subprocess.run([scripts / "pip", "install", "--quiet", "--constraint", constraints, wheel], check=True)

    def run(*arguments: str, cwd: Path) -> str:
        done = subprocess.run([scripts / "workbench", *arguments], cwd=cwd, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "production" in run("--help", cwd=tmp_path)
    run("init", "p", cwd=tmp_path)
    run("production", "run", "assess", cwd=tmp_path / "p")
    assert list((tmp_path / "p/.workbench/runs").glob("*-assess-*/record.json"))


def pip(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run pip of this interpreter; stdout holds both streams."""
    command = [sys.executable, "-m", "pip", *map(str, arguments)]
    env: Mapping[str, str] = {**os.environ, **environment}
    return subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def project_table() -> dict[str, Any]:
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project


def load_hook() -> ModuleType:
    """hatch_build.py, which stands outside of every package."""
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
