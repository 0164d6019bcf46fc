"""Registering a file: profile it, and draft its contract for a person to read and confirm. The data stay where they are."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from filelock import FileLock

from workbench.access.contract import NAME, SUFFIX, Contract, parse
from workbench.access.engine import columns_of, connect
from workbench.access.pii import Suspicion
from workbench.access.profile import ColumnProfile, Profile, profile
from workbench.access.readers import reader_for
from workbench.access.registry import contract_path, load, locate, slug
from workbench.errors import BadInput, UnknownName, UserError
from workbench.project import Project
from workbench.records.base import Record
from workbench.records.files import cannot_write, given_path, write_atomic
from workbench.records.view import View

if TYPE_CHECKING:
    from workbench.access.interface import Reader

DRAFT_CLASS = "internal"  # of a column that nothing points to as personal


class Registration(Record):
    """What was found in a file, and where its contract lies. kept: there was a contract already, and it was not touched."""

    kind: ClassVar[str] = "registration"

    dataset: str
    path: str
    format: str
    contract: str
    status: str
    kept: bool = False
    profile: Profile

    @property
    def suspicions(self) -> tuple[Suspicion, ...]:
        return tuple(c.suspicion for c in self.profile.columns if c.suspicion)

    def view(self) -> View:
        facts = (
            ("file", f"{self.path} ({self.format})"),
            ("rows", f"{self.profile.rows:,}"),
            ("contract", f"{self.contract}, {self.status}" + (", kept as it was" if self.kept else "")),
            ("keys found", "; ".join(" + ".join(key) for key in self.profile.keys) or "none of up to three columns"),
            *((f"'{s.column}': {s.kind}?", "; ".join(s.evidence)) for s in self.suspicions),
        )
        return View(
            title=f"dataset {self.dataset}",
            facts=facts,
            columns=("column", "type", "nulls", "distinct", "from", "to", "examples", "classification"),
            rows=tuple(_shown(c) for c in self.profile.columns),
            next=() if self.status == "active" else (f"workbench access confirm {self.dataset}",),
        )


def register(project: Project, file: Path, *, name: str | None = None, description: str = "") -> Registration:
    """Profile FILE (CSV, TSV, Parquet, JSON lines) and draft its contract; nobody reads it until `confirm`.

    name: the dataset's name (lower case, digits, underscores); the file's name when left out.
    description: what the data are, for the catalog.
    A contract that is there is never overwritten: for the same file it is kept as it is and the profile shown again, for
    another file the name is refused. Raises UnknownName, or BadInput that says where the file is wrong.
    """
    path = _existing(file)
    found = reader_for(path)
    dataset = _dataset_name(path, name)
    _not_taken(project, dataset, path)
    found.examine(path)
    counted = _profiled(project, found, path)
    kept = not _written(project, path, dataset, _draft(project, path, found.name, dataset, description, counted), counted)
    contract = load(project, dataset)
    return Registration(
        dataset=dataset,
        path=contract.path,
        format=contract.format,
        contract=f"contracts/{dataset}{SUFFIX}",
        status=contract.status,
        kept=kept,
        profile=counted,
    )


def _written(project: Project, path: Path, dataset: str, text: bytes, counted: Profile) -> bool:
    """Write the contract, unless there is one. Of two who register one name at once the second finds the first's."""
    target = contract_path(project, dataset)
    try:
        with FileLock(project.state / "register.lock"):
            _not_taken(project, dataset, path)
            if target.exists():
                return False
            drafted = parse(text, dataset)  # what we write, we can read
            project.audit.append("access.register", dataset=dataset, path=drafted.path, rows=counted.rows)
            write_atomic(target, text)
            return True
    except OSError as error:
        raise cannot_write(target, error) from error


def _existing(file: Path) -> Path:
    path = given_path(file).resolve()
    if not path.exists():
        raise UnknownName(f"no file {file}", why=f"there is nothing at {path}", fix="check the path")
    if not path.is_file():
        raise BadInput(f"{file} is no file", why="it is a folder or a device", fix="name one file; register each by itself")
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        why = error.strerror or str(error)
        raise BadInput(f"{file} cannot be opened", why=why, fix="change its permissions, or use a copy of your own") from error


def _dataset_name(path: Path, name: str | None) -> str:
    """The name, if it is one that SQL takes as it is. Raises BadInput that suggests one."""
    import duckdb

    wanted = path.stem if name is None else name
    with duckdb.connect() as con:
        query = "SELECT count(*) FROM duckdb_keywords() WHERE keyword_category = 'reserved' AND keyword_name = ?"
        reserved = con.execute(query, [wanted]).fetchall()[0][0]
    if NAME.fullmatch(wanted) and not reserved:
        return wanted
    better = f"{wanted}_data" if reserved else slug(wanted)
    raise BadInput(
        f"'{wanted}' cannot name a dataset",
        why="SQL has this word for itself" if reserved else "a name is lower-case letters, digits and underscores",
        fix=f"workbench access register {shlex.quote(str(path))} --name {better}",
    )


def _not_taken(project: Project, dataset: str, path: Path) -> None:
    """Raises BadInput when the name has a contract for another file."""
    target = contract_path(project, dataset)
    if not target.exists():
        return
    contract = load(project, dataset)
    if not _same_file(project, contract, path):
        raise BadInput(
            f"there is a dataset '{dataset}' already",
            why=f"its contract is for {contract.path}, and a contract is never overwritten",
            fix=f"choose another --name, or mend or remove contracts/{dataset}{SUFFIX}",
        )


def _same_file(project: Project, contract: Contract, path: Path) -> bool:
    try:
        return locate(project, contract) == path
    except UserError:
        return False


def _profiled(project: Project, found: Reader, path: Path) -> Profile:
    import duckdb

    try:
        with connect(project) as con:
            types = columns_of(con, found.relation(path, {}))
            counted = profile(con, found.relation(path, types))  # typed, or each query would find the types again
    except duckdb.Error as error:
        raise found.explain(path, error) from error
    except OSError as error:
        raise cannot_write(project.state, error) from error
    if not counted.rows:
        raise BadInput(
            f"{path.name} holds no rows", why="there is only a header, so no type can be told", fix="register it with data"
        )
    return counted


def _draft(project: Project, path: Path, form: str, dataset: str, description: str, counted: Profile) -> bytes:
    """The draft as the YAML text of an ODCS document."""
    from open_data_contract_standard.model import Description, OpenDataContractStandard, SchemaObject, Server

    root = project.root.resolve()
    where = path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
    key = counted.keys[0] if counted.keys else ()
    table = SchemaObject(
        name=dataset, logicalType="object", physicalType="file", properties=[_property(c, key) for c in counted.columns]
    )
    odcs = OpenDataContractStandard(
        apiVersion="v3.1.0",
        kind="DataContract",
        id=dataset.replace("_", "-"),
        name=dataset,
        version="1.0.0",
        status="draft",
        description=Description(purpose=description) if description else None,
        servers=[Server(server="file", type="local", format=form, path=where)],
        schema=[table],
    )
    head = f"# Drafted from {counted.rows:,} rows. Look at classification and key, then: workbench access confirm {dataset}\n"
    return (head + odcs.to_yaml()).encode()


def _property(column: ColumnProfile, key: tuple[str, ...]) -> Any:
    from open_data_contract_standard.model import CustomProperty, SchemaProperty

    suspicion = column.suspicion
    custom = []
    if suspicion and suspicion.entity:
        custom.append(CustomProperty(property="entity", value=suspicion.entity))
    if column.name in key or (suspicion and suspicion.entity):
        custom.append(CustomProperty(property="featureClass", value="id"))
    return SchemaProperty(
        name=column.name,
        logicalType=column.logical,
        physicalType=column.type,
        primaryKey=True if column.name in key else None,
        primaryKeyPosition=key.index(column.name) + 1 if column.name in key else None,
        required=True if column.name in key else None,
        classification=suspicion.classification if suspicion else DRAFT_CLASS,
        customProperties=custom or None,
    )


def _shown(column: ColumnProfile) -> tuple[str, ...]:
    suspicion = column.suspicion
    return (
        column.name,
        column.type,
        f"{column.nulls:,}",
        f"{column.distinct:,}",
        column.least,
        column.most,
        ", ".join(column.examples),
        suspicion.classification if suspicion else DRAFT_CLASS,
    )
