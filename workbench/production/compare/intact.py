"""Does a run's folder hold what its record says? The same questions of a folder on disk and of one in a bundle."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from workbench.errors import BadInput, UserError
from workbench.findings import Finding, Outcome
from workbench.production.notebook import parse_notebook
from workbench.production.results import collect
from workbench.production.run_key import recorded_run_key
from workbench.records.files import cannot_read, sha256_file
from workbench.records.run import RunRecord

Read = Callable[[str], bytes]


def files_of(folder: Path, *, hidden: bool = False) -> dict[str, Path]:
    """The files of a folder by their name in it, without what a link out of it leads to.

    hidden: also those whose name begins with a dot; in a run's folder these are marks of ours (`.begun`).
    """
    home = folder.resolve()
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.resolve().is_relative_to(home))
    found = {path.relative_to(folder).as_posix(): path for path in files}
    return {name: path for name, path in found.items() if hidden or not name.startswith(".")}


def read_from(folder: Path) -> Read:
    """Reads files of a folder by their name."""

    def read(name: str) -> bytes:
        try:
            return (folder / name).read_bytes()
        except OSError as error:
            raise cannot_read(folder / name, error) from error

    return read


def hashes_of(folder: Path) -> dict[str, str]:
    """sha256 of each file of a run's folder."""
    return {name: sha256_file(path) for name, path in files_of(folder).items()}


def check_record(hashes: Mapping[str, str], read: Read) -> tuple[RunRecord | None, tuple[Finding, ...]]:
    """The record of a run and what there is to say of it. hashes: sha256 by file name; read: a small file by its name."""
    try:
        record = RunRecord.parse(read("record.json"), source="record.json")
    except UserError as error:
        return None, (finding("record", False, f"{error.what}: {error.why}"),)
    return record, tuple(_checks(record, hashes, read))


def _checks(record: RunRecord, hashes: Mapping[str, str], read: Read) -> Iterator[Finding]:
    yield finding("ended", record.state.ended, f"its state is '{record.state.value}'")
    yield _code(record, read)
    yield _against("output", "output.ipynb", record.output_sha256, hashes.get("output.ipynb"))
    yield _against("environment", "environment.txt", record.environment_sha256, hashes.get("environment.txt"))
    for artifact in record.artifacts:
        yield _against("artifact", f"artifact {artifact.name}", artifact.sha256, tree_sha256(artifact.path, hashes))
    if not record.run_key:
        yield Finding(check="run.key", outcome=Outcome.SKIPPED, message="the record has no run key: its results were not taken")
        return
    same = record.run_key == recorded_run_key(record)
    yield finding("key", same, "the run key " + ("is" if same else "is not") + " that of its code, parameters and inputs")
    yield _declared(record, read)


def _declared(record: RunRecord, read: Read) -> Finding:
    """Figures and artifacts stand in the record and in the executed notebook: a change of one alone shows."""
    try:
        figures, artifacts, _ = collect(parse_notebook(read("output.ipynb"), "output.ipynb").cells)
    except (UserError, ValueError, KeyError, TypeError, AttributeError) as error:
        return finding("results", False, f"the results in output.ipynb cannot be read: {str(error).splitlines()[0]}")
    same = (figures, artifacts) == (record.figures, record.artifacts)
    return finding("results", same, "record and output.ipynb declare " + ("the same" if same else "different") + " results")


def _code(record: RunRecord, read: Read) -> Finding:
    try:
        same = parse_notebook(read("input.ipynb"), "input.ipynb").code_sha256 == record.template_sha256
    except BadInput as error:
        return finding("code", False, f"{error.what}: {error.why}")
    return finding("code", same, "the frozen template " + ("has" if same else "does not have") + " the code on record")


def _against(check: str, name: str, stated: str, found: str | None) -> Finding:
    if found is None and stated:
        return finding(check, False, f"{name} is not there")
    if not stated:
        return Finding(check=f"run.{check}", outcome=Outcome.SKIPPED, message=f"the record has no hash of {name}")
    return finding(check, found == stated, f"{name} " + ("has" if found == stated else "does not have") + " the hash on record")


def tree_sha256(path: str, hashes: Mapping[str, str]) -> str | None:
    """The hash of a file; of a folder as `sha256_file` makes it, of its files' names and hashes. None when it is not there."""
    if path in hashes:
        return hashes[path]
    inside = {PurePosixPath(n).relative_to(path): h for n, h in hashes.items() if PurePosixPath(n).is_relative_to(path)}
    lines = [f"{name} {inside[name]}" for name in sorted(inside)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest() if lines else None


def finding(check: str, holds: bool, message: str) -> Finding:
    """One check of a run: it holds, or the run is not to be trusted."""
    fix = "" if holds else "do not trust this run: its files are not those that it left"
    return Finding(check=f"run.{check}", outcome=Outcome.PASS if holds else Outcome.FAIL, message=message, fix=fix)
