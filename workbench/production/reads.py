"""What a run has read: its inputs by name and content."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError
from workbench.production import storage
from workbench.production.notebook import source
from workbench.production.parameters import Parameter
from workbench.project import Project
from workbench.records.run import Input


def reads(
    project: Project | None,
    run_id: str,
    parameters: Iterable[Parameter],
    values: Mapping[str, Any],
    cells: Iterable[Mapping[str, Any]],
    *,
    since: int,
) -> tuple[Input, ...]:
    """Files and objects that Path and Dataset parameters name, files that cells name, and governed reads; by name.

    since: byte of the audit log at which the run began. The hash of an object whose store cannot be asked any more is empty.
    """
    root = project.root if project else Path.cwd()
    asked = (values.get(p.name) for p in parameters if p.is_input)
    names = [v for value in asked for v in (value if isinstance(value, list) else [value]) if isinstance(v, str) and v]
    found = {
        name: Input(name=name, sha256=_sha256(name, root))
        for name in [*names, *named_files(cells, root)]
        if _is_there(name, root)
    }
    for entry in project.audit.entries(since=since) if project else ():
        facts = entry["facts"]
        if facts.get("run") == run_id and "sha256" in facts and "dataset" in facts:
            found[facts["dataset"]] = Input(
                name=facts["dataset"],
                sha256=facts["sha256"],
                contract_version=facts.get("contract_version", ""),
                purpose=facts.get("purpose", ""),
            )
    return tuple(found[name] for name in sorted(found))


def _is_there(name: str, root: Path) -> bool:
    try:
        return storage.is_there(name, root)
    except WorkbenchError:
        return storage.is_url(name)  # it was there when the run began


def _sha256(name: str, root: Path) -> str:
    try:
        return storage.sha256(name, root)
    except WorkbenchError:
        return ""


def named_files(cells: Iterable[Mapping[str, Any]], root: Path) -> Iterator[str]:
    """Files of the project that code cells name in a literal (`pd.read_csv("data/x.csv")`), each once, in order."""
    seen = set()
    for cell in cells:
        if cell["cell_type"] != "code":
            continue
        for text in _literals(source(dict(cell))):
            if text not in seen and len(text) < 1000 and "\0" not in text and (root / text).is_file():
                seen.add(text)
                yield text


def _literals(code: str) -> Iterator[str]:
    try:
        tree = ast.parse("\n".join(line for line in code.splitlines() if not line.lstrip().startswith(("%", "!"))))
    except (SyntaxError, ValueError, RecursionError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
            yield node.value
