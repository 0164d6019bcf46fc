"""Is there a result that an equal run would give again? Then nobody needs to wait for it.

Two keys are in use. The *call key* is known before a run starts: code, parameters (files by their content), environment,
seed. The *run key* is known at its end and holds the hashes of everything that was read as well. An earlier run answers a call
if it has the same call key, is accepted, and everything it read is what it was: the data sets, the policy, the files that its
cells name. And only if its own outputs still are what its record says.

Not seen are files whose names a cell computes and network resources. A template that depends on such things, or that acts on
the world, carries the tag `workbench:effects` on one of its cells and is never answered from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue

from workbench.errors import WorkbenchError
from workbench.findings import Outcome
from workbench.production import storage
from workbench.production.call_key import call_key
from workbench.production.ledger import Ledger
from workbench.production.notebook import Notebook
from workbench.production.reads import named_files
from workbench.project import Project
from workbench.records.files import is_there, sha256_file
from workbench.records.run import Input, RunRecord, State

EFFECTS = "workbench:effects"
LEAKED = "run.secret"  # the finding of a run that wrote a secret into a file of its own


def find(project: Project, notebook: Notebook, values: Mapping[str, Any], *, key: str | None = None) -> RunRecord | None:
    """The accepted run that answers this call, or None. key: the call key, where it is known already."""
    if notebook.tagged(EFFECTS):
        return None
    named = set(named_files(notebook.cells, project.root))
    for run_id in Ledger(project).accepted_runs(key or call_key(project, notebook, values)):
        try:
            record = RunRecord.load(project.runs / run_id / "record.json")
            if named <= {read.name for read in record.inputs} and holds(project, record):
                return record
        except WorkbenchError:  # removed by hand, not readable, or the policy says no by now: it answers nothing
            continue
    return None


def holds(project: Project, record: RunRecord) -> bool:
    """Are the outputs of this run whole, and is what it read, and was allowed to read, the same today?

    Raises WorkbenchError for what cannot be looked at any more.
    """
    folder = project.runs / record.run_id
    return (
        record.state is State.DONE
        and not any(f.check == LEAKED and f.outcome is Outcome.FAIL for f in record.findings)
        and record.policy_sha256 == policy_sha256(project)
        and all(_reads_the_same(project, record, read) for read in record.inputs)
        and _same_eyes(project, record)
        and is_there(folder / "output.ipynb")
        and sha256_file(folder / "output.ipynb") == record.output_sha256
        and all(is_there(folder / a.path) and sha256_file(folder / a.path) == a.sha256 for a in record.artifacts)
    )


def _reads_the_same(project: Project, record: RunRecord, read: Input) -> bool:
    from workbench import access

    if not read.contract_version and read.name in _texts(list(record.parameters.values())):
        return True  # its content is in the call key; this name may be gone, or be that of another file by now
    if storage.is_there(read.name, project.root):
        return storage.sha256(read.name, project.root) == read.sha256
    if read.purpose:
        access.permit(read.name, purpose=read.purpose, project=project)
    today = access.identity(project, read.name)
    return (today.sha256, today.contract_version) == (read.sha256, read.contract_version)


def _same_eyes(project: Project, record: RunRecord) -> bool:
    """May this actor see what that one saw? What comes from governed data goes to the one whom the policy was asked for."""
    derived = any(read.purpose or read.name.startswith(".workbench/runs/") for read in record.inputs)
    return not derived or record.actor == project.actor


def _texts(value: JsonValue) -> list[str]:
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) else []


def policy_sha256(project: Project) -> str:
    """sha256 of policy.toml; empty when there is none."""
    path = project.root / "policy.toml"
    return sha256_file(path) if path.is_file() else ""
