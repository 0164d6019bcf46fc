"""The verbs on exported models: list them, show one, check its files."""

from __future__ import annotations

from typing import ClassVar

from workbench.errors import BadInput, UnknownName
from workbench.export import scorer, store
from workbench.findings import Finding, Outcome
from workbench.project import Project
from workbench.records.base import Record
from workbench.records.files import sha256_file
from workbench.records.model import ModelManifest
from workbench.records.view import View


class ModelList(Record):
    """The newest version of each model, by name; findings name the manifests that cannot be read."""

    kind: ClassVar[str] = "model_list"

    models: tuple[ModelManifest, ...]
    findings: tuple[Finding, ...] = ()

    def view(self) -> View:
        rows = tuple(
            (m.name, str(m.model_version), m.family, m.target, _headline(m), f"{m.created:%Y-%m-%d}") for m in self.models
        )
        return View(
            title=f"{len(rows)} model(s)",
            columns=("model", "version", "family", "target", "test", "exported"),
            rows=rows,
            findings=self.findings,
        )


def _headline(manifest: ModelManifest) -> str:
    """`wape 45.8 % (baseline 52.75)` on the test rows; empty when there is no such figure."""
    score = next((e.headline for e in manifest.evaluations if e.split == "test"), None)
    return f"{score.metric} {score.shown()}" if score and score.model is not None else ""


class Verification(Record):
    """Whether the files of one version are those that were exported."""

    kind: ClassVar[str] = "model_verification"

    name: str
    model_version: int
    findings: tuple[Finding, ...]

    def view(self) -> View:
        return View(title=f"model {self.name}, version {self.model_version}", findings=self.findings)


def models(project: Project) -> ModelList:
    """List the exported models, each by its newest version."""
    found: list[ModelManifest] = []
    problems: list[Finding] = []
    for name in store.names(project):
        try:
            found.append(ModelManifest.load(store.folder(project, name, None) / store.MANIFEST))
        except (BadInput, UnknownName) as error:
            problems.append(Finding(check="export.manifest", outcome=Outcome.FAIL, message=error.why, fix=error.fix))
    return ModelList(models=tuple(found), findings=tuple(problems))


def show(project: Project, name: str, *, version: int | None = None) -> ModelManifest:
    """Show an exported model: what it takes, how good it is, and the proof that it equals the trained one.

    version: the newest when left out. Raises UnknownName.
    """
    return ModelManifest.load(store.folder(project, name, version) / store.MANIFEST)


def verify(project: Project, name: str, *, version: int | None = None) -> Verification:
    """Check every file of an exported model against its hash, and the manifest against the audit log.

    version: the newest when left out. Raises UnknownName, and BadInput when the manifest cannot be read.
    """
    folder = store.folder(project, name, version)
    manifest = ModelManifest.load(folder / store.MANIFEST)
    findings = []
    for file, expected in manifest.files.items():
        try:
            store.read_checked(folder / file, expected, papers=store.MANIFEST, fix=scorer.AGAIN)
        except BadInput as error:
            findings.append(_finding(file, Outcome.FAIL, error.why, error.fix))
        else:
            findings.append(_finding(file, Outcome.PASS, f"{expected.size_bytes:,} bytes, sha256 {expected.sha256[:12]}"))
    strangers = {path.name for path in folder.iterdir()} - {*manifest.files, store.MANIFEST}
    for file in sorted(strangers):
        findings.append(_finding(file, Outcome.WARN, "the manifest does not name it", "remove it: no export put it there"))
    findings.append(_in_audit(project, name, int(folder.name), sha256_file(folder / store.MANIFEST)))
    return Verification(name=name, model_version=int(folder.name), findings=tuple(findings))


def _finding(file: str, outcome: Outcome, message: str, fix: str = "") -> Finding:
    return Finding(check="export.file", outcome=outcome, message=f"{file}: {message}", fix=fix, evidence={"file": file})


def _in_audit(project: Project, name: str, version: int, found: str) -> Finding:
    """Hashes in a manifest prove nothing about the manifest itself: its own hash stands in the audit log."""
    logged = [
        entry["facts"]["manifest_sha256"]
        for entry in project.audit.entries()
        if entry["event"] == "export.export" and (entry["facts"]["model"], entry["facts"]["model_version"]) == (name, version)
    ]
    if not logged:
        message = "this project's audit log has no line of its export"
        return _finding(store.MANIFEST, Outcome.INCONCLUSIVE, message, "verify it in the project that exported it")
    if found not in logged:
        message = f"its sha256 is {found[:12]}…, the audit log says {logged[-1][:12]}…"
        return _finding(store.MANIFEST, Outcome.FAIL, message, scorer.AGAIN)
    return _finding(store.MANIFEST, Outcome.PASS, f"sha256 {found[:12]}, as in the audit log")
