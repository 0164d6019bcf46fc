"""The house rules that a machine can hold."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONSTRAINTS = {
    canonicalize_name(r.name): r
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if line and not line.startswith("#")
    for r in [Requirement(line)]
}


def requirements():
    project = PYPROJECT["project"]
    for text in (*project["dependencies"], *(r for extra in project["optional-dependencies"].values() for r in extra)):
        found = Requirement(text)
        if found.name != project["name"]:
            yield found


def test_every_requirement_has_one_exact_version_in_the_constraints_that_it_admits():
    for wanted in requirements():
        pinned = CONSTRAINTS[canonicalize_name(wanted.name)]
        (pin,) = pinned.specifier
        assert pin.operator == "=="
        assert pin.version in wanted.specifier, f"{wanted} does not admit {pinned}"


def test_the_conda_environment_installs_what_make_installs():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    pip = environment["dependencies"][-1]["pip"]
    assert pip == [
        "--constraint constraints.txt",
        f"torch=={next(iter(CONSTRAINTS['torch'].specifier)).version}",
        "--editable .[all,dev]",
    ]
    made = (ROOT / "Makefile").read_text()
    assert "--constraint constraints.txt torch==2.13.0 --editable '.[all,dev]'" in made


def test_torch_is_pinned_to_the_version_that_was_tested():
    assert str(CONSTRAINTS["torch"].specifier) == "==2.13.0"


def test_the_extra_all_holds_every_extra_but_dev():
    extras = PYPROJECT["project"]["optional-dependencies"]
    (everything,) = extras["all"]
    assert Requirement(everything).extras == set(extras) - {"all", "dev"}


def test_the_version_is_the_same_in_both_languages():
    from workbench import __version__

    package = (ROOT / "extension" / "package.json").read_text()
    assert PYPROJECT["project"]["version"] == __version__ == re.search(r'"version": "([^"]+)"', package)[1]


def test_modules_stay_small():
    long = {
        str(p.relative_to(ROOT)): n for p in (ROOT / "workbench").rglob("*.py") if (n := len(p.read_text().splitlines())) > 300
    }
    assert long == {}


def test_importing_the_package_loads_nothing():
    code = "import sys; before = set(sys.modules); import workbench; print(sorted(set(sys.modules) - before))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "['workbench']\n"


def test_no_file_names_a_registry_host_or_a_path_of_one_machine():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True).stdout.split("\0")
    # put together here, so that this file does not hold what it forbids
    forbidden = re.compile(
        "|".join(["/wo" + "rk/", "py" + r"pi\.org", "registry\\.np" + r"mjs\.org", "registry\\.ya" + "rnpkg"])
    )
    text_files = (ROOT / name for name in listed if name and not name.endswith((".png", ".lock", ".parquet")))
    assert [str(p) for p in text_files if p.is_file() and forbidden.search(p.read_text(errors="ignore"))] == []
