"""Do the data keep their contract? Findings, one for each promise of it.

A count that is not zero but equals what the contract declares as known is a known fact (info); any other count fails. What
cannot be checked is a finding too: skipped for a rule that is not SQL, error for one whose SQL does not run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import JsonValue

from workbench.access.contract import SUFFIX, Contract, Relationship, Rule
from workbench.access.engine import connect, explained, lock, mount
from workbench.access.readers import reader
from workbench.access.registry import load, locate, names
from workbench.access.rules import Policy, load_policy
from workbench.access.sql import quoted
from workbench.errors import BadInput, UserError
from workbench.findings import Finding, Outcome
from workbench.project import Project
from workbench.records.base import Record
from workbench.records.view import View

if TYPE_CHECKING:
    from pathlib import Path

    from duckdb import DuckDBPyConnection

_HOLDS: dict[str, Callable[[Any, Any], bool]] = {
    "mustBe": lambda found, bound: bool(found == bound),
    "mustNotBe": lambda found, bound: bool(found != bound),
    "mustBeGreaterThan": lambda found, bound: bool(found > bound),
    "mustBeGreaterOrEqualTo": lambda found, bound: bool(found >= bound),
    "mustBeLessThan": lambda found, bound: bool(found < bound),
    "mustBeLessOrEqualTo": lambda found, bound: bool(found <= bound),
    "mustBeBetween": lambda found, bound: bool(bound[0] <= found <= bound[1]),
    "mustNotBeBetween": lambda found, bound: not bound[0] <= found <= bound[1],
}


class ContractCheck(Record):
    """What came of checking datasets against their contracts."""

    kind: ClassVar[str] = "contract_check"

    datasets: tuple[str, ...]
    findings: tuple[Finding, ...]

    def view(self) -> View:
        return View(title=f"contracts of {', '.join(self.datasets) or 'no dataset'}", findings=self.findings)


def check(project: Project, dataset: str | None = None) -> ContractCheck:
    """Check the data of DATASET against its contract, or of every dataset. Raises UnknownName for no such dataset."""
    if dataset is None:
        return check_all(project)
    load(project, dataset)
    return ContractCheck(datasets=(dataset,), findings=tuple(_checked(project, (dataset,))))


def check_all(project: Project) -> ContractCheck:
    """Check every dataset against its contract, and the columns that the policy names against the catalog."""
    datasets = names(project)
    findings = (*_checked(project, datasets), *_policy_findings(project, datasets))
    return ContractCheck(datasets=datasets, findings=findings)


def _checked(project: Project, datasets: tuple[str, ...]) -> Iterator[Finding]:
    """All that can be mounted is, since a rule or a relationship may look at any dataset; then `datasets` are checked."""
    mounted: dict[str, Contract] = {}
    files: list[Path] = []
    with connect(project) as con:
        for name in names(project):
            try:
                contract = load(project, name)
                files.append(mount(con, project, contract, name=name))
                mounted[name] = contract
            except UserError as error:
                if name in datasets:
                    yield Finding(check="access.file", outcome=Outcome.FAIL, message=f"{name}: {error.why}", fix=error.fix)
        lock(con, files)
        for name in (n for n in datasets if n in mounted):
            yield from _dataset(con, project, mounted[name], mounted)


def _dataset(con: DuckDBPyConnection, project: Project, contract: Contract, mounted: dict[str, Contract]) -> Iterator[Finding]:
    path = locate(project, contract)
    name = contract.name
    yield Finding(check="access.file", outcome=Outcome.PASS, message=f"{name}: {path.name} is there")
    try:
        with explained(contract, path):
            read = list(_rows(con, contract))
    except BadInput as error:
        yield Finding(check="access.columns", outcome=Outcome.FAIL, message=f"{name}: {error.why}", fix=error.fix)
        return
    unlisted = [column for column in reader(contract.format).header(path) if contract.column(column) is None]
    if unlisted:
        yield Finding(
            check="access.columns",
            outcome=Outcome.WARN,
            message=f"{name}: not in the contract, so never handed over: {', '.join(unlisted)}",
            fix=f"list them with a classification in contracts/{name}{SUFFIX}",
        )
    else:
        message = f"{name}: {len(contract.columns)} columns as listed, types fit"
        yield Finding(check="access.columns", outcome=Outcome.PASS, message=message)
    yield from read
    if contract.keys:
        yield _duplicates(con, contract)
    for link in contract.relationships:
        yield _orphans(con, contract, link, mounted)
    for rule in contract.rules:
        yield _quality(con, contract, rule)


def _rows(con: DuckDBPyConnection, contract: Contract) -> Iterator[Finding]:
    """Rows, and gaps in required columns, by one scan that also reads every value of a typed text file."""
    needed = [c.name for c in contract.columns if c.required]
    counts = "".join(f", count(*) - count({quoted(c.name)})" for c in contract.columns)
    row = con.execute(f"SELECT count(*){counts} FROM {quoted(contract.name)}").fetchall()[0]
    gaps = {c.name: n for c, n in zip(contract.columns, row[1:], strict=True) if n and c.name in needed}
    outcome = Outcome.PASS if row[0] else Outcome.WARN
    evidence: dict[str, JsonValue] = {"rows": row[0]}
    yield Finding(check="access.rows", outcome=outcome, message=f"{contract.name}: {row[0]:,} rows", evidence=evidence)
    for column, n in gaps.items():
        yield Finding(
            check="access.required",
            outcome=Outcome.FAIL,
            message=f"{contract.name}: {n:,} rows have no '{column}', which is required",
            fix="mend the data, or the contract if gaps are right",
            evidence={"column": column, "rows": n},
        )


def _duplicates(con: DuckDBPyConnection, contract: Contract) -> Finding:
    """Rows beyond the first of each key.

    The keys' 64-bit hashes are sorted here: two to four times faster than DuckDB's count(DISTINCT …) on 21 M rows. That
    two different keys share a hash, which would count one too many, happens once in 80,000 such tables.
    """
    import numpy as np

    key = ", ".join(map(quoted, contract.keys))
    hashes = con.sql(f"SELECT hash({key}) AS h FROM {quoted(contract.name)}").to_arrow_table()["h"].to_numpy()
    ordered = np.sort(hashes)
    found = int((ordered[1:] == ordered[:-1]).sum())
    what = f"{contract.name}: rows that repeat the key {' + '.join(contract.keys)}"
    return _against_known("access.key", what, found, contract.known_duplicates)


def _orphans(con: DuckDBPyConnection, contract: Contract, link: Relationship, mounted: dict[str, Contract]) -> Finding:
    """Rows whose key points at nothing; a NULL points nowhere and is no orphan."""
    what = f"{contract.name}: rows whose {' + '.join(link.columns)} is not in {link.to}"
    target = mounted.get(link.to)
    lost = next((c for c in link.columns if contract.column(c) is None), None) or next(
        (c for c in link.to_columns if target and target.column(c) is None), None
    )
    if target is None or lost:
        why = f"{link.to} cannot be read" if target is None else f"there is no column '{lost}'"
        return Finding(check="access.relationship", outcome=Outcome.SKIPPED, message=f"{what}: not counted, {why}")
    same = " AND ".join(f"a.{quoted(x)} = b.{quoted(y)}" for x, y in zip(link.columns, link.to_columns, strict=True))
    present = " AND ".join(f"a.{quoted(x)} IS NOT NULL" for x in link.columns)
    query = f"SELECT count(*) FROM {quoted(contract.name)} a ANTI JOIN {quoted(link.to)} b ON {same} WHERE {present}"
    return _against_known("access.relationship", what, con.execute(query).fetchall()[0][0], link.known_orphans)


def _against_known(check: str, what: str, found: int, known: int) -> Finding:
    evidence: dict[str, JsonValue] = {"found": found, "known": known}
    if found == known:
        outcome = Outcome.INFO if found else Outcome.PASS
        message = f"{what}: {found:,}" + (" (known fact)" if found else "")
        return Finding(check=check, outcome=outcome, message=message, evidence=evidence)
    fix = "find out what changed in the data before you use them; if it is right, declare it in the contract"
    message = f"{what}: {found:,}, expected {known:,}"
    return Finding(check=check, outcome=Outcome.FAIL, message=message, fix=fix, evidence=evidence)


def _quality(con: DuckDBPyConnection, contract: Contract, rule: Rule) -> Finding:
    """One quality rule. Its SQL names datasets of the catalog and runs where it can reach nothing else."""
    import duckdb

    what = f"{contract.name}: {rule.name}"
    if rule.type != "sql":
        message = f"{what}: not checked, a rule of type '{rule.type}' is not run here"
        return Finding(check="access.quality", outcome=Outcome.SKIPPED, message=message, fix="write it as type: sql")
    try:
        answer = con.execute(rule.query).fetchall()
        found = answer[0][0]
        holds = found is not None and _HOLDS[rule.bound](found, rule.value)
    except (duckdb.Error, IndexError, TypeError) as error:
        first = str(error).splitlines()[0]
        fix = f"mend the query in contracts/{contract.name}{SUFFIX}"
        return Finding(check="access.quality", outcome=Outcome.ERROR, message=f"{what}: {first}", fix=fix)
    shown = f"{found:,}" if isinstance(found, int) else str(found)
    evidence: dict[str, JsonValue] = {"found": found if isinstance(found, (int, float)) else str(found), rule.bound: rule.value}
    if holds:
        outcome = Outcome.INFO if rule.known_fact else Outcome.PASS
        message = f"{what}: {shown}" + (" (known fact)" if rule.known_fact else "")
        return Finding(check="access.quality", outcome=outcome, message=message, evidence=evidence)
    return Finding(
        check="access.quality",
        outcome=Outcome.FAIL,
        message=f"{what}: {shown}, but {rule.bound} {rule.value}",
        fix="find out what changed in the data before you use them",
        evidence=evidence,
    )


def _policy_findings(project: Project, datasets: tuple[str, ...]) -> Iterator[Finding]:
    """A misspelt column in a mask or a denial would protect nothing: each must be in some dataset of its rule."""
    try:
        policy = load_policy(project)
    except UserError as error:
        yield Finding(check="access.policy", outcome=Outcome.FAIL, message=f"{error.what}: {error.why}", fix=error.fix)
        return
    columns: dict[str, set[str]] = {}
    for name in datasets:
        try:
            columns[name] = {c.name for c in load(project, name).columns}
        except UserError:  # it has its own finding
            columns[name] = set()
    lost = list(_lost_names(policy, columns))
    yield from (
        Finding(check="access.policy", outcome=Outcome.FAIL, message=message, fix="mend policy.toml") for message in lost
    )
    if not lost:
        message = f"policy.toml: {len(policy.rules)} rules, all names are in the catalog"
        yield Finding(check="access.policy", outcome=Outcome.PASS, message=message)


def _lost_names(policy: Policy, columns: dict[str, set[str]]) -> Iterator[str]:
    for number, rule in enumerate(policy.rules, start=1):
        for dataset in rule.datasets:
            if dataset != "*" and dataset not in columns:
                yield f"policy.toml, rule {number}: there is no dataset '{dataset}'"
        meant = columns if "*" in rule.datasets else {d: columns.get(d, set()) for d in rule.datasets}
        named = {*rule.columns, *rule.deny_columns, *rule.masks, *(f.column for f in rule.rows)} - {"*"}
        for name in sorted(named):
            table, dot, column = name.rpartition(".")
            if not any((not dot or table == d) and column in found for d, found in meant.items()):
                yield f"policy.toml, rule {number}: no dataset of it has the column '{name}'"
