"""Governed reading: decide, write the audit line, hand over.

The enforcement is advisory: whoever runs code in this process can open the files himself. What it gives is that nobody
reads more than he may by accident, and that what was read, by whom and what for is on record.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench import project as projects
from workbench.access import artifact
from workbench.access.compile import SOURCE, Query, compile_query
from workbench.access.content import content_sha256
from workbench.access.contract import NAME, Contract
from workbench.access.engine import connect, explained, lock, mount, whole_file
from workbench.access.policy import Decision, decide
from workbench.access.pseudonym import mapping, project_key
from workbench.access.registry import load, locate
from workbench.access.rules import load_policy
from workbench.access.sql import file_literal, quoted
from workbench.errors import MachineError, NotAllowed
from workbench.project import Project
from workbench.records.run import Input

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection

ENFORCEMENT = "advisory"
_STREAM = "governed stream"  # with a space, as no dataset is named


def read(
    dataset: str | Path, *, purpose: str, columns: Sequence[str] | None = None, project: Project | None = None
) -> pa.Table:
    """A dataset's rows and columns as the policy grants them to you for a purpose.

    dataset: a name in the catalog, or the path of a Parquet artifact of a run of this project (derived data).
    columns: those wanted, in order; None: all that are granted. A pseudonym is an int64.
    Raises NotAllowed when the policy refuses (the denial is audited), UnknownName for no such dataset, BadInput when the
    data do not keep their contract.
    """
    project = project or projects.find()
    asked = None if columns is None else tuple(columns)
    if not _is_name(dataset):
        return _read_artifact(project, Path(dataset), purpose, asked)
    contract = load(project, str(dataset))
    decision = _granted(project, contract, purpose, asked)
    path = locate(project, contract)
    digest = content_sha256(project, path)
    with _governed(project, contract, decision) as (con, query), explained(contract, path):
        table = con.sql(query.sql).to_arrow_table()
    _unchanged(project, path, digest)
    _audit(project, "access.read", decision, sha256=digest, sql_sha256=query.sha256, rows=table.num_rows)
    return table


def open(datasets: Sequence[str], *, purpose: str, project: Project | None = None) -> DuckDBPyConnection:
    """A DuckDB connection that holds the granted part of these datasets, named like them, and reaches nothing else.

    A Parquet file of which you are granted every row and column as it is becomes a view; anything filtered or masked
    is loaded into a table, and its file is out of reach. The configuration is locked: a later SET fails.
    Known limit: DuckDB's list of allowed paths has no read-only form, so that `COPY … TO` the very file of a view
    with `use_tmp_file false` can overwrite it; keep such files read-only.
    Raises as `read` does; every refused dataset is audited before the first refusal is raised.
    """
    project = project or projects.find()
    wanted = [datasets] if isinstance(datasets, str) else datasets
    contracts = [load(project, name) for name in dict.fromkeys(wanted)]
    decisions = _granted_all(project, contracts, purpose)
    con = connect(project)
    try:
        files, lines = [], []
        for contract, decision in zip(contracts, decisions, strict=True):
            path = locate(project, contract)
            digest = content_sha256(project, path)
            if _as_it_is(contract, decision) and whole_file(path, contract):
                facts = _view(con, project, contract)
                files.append(path)
            else:
                facts = _table(con, project, contract, decision)
            _unchanged(project, path, digest)
            lines.append((decision, {"sha256": digest, **facts}))
        lock(con, files)
        for decision, facts in lines:
            _audit(project, "access.open", decision, **facts)
    except BaseException:
        con.close()
        raise
    return con


def explain(project: Project, dataset: str, *, purpose: str, columns: tuple[str, ...] | None = None) -> Decision:
    """What you would get of DATASET for a purpose, and why; reads no data."""
    return decide(load_policy(project), load(project, dataset), project.actor, purpose, columns)


def permit(dataset: str, *, purpose: str, project: Project | None = None) -> None:
    """Refuse now what `read` would refuse, with the same errors and the same audit line; reads no data."""
    project = project or projects.find()
    if _is_name(dataset):
        _granted(project, load(project, dataset), purpose, None)
    else:
        artifact.find(project, Path(dataset))


def identity(project: Project, dataset: str | Path) -> Input:
    """What a dataset (or an artifact's path) is right now: its name, the hash of its content, its contract's version."""
    if not _is_name(dataset):
        path = artifact.find(project, Path(dataset))
        return Input(name=artifact.name(project, path), sha256=content_sha256(project, path))
    contract = load(project, str(dataset))
    digest = content_sha256(project, locate(project, contract))
    return Input(name=contract.name, sha256=digest, contract_version=contract.version)


def _is_name(dataset: str | Path) -> bool:
    """A name of the catalog has no dot and no slash; what has is a path."""
    return isinstance(dataset, str) and (NAME.fullmatch(dataset) is not None or not ({".", "/"} & set(dataset)))


def _granted(project: Project, contract: Contract, purpose: str, columns: tuple[str, ...] | None) -> Decision:
    """The decision, if it allows; else it is audited and raised as NotAllowed."""
    decision = decide(load_policy(project), contract, project.actor, purpose, columns)
    if not decision.allowed:
        _audit(project, "access.deny", decision, reason=decision.reason, asked=columns)
        raise NotAllowed(
            f"{project.actor} may not read '{contract.name}' for '{purpose}'", why=decision.reason, fix=decision.fix
        )
    return decision


def _granted_all(project: Project, contracts: Sequence[Contract], purpose: str) -> list[Decision]:
    decisions: list[Decision] = []
    refusals: list[NotAllowed] = []
    for contract in contracts:
        try:
            decisions.append(_granted(project, contract, purpose, None))
        except NotAllowed as refusal:
            refusals.append(refusal)
    if refusals:
        raise refusals[0]
    return decisions


def _as_it_is(contract: Contract, decision: Decision) -> bool:
    return not decision.rows and not decision.masks and len(decision.columns) == len(contract.columns)


@contextmanager
def _governed(project: Project, contract: Contract, decision: Decision) -> Iterator[tuple[DuckDBPyConnection, Query]]:
    """A private connection with the file and the mappings, and the query to run on it. Nobody else ever holds it."""
    query = compile_query(contract, decision)
    with connect(project) as con:
        path = mount(con, project, contract, name=SOURCE, scans=1 + len(query.mappings))
        for column, name in query.mappings.items():
            here = quoted(column)
            with explained(contract, path):
                ids = con.sql(f"SELECT DISTINCT {here} AS id FROM {SOURCE} WHERE {here} IS NOT NULL").to_arrow_table()
            con.register(name, mapping(project_key(project), ids["id"]))
        yield con, query


def _view(con: DuckDBPyConnection, project: Project, contract: Contract) -> dict[str, Any]:
    """The dataset as a view over its file; returns the facts for the audit line."""
    mount(con, project, contract, name=contract.name)
    rows = con.execute(f"SELECT count(*) FROM {quoted(contract.name)}").fetchall()[0][0]
    sql = f"SELECT {', '.join(quoted(c.name) for c in contract.columns)} FROM {quoted(contract.name)}"
    return {"sql_sha256": Query(sql, {}).sha256, "rows": rows}


def _table(con: DuckDBPyConnection, project: Project, contract: Contract, decision: Decision) -> dict[str, Any]:
    """The dataset as a table of its governed rows, streamed from the private connection."""
    with _governed(project, contract, decision) as (private, query), explained(contract, locate(project, contract)):
        con.register(_STREAM, private.sql(query.sql).to_arrow_reader())
        con.execute(f"CREATE TABLE {quoted(contract.name)} AS SELECT * FROM {quoted(_STREAM)}")
        con.unregister(_STREAM)
    rows = con.execute(f"SELECT count(*) FROM {quoted(contract.name)}").fetchall()[0][0]
    return {"sql_sha256": query.sha256, "rows": rows}


def _unchanged(project: Project, path: Path, digest: str) -> None:
    """Raises MachineError when the file was changed while it was read: the hash on record must be of what was read."""
    if content_sha256(project, path) != digest:
        raise MachineError(
            f"{path.name} changed while it was read", why="its content has another hash now", fix="read it again"
        )


def _audit(project: Project, event: str, decision: Decision, **facts: Any) -> None:
    """One line of who got what. The run that this process belongs to, if any, finds its inputs by these lines."""
    line: dict[str, Any] = {
        "dataset": decision.dataset,
        "contract_version": decision.contract_version,
        "purpose": decision.purpose,
        "roles": list(decision.roles),
        "columns": list(decision.columns),
        "masks": decision.masks,
        "rows_where": [str(f) for f in decision.rows],
        "policy_sha256": decision.policy_sha256,
        "enforcement": ENFORCEMENT,
        **facts,
    }
    if run := os.environ.get("WORKBENCH_RUN_ID"):
        line["run"] = run
    project.audit.append(event, **line)


def _read_artifact(project: Project, given: Path, purpose: str, columns: tuple[str, ...] | None) -> pa.Table:
    """A Parquet artifact of a run, for whoever may read what it was derived from."""
    try:
        path = artifact.find(project, given)
        decision = artifact.decide_derived(project, load_policy(project), path, purpose, columns)
    except NotAllowed as refusal:
        project.audit.append("access.deny", dataset=str(given), purpose=purpose, reason=refusal.why, enforcement=ENFORCEMENT)
        raise
    digest = content_sha256(project, path)
    wanted = ", ".join(quoted(name) for name in decision.columns)
    sql = f"SELECT {wanted} FROM read_parquet({file_literal(path)})"
    with connect(project) as con:
        table = con.sql(sql).to_arrow_table()
    _unchanged(project, path, digest)
    facts = {"sha256": digest, "sql_sha256": Query(sql, {}).sha256, "rows": table.num_rows, "derived": True}
    _audit(project, "access.read", decision, **facts)
    return table
