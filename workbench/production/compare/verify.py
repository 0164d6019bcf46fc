"""Check a run that somebody hands over: a bundle, a copied folder, or a run of this project. Runs it again if asked to."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from workbench.errors import BadInput, UserError
from workbench.findings import Finding, Outcome
from workbench.production.compare.archive import Bundle, findings, open_bundle
from workbench.production.compare.changes import Change, rows
from workbench.production.compare.checks import side
from workbench.production.compare.data import present
from workbench.production.compare.intact import Read, check_record, finding, hashes_of, read_from, tree_sha256
from workbench.production.compare.manifest import RUN, SUFFIX
from workbench.production.compare.packages import PROJECT
from workbench.production.compare.packages import compare as compare_packages
from workbench.production.compare.reproduce import check_ended, inputs_now, repeat, report, texts_in
from workbench.production.compare.values import TOLERANCE, checked
from workbench.production.environment import environment_text
from workbench.production.runs import run_folder
from workbench.project import Project, find
from workbench.records.base import Record
from workbench.records.files import given_path, sha256_file
from workbench.records.run import Input, RunRecord
from workbench.records.view import View


class VerifyReport(Record):
    """Whether a run is what it says, and how this machine differs from the one it ran on."""

    kind: ClassVar[str] = "verification"

    name: str
    run_id: str
    sha256: str = ""  # of a bundle: compare it with what the sender told you
    findings: tuple[Finding, ...]
    environment: tuple[Change, ...]  # in the run → on this machine
    reproduced_by: str = ""
    page: str = ""

    @property
    def holds(self) -> bool:
        return all(finding.outcome is not Outcome.FAIL for finding in self.findings)

    def view(self) -> View:
        facts = (("run", self.run_id), ("sha256", self.sha256), ("run again as", self.reproduced_by), ("page", self.page))
        return View(
            title=f"{self.name}: {'it holds' if self.holds else 'it does not hold'}",
            facts=tuple((name, value) for name, value in facts if value),
            columns=("what", "name", "in the run", "here") if self.environment else (),
            rows=rows(self.environment),
            findings=self.findings,
        )


def verify(name: str, *, rerun: bool = False, tolerance: float = TOLERANCE, project: Path | None = None) -> VerifyReport:
    """Check NAME, a bundle, a run's folder or a run of this project: every file by its hash, the record by its files.

    rerun: run it here again and compare; it needs a project, and it runs the code in the bundle.
    tolerance: relative difference up to which two fractions count as equal in that comparison.
    project: the project for a run's id, or to run it again in; found from here by default.
    Exit code 1 when something does not hold. Packages that differ on this machine are listed, and are no failure.
    """
    checked(tolerance)
    place = given_path(name)
    if place.is_dir():
        return _verify_folder(place, name, rerun=rerun, tolerance=tolerance, project=project)
    if place.exists() or name.endswith((SUFFIX, ".zip")) or "/" in name:
        return _verify_bundle(place, rerun=rerun, tolerance=tolerance, project=project)
    folder = run_folder(find(explicit=project), name)
    return _verify_folder(folder, folder.name, rerun=rerun, tolerance=tolerance, project=project)


def _verify_folder(folder: Path, name: str, *, rerun: bool, tolerance: float, project: Path | None) -> VerifyReport:
    read = read_from(folder)
    record, found = check_record(hashes_of(folder), read)
    if record is None:
        raise BadInput(f"{name} is no run's folder", why=found[0].message, fix="name a bundle, a run's folder or its id")
    made = VerifyReport(name=name, run_id=record.run_id, findings=found, environment=tuple(_environment(read, project)))
    if not rerun or not made.holds:
        return _left(made) if rerun else made
    here = find(explicit=project)
    check_ended(record)
    return _again(made, here, folder, record, now=inputs_now(here, record), renamed={}, tolerance=tolerance)


def _verify_bundle(path: Path, *, rerun: bool, tolerance: float, project: Path | None) -> VerifyReport:
    with open_bundle(path) as bundle:
        whole = findings(bundle)
        hashes = {n.removeprefix(RUN): f.sha256 for n, f in bundle.manifest.files.items() if n.startswith(RUN)}

        def read(name: str) -> bytes:
            return bundle.read(RUN + name)

        record, found = check_record(hashes, read)
        made = VerifyReport(
            name=path.name,
            run_id=bundle.manifest.run_id,
            sha256=sha256_file(path),
            findings=(*whole, *found, *(_manifest(bundle, record) if record else ())),
            environment=tuple(_environment(read, project)),
        )
        if not rerun or record is None or not made.holds:
            return _left(made) if rerun else made
        here = find(explicit=project)
        check_ended(record)
        packed = _needed(here, bundle, record)
        home = here.state / "bundles" / f"{record.run_id}-{secrets.token_hex(4)}"
        bundle.unpack("", home)
    renamed = {name: str((home / place).relative_to(here.root)) for name, place in packed.items()}
    return _again(made, here, home / RUN, record, now=record.inputs, renamed=renamed, tolerance=tolerance)


def _left(made: VerifyReport) -> VerifyReport:
    message = "it was not run again: code of a run that does not hold is not executed"
    skipped = Finding(check="reproduction", outcome=Outcome.SKIPPED, message=message)
    return made.model_copy(update={"findings": (*made.findings, skipped)})


def _again(
    made: VerifyReport,
    project: Project,
    folder: Path,
    record: RunRecord,
    *,
    now: Iterable[Input],
    renamed: Mapping[str, str],
    tolerance: float,
) -> VerifyReport:
    """Run it again in a project, and add what came of it. renamed: where inputs lie now, by the name that the run had."""
    new = repeat(project, folder, record, renamed=renamed)
    again = report(project, side(folder, record), side(project.runs / new.run_id, new), now, tolerance)
    return made.model_copy(
        update={"findings": (*made.findings, *again.findings), "reproduced_by": again.reproduced_by, "page": again.page}
    )


def _needed(project: Project, bundle: Bundle, record: RunRecord) -> dict[str, str]:
    """Where in the bundle the inputs lie that parameters name. Raises BadInput for one that is neither there nor here.

    An input that the code itself names, or that is governed, has to be in the project, the same.
    """
    named = {text for value in record.parameters.values() for text in texts_in(value)}
    packed = {i.name: i.path for i in bundle.manifest.inputs if i.path and i.name in named and not i.contract_version}
    for item in record.inputs:
        if item.name in packed:
            continue
        there = present(project, item)
        if there is None or there.sha256 != item.sha256:
            why = f"it read {item.name}, which is not {'in this project' if there is None else 'the same in this project'}"
            fix = "register that dataset, or bring that file, with the content that the run read"
            held = any(i.name == item.name and i.path for i in bundle.manifest.inputs)
            raise BadInput(
                f"{record.run_id} cannot be run again here", why=why, fix=fix + (" (the bundle holds it)" if held else "")
            )
    return packed


def _manifest(bundle: Bundle, record: RunRecord) -> Iterator[Finding]:
    """What the manifest says of the run, against the run's record."""
    hashes = {name: file.sha256 for name, file in bundle.manifest.files.items()}
    told = {(i.name, i.sha256, i.contract_version, i.purpose) for i in bundle.manifest.inputs}
    same = told == {(i.name, i.sha256, i.contract_version, i.purpose) for i in record.inputs}
    ids = (bundle.manifest.run_id, bundle.manifest.run_key) == (record.run_id, record.run_key)
    yield finding("manifest", same and ids, f"manifest and record {'name' if same and ids else 'do not name'} the same run")
    for item in bundle.manifest.inputs:
        if item.path:
            holds = tree_sha256(item.path, hashes) == item.sha256
            yield finding("input", holds, f"{item.name} " + ("is" if holds else "is not") + " what the run read")
        else:
            message = f"{item.name} is not in the bundle: {item.why}"
            yield Finding(check="run.input", outcome=Outcome.SKIPPED, message=message)
    if "policy.toml" in hashes:
        holds = hashes["policy.toml"] == record.policy_sha256
        yield finding("policy", holds, "the policy " + ("is" if holds else "is not") + " the one that the run was held to")


def _environment(read: Read, project: Path | None) -> Iterator[Change]:
    """Packages that differ on this machine; the project's own modules only where there is a project."""
    try:
        root: Path | None = find(explicit=project).root
    except UserError:
        root = None
    try:
        text = read("environment.txt").decode(errors="replace")
    except UserError:  # its absence is a finding already
        return
    for package in compare_packages(text, environment_text(root)):
        if root or package.name != PROJECT:
            yield Change(section="environment", name=package.name, a=package.a, b=package.b)
