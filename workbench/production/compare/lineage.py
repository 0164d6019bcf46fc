"""Which governed data a run's results come from, and whether they may leave."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from workbench.errors import UserError
from workbench.production.compare.data import is_governed
from workbench.production.storage import is_url
from workbench.project import Project
from workbench.records.run import Input, RunRecord


def governed_sources(project: Project, record: RunRecord) -> tuple[Input, ...]:
    """The governed datasets that a run read, by itself or through the artifacts of earlier runs; by name and purpose."""
    found = {(item.name, item.purpose): item for item in _sources(project, record, set())}
    return tuple(found[key] for key in sorted(found))


def _sources(project: Project, record: RunRecord, seen: set[Path]) -> Iterator[Input]:
    for item in record.inputs:
        if is_governed(item):
            yield item
        elif (upstream := _run_of(project, item)) and upstream not in seen:
            seen.add(upstream)
            yield from _sources(project, RunRecord.load(upstream / "record.json"), seen)


def _run_of(project: Project, item: Input) -> Path | None:
    """The folder of the run that made an input; None for one that no run of this project made."""
    runs = project.runs.resolve()
    path = project.root if is_url(item.name) else (project.root / item.name).resolve()
    return runs / path.relative_to(runs).parts[0] if path.is_relative_to(runs) and path != runs else None


def dataset_of(project: Project, path: Path) -> str:
    """The governed dataset whose very file this is, or lies in this folder; empty for none."""
    from workbench.access import registry

    path = path.resolve()
    for name in registry.names(project):
        try:
            if registry.locate(project, registry.load(project, name)).resolve().is_relative_to(path):
                return name
        except UserError:  # that contract leads to no file, so not to this one
            continue
    return ""


def whole_file_granted(project: Project, item: Input) -> bool:
    """May this person have every row and column of a dataset as they are, for the purpose that the run had?

    A file knows no masks: who is granted a part may not take the file. Raises NotAllowed (audited) when nothing is granted.
    """
    from workbench import access
    from workbench.access import registry

    access.permit(item.name, purpose=item.purpose, project=project)
    decision = access.explain(project, item.name, purpose=item.purpose)
    everything = len(decision.columns) == len(registry.load(project, item.name).columns)
    return decision.allowed and everything and not decision.rows and not decision.masks
