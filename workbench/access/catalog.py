"""The catalog: which datasets there are, what each holds, and the step from a draft to a dataset that may be read."""

from __future__ import annotations

import re
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from workbench.access.contract import SUFFIX, Contract
from workbench.access.registry import contract_path, load, locate, names
from workbench.errors import BadInput, UserError
from workbench.project import Project
from workbench.records.base import Record
from workbench.records.files import write_atomic
from workbench.records.view import View


class Entry(BaseModel):
    """One line of the catalog. problem: why its contract cannot be used, if so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str
    status: str
    version: str = ""
    columns: int = 0
    restricted: int = 0
    description: str = ""
    problem: str = ""


class Catalog(Record):
    """Every dataset that has a contract, one whose contract is broken included."""

    kind: ClassVar[str] = "catalog"

    entries: tuple[Entry, ...]

    def view(self) -> View:
        rows = tuple(
            (e.dataset, e.status, e.version, str(e.columns), str(e.restricted), e.problem or e.description)
            for e in self.entries
        )
        drafts = tuple(f"workbench access confirm {e.dataset}" for e in self.entries if e.status == "draft")
        return View(
            title=f"{len(rows)} datasets",
            columns=("dataset", "status", "version", "columns", "restricted", "description"),
            rows=rows,
            next=drafts if rows else ("workbench access register FILE",),
        )


class DatasetCard(Record):
    """One dataset as its contract describes it."""

    kind: ClassVar[str] = "dataset"

    contract: Contract
    file: str  # where it lies on this machine; empty when it is not there

    def view(self) -> View:
        c = self.contract
        links = [f"{' + '.join(r.columns)} -> {r.to}.{' + '.join(r.to_columns)}" for r in c.relationships]
        facts = (
            ("status", c.status),
            ("version", c.version),
            ("description", c.description),
            ("file", f"{c.path} ({c.format})" + ("" if self.file else ", not there")),
            ("key", " + ".join(c.keys)),
            ("relationships", "; ".join(links)),
            ("quality rules", "; ".join(rule.name for rule in c.rules)),
            ("enforcement", "advisory"),
        )
        rows = tuple(
            (x.name, x.logical, x.classification or "not classified", "yes" if x.key else "", x.entity, x.description)
            for x in c.columns
        )
        return View(
            title=f"dataset {c.name}",
            facts=tuple((k, v) for k, v in facts if v),
            columns=("column", "type", "classification", "key", "entity", "description"),
            rows=rows,
            next=(f"workbench access confirm {c.name}",) if c.status == "draft" else (f"workbench access check {c.name}",),
        )


def catalog(project: Project) -> Catalog:
    """The datasets of this project."""
    return Catalog(entries=tuple(_entry(project, name) for name in names(project)))


def _entry(project: Project, name: str) -> Entry:
    try:
        contract = load(project, name)
    except UserError as error:
        return Entry(dataset=name, status="broken", problem=error.why)
    return Entry(
        dataset=name,
        status=contract.status,
        version=contract.version,
        columns=len(contract.columns),
        restricted=sum(c.classification == "restricted" for c in contract.columns),
        description=contract.description,
    )


def show(project: Project, dataset: str) -> DatasetCard:
    """What the contract of DATASET says. Raises UnknownName, or BadInput when the contract cannot be used."""
    contract = load(project, dataset)
    try:
        file = str(locate(project, contract))
    except UserError:
        file = ""
    return DatasetCard(contract=contract, file=file)


def confirm(project: Project, dataset: str) -> DatasetCard:
    """Make the draft of DATASET active, once you have looked at classes and keys: from then on the policy decides.

    Only the line `status: draft` is changed, so that comments and order of the file stay. An active one stays as it is.
    Raises UnknownName for no such dataset, BadInput when a column has no classification or the file is not there.
    """
    contract = load(project, dataset)
    source = f"contracts/{dataset}{SUFFIX}"
    open_columns = [c.name for c in contract.columns if c.classification is None]
    if open_columns:
        raise BadInput(
            f"'{dataset}' cannot be confirmed yet",
            why=f"column '{open_columns[0]}' has no classification, so nobody may read it",
            fix=f"add classification: public, internal, confidential or restricted to it in {source}",
        )
    locate(project, contract)
    if contract.status == "active":
        return show(project, dataset)
    path = contract_path(project, dataset)
    text, changed = re.subn(rb"(?m)^status:[ \t]*['\"]?draft['\"]?[ \t]*(?=#|\r?$)", b"status: active", path.read_bytes())
    if changed != 1:
        why = f"its status is '{contract.status}', and there is no one line 'status: draft' to change"
        raise BadInput(f"'{dataset}' is no draft", why=why, fix=f"write 'status: active' in {source} yourself")
    project.audit.append("access.confirm", dataset=dataset, contract_version=contract.version)
    write_atomic(path, text)
    return show(project, dataset)
