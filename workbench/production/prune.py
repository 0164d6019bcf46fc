"""Make room: remove the folders of runs that nobody needs any more."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from workbench.errors import BadInput, UserError
from workbench.production.ledger import Ledger
from workbench.production.mirror import pending
from workbench.project import Project, look
from workbench.records.base import Record
from workbench.records.files import cannot_write
from workbench.records.pipeline import PipelineRecord
from workbench.records.run import RunRecord, State
from workbench.records.view import View

SHOWN = 20
GONE = ".gone"  # how the name of a folder ends that is being removed


class Pruned(BaseModel):
    """One run that goes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run_id: str
    template: str
    state: State
    size_bytes: int


class PruneReport(Record):
    """What goes, or has gone, and what stays."""

    kind: ClassVar[str] = "prune"

    done: bool
    runs: tuple[Pruned, ...]
    kept: int
    needed: int  # of those kept: by a pipeline's last run, a model, the mirror, or because they are not over

    @property
    def size_bytes(self) -> int:
        return sum(run.size_bytes for run in self.runs)

    def view(self) -> View:
        rows = tuple((r.run_id, r.state.value, _mib(r.size_bytes)) for r in self.runs[:SHOWN])
        rest = len(self.runs) - SHOWN
        verb = "removed" if self.done else "would be removed"
        return View(
            title=f"{len(self.runs):,} runs {verb}: {_mib(self.size_bytes)}",
            facts=(("kept", f"{self.kept:,}, {self.needed:,} of them needed"),),
            columns=("run", "state", "size") if rows else (),
            rows=(*rows, (f"and {rest:,} more", "", "")) if rest > 0 else rows,
            next=() if self.done or not self.runs else ("the same command with --yes removes them",),
        )


def prune(project: Project, *, keep: int, older_than: int = 0, template: str | None = None, yes: bool = False) -> PruneReport:
    """Say which runs would go, and with `--yes` remove them. A run that something needs stays.

    keep: so many runs of each template stay, the newest.
    older_than: only runs that were made more days ago.
    template: only runs of this template.
    yes: remove them; without it nothing is touched.
    """
    if keep < 0 or older_than < 0:
        raise BadInput("a number of runs or days cannot be negative", why="--keep, --older-than", fix="--keep 10")
    needed = {*_needed(project), *pending(project)}
    going, kept = _sorted_out(project, keep, older_than, template, needed)
    if yes:
        for left in project.runs.glob(f".*{GONE}"):
            _remove_tree(left)
        for run in going:
            _remove(project.runs / run.run_id)
        if going:
            Ledger(project).reconcile()
            total = sum(run.size_bytes for run in going)
            project.audit.append("run.prune", runs=[run.run_id for run in going], size_bytes=total)
    return PruneReport(done=yes, runs=tuple(going), kept=len(kept), needed=len(needed & set(kept)))


def _sorted_out(
    project: Project, keep: int, older_than: int, template: str | None, needed: set[str]
) -> tuple[list[Pruned], list[str]]:
    limit = project.clock() - timedelta(days=older_than)
    seen: dict[str, int] = defaultdict(int)
    going, kept = [], []
    for run_id in Ledger(project).ids(template=template):
        try:
            record = look(project.runs / run_id)
        except UserError:
            kept.append(run_id)  # a record that cannot be read is not ours to judge
            continue
        seen[record.template] += 1
        if not record.state.ended:
            needed.add(run_id)
        if run_id in needed or seen[record.template] <= keep or record.created > limit:
            kept.append(run_id)
        else:
            going.append(_pruned(project.runs / run_id, record))
    return going, kept


def _pruned(folder: Path, record: RunRecord) -> Pruned:
    size = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
    return Pruned(run_id=record.run_id, template=record.template, state=record.state, size_bytes=size)


def _needed(project: Project) -> Iterator[str]:
    """Runs that the last run of a pipeline, or a model, names."""
    last: dict[str, set[str]] = {}
    for path in sorted((project.state / "pipelines").glob("*/record.json")):
        named = set(_run_ids(project, path))
        for sweep in _sweeps(path):
            named |= {place.run_id for place in Ledger(project).places(sweep)}
        last[path.parent.name[len("20261122T120000Z-") : -len("-12345678")]] = named
    for ids in last.values():
        yield from ids
    for manifest in project.models.glob("*/*/manifest.json"):
        yield from _run_ids(project, manifest)


def _sweeps(path: Path) -> list[str]:
    """The sweeps that steps of a pipeline's last run are: later steps may take something of every run."""
    try:
        return [step.sweep for step in PipelineRecord.load(path).steps if step.sweep]
    except UserError:
        return []


def _run_ids(project: Project, path: Path) -> Iterator[str]:
    """Every text in a JSON document that is the name of a run's folder, or a path into one."""
    try:
        waiting = [json.loads(path.read_bytes())]
    except (OSError, ValueError):
        return
    while waiting:
        value = waiting.pop()
        if isinstance(value, (dict, list)):
            waiting += value.values() if isinstance(value, dict) else value
        elif isinstance(value, str):
            yield from (part for part in value.split("/") if part.count("-") >= 2 and (project.runs / part).is_dir())


def _remove(folder: Path) -> None:
    """Renamed first: what is left after a crash is no run any more, and the next call takes it away."""
    gone = folder.with_name(f".{folder.name}{GONE}")
    try:
        folder.rename(gone)
    except OSError as error:
        raise cannot_write(folder, error) from error
    _remove_tree(gone)


def _remove_tree(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise cannot_write(folder, error) from error


def _mib(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:,.1f} MiB"
