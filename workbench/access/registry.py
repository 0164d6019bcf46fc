"""Where contracts lie in a project, and where the files that they describe lie."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

from workbench.access.contract import NAME, SUFFIX, Contract, parse
from workbench.errors import BadInput, MissingExtra, unknown
from workbench.project import Project
from workbench.records.files import cannot_read, given_path

PACKAGE = "package://"


def contract_path(project: Project, name: str) -> Path:
    """Where the contract of a dataset lies."""
    return project.root / "contracts" / f"{name}{SUFFIX}"


def names(project: Project) -> tuple[str, ...]:
    """The datasets that have a contract, in order."""
    return tuple(sorted(p.name.removesuffix(SUFFIX) for p in (project.root / "contracts").glob(f"*{SUFFIX}") if p.is_file()))


def load(project: Project, name: str) -> Contract:
    """The contract of a dataset. Raises UnknownName when there is none, BadInput when it cannot be used."""
    path = contract_path(project, name)
    if not NAME.fullmatch(name) or not path.is_file():
        raise unknown("dataset", name, names(project), fix=f"workbench access register FILE --name {slug(name)}")
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise cannot_read(path, error) from error
    return parse(raw, name)


def slug(text: str) -> str:
    """A dataset name made of any text: lower case, letters, digits and underscores."""
    plain = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return (plain if re.match(r"[a-z]", plain) else f"data_{plain}".rstrip("_"))[:63]


def locate(project: Project, contract: Contract) -> Path:
    """The dataset's file: absolute, relative to the project, or `package://name/path` inside an installed package.

    A package is found without being imported: its code has no part in reading its data.
    Raises BadInput when the file is not there, MissingExtra when the package is not.
    """
    if contract.path.startswith(PACKAGE):
        package, _, inside = contract.path.removeprefix(PACKAGE).partition("/")
        spec = find_spec(package) if package.isidentifier() else None
        if spec is None or not spec.submodule_search_locations:
            raise MissingExtra(
                f"the data of '{contract.name}' is not installed",
                why=f"it comes with the package {package}",
                fix="pip install 'notebook-workbench[samples]'",
            )
        root = Path(next(iter(spec.submodule_search_locations))).resolve()
        path = (root / inside).resolve()
        if not path.is_relative_to(root):
            raise BadInput(f"'{contract.path}' leaves its package", why="'..' is in it", fix=_edit(contract))
    else:
        path = (project.root / given_path(contract.path)).resolve()
    if not path.is_file():
        raise BadInput(f"the file of '{contract.name}' is not there", why=f"{contract.path} is no file", fix=_edit(contract))
    return path


def _edit(contract: Contract) -> str:
    return f"put the file there, or mend servers.path in contracts/{contract.name}{SUFFIX}"
