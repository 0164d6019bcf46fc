"""Derived data: the Parquet artifacts of this project's runs.

An artifact has no contract. Who may read it follows from what its run read: each governed dataset among the run's inputs
must be readable by the same person for the same purpose, through as many runs as lie between. So a purpose that is
refused demographics is refused what was computed from demographics.
"""

from __future__ import annotations

from pathlib import Path

from workbench.access.policy import Decision, decide
from workbench.access.readers import PARQUET
from workbench.access.registry import load, names
from workbench.access.rules import Policy
from workbench.errors import BadInput, NotAllowed
from workbench.project import Project
from workbench.records.run import RunRecord


def find(project: Project, given: Path) -> Path:
    """The artifact that a path means: absolute, or relative to the project or the current folder.

    Raises NotAllowed for any file that is not below `.workbench/runs/`, BadInput for one that is not there or no Parquet.
    """
    runs = project.runs.resolve()
    places = [place.resolve() for place in (project.root / given, Path.cwd() / given)]
    inside = [place for place in places if place.is_relative_to(runs)]
    if not inside:
        raise NotAllowed(
            f"{given} is not in the catalog",
            why="data are read by the name of their contract, so that it is known what they are and who may see them",
            fix=f"workbench access register {given}",
        )
    path = next((place for place in inside if place.is_file()), None)
    if path is None or path.suffix not in PARQUET.suffixes:
        why = "there is no such file" if path is None else "only Parquet artifacts are read as data"
        raise BadInput(f"{given} is no data artifact", why=why, fix="workbench production runs")
    return path


def name(project: Project, path: Path) -> str:
    """An artifact's name in audit lines and run records: its path below the project."""
    home = project.runs.relative_to(project.root)  # .workbench may be a link to another disk
    return (home / path.relative_to(project.runs.resolve())).as_posix()


def decide_derived(project: Project, policy: Policy, path: Path, purpose: str, columns: tuple[str, ...] | None) -> Decision:
    """The decision for an artifact. Raises NotAllowed when a dataset it comes from is refused, or no rule has the purpose."""
    roles = policy.roles_of(project.actor)
    shown = name(project, path)
    letter = f"{project.actor} may not read '{shown}' for '{purpose}'"
    if not any(rule.effect == "allow" and rule.role in roles and purpose in rule.purposes for rule in policy.rules):
        ask = "ask the policy's owner for a rule in policy.toml"
        raise NotAllowed(letter, why=f"no rule of yours has the purpose '{purpose}'", fix=ask)
    for dataset in sorted(_sources(project, path, set())):
        source = decide(policy, load(project, dataset), project.actor, purpose)
        if not source.allowed:
            raise NotAllowed(letter, why=f"it was derived from '{dataset}': {source.reason}", fix=source.fix)
    header = PARQUET.header(path)
    lost = [column for column in columns or () if column not in header]
    if lost or columns == ():
        why = f"it has no column '{lost[0]}'" if lost else "no column was asked for"
        raise BadInput(f"{shown} cannot be read so", why=why, fix=f"ask for some of: {', '.join(header)}")
    return Decision(
        allowed=True,
        dataset=shown,
        contract_version="",
        actor=project.actor,
        purpose=purpose,
        roles=roles,
        reason="derived data of a run of this project",
        columns=tuple(dict.fromkeys(columns)) if columns else header,
        policy_sha256=policy.sha256,
    )


def _sources(project: Project, path: Path, seen: set[Path]) -> set[str]:
    """The catalog's datasets that an artifact comes from, as far as run records tell. seen: the runs visited so far."""
    runs = project.runs.resolve()
    folder = runs / path.relative_to(runs).parts[0]
    if folder in seen or not (folder / "record.json").is_file():
        return set()
    seen.add(folder)
    inputs = {item.name for item in RunRecord.load(folder / "record.json").inputs}
    found = inputs & set(names(project))
    for item in inputs - found:
        upstream = (project.root / item).resolve()
        if upstream.is_relative_to(runs) and upstream != runs:
            found |= _sources(project, upstream, seen)
    return found
