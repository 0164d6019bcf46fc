"""The identity of a call: what is known of a run before it starts. (The run key, known at its end, is in run_key.py.)"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workbench.production import storage
from workbench.production.environment import environment_sha256
from workbench.production.notebook import Notebook
from workbench.production.parameters import read_parameters
from workbench.project import Project
from workbench.records.base import sha256_json
from workbench.records.run import RunRecord


def call_key(project: Project, notebook: Notebook, values: Mapping[str, Any]) -> str:
    """The identity of a call: what is known of a run before it starts."""
    read = (values[p.name] for p in read_parameters(notebook, "") if p.is_input)
    named = (v for value in read for v in (value if isinstance(value, list) else [value]) if isinstance(v, str) and v)
    files = {v: storage.sha256(v, project.root) for v in named if storage.is_there(v, project.root)}
    return _key(notebook.code_sha256, values, environment_sha256(project.root), files)


def recorded_call_key(record: RunRecord) -> str:
    """The call key of a run that has ended, from its record alone."""
    files = {read.name: read.sha256 for read in record.inputs if not read.contract_version}  # datasets go by their name
    return _key(record.template_sha256, record.parameters, record.environment_sha256, files)


def _key(code: str, values: Mapping[str, Any], environment: str, files: Mapping[str, str]) -> str:
    known = {k: _content(v, files) for k, v in values.items()}
    return sha256_json({"code": code, "parameters": known, "environment": environment})


def _content(value: Any, files: Mapping[str, str]) -> Any:
    """A value with the names of files in it replaced by what they hold."""
    if isinstance(value, list):
        return [_content(item, files) for item in value]
    return files.get(value, value) if isinstance(value, str) else value
