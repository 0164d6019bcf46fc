"""Keeps the record of one run while an engine executes it: start, cells, end. Knows nothing of papermill.

Whoever starts the engine gets the same record: our own launcher hands over a folder it has prepared (`WORKBENCH_ADOPT`);
any other caller gets a new folder, in the project it stands in, else beside the output notebook.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from workbench.errors import MachineError, UnknownName, UserError
from workbench.findings import Finding, Outcome
from workbench.production.environment import environment_sha256, environment_text, git_commit, this_process
from workbench.production.notebook import Notebook, source
from workbench.production.parameters import Parameter, read_parameters
from workbench.production.results import RUN_FOLDER, RUN_ID, collect
from workbench.production.run_folder import new_run_folder
from workbench.production.validation import validate
from workbench.project import Project, find, system_user
from workbench.records.base import sha256_json
from workbench.records.files import cannot_write, is_there, sha256_file, write_atomic
from workbench.records.run import Failure, Input, RunRecord, State

ADOPT = "WORKBENCH_ADOPT"
SAVE_EVERY_S = 1.0
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@dataclass
class Recorder:
    """One run's record in its folder. The record is replaced as the run goes on; the events are appended."""

    folder: Path
    record: RunRecord
    project: Project | None
    parameters: tuple[Parameter, ...] = ()
    audit_offset: int = 0
    saved_at: float = field(default=0.0)

    @classmethod
    def begin(cls, nb: Mapping[str, Any], *, input_path: str, output_path: str | None, kernel: str) -> Recorder:
        """Open the record of a run. nb: the notebook as papermill has prepared it, parameters injected.

        Raises BadInput or UnknownName for wrong parameters inside a project that is strict about them.
        """
        notebook = Notebook(raw=b"", cells=tuple(nb["cells"]), metadata=dict(nb["metadata"]))
        given = dict(notebook.metadata.get("papermill", {}).get("parameters", {}))
        name = Path(input_path).stem if input_path else "notebook"
        adopted = os.environ.pop(ADOPT, None)
        if adopted:
            folder = Path(adopted)
            record = RunRecord.load(folder / "record.json")
            project: Project | None = find(explicit=os.environ["WORKBENCH_PROJECT"])
            parameters = read_parameters(notebook, record.template) if notebook.tagged("parameters") else ()
        else:
            project = _project()
            parameters, values, findings = _check(
                notebook, given, name, strict=project is not None and project.config.strict_parameters
            )
            place = project.runs if project else _beside(output_path)
            folder = new_run_folder(place, name)
            clean = _without_injected(nb)
            write_atomic(folder / "input.ipynb", json.dumps(clean, indent=1).encode())
            record = RunRecord(
                run_id=folder.name,
                template=name,
                template_sha256=Notebook(raw=b"", cells=tuple(clean["cells"]), metadata={}).code_sha256,
                parameters=values,
                seed=_seed(values),
                actor=project.actor if project else system_user(),
                created=datetime.now(UTC),
                git_commit=git_commit(Path(input_path).resolve()) if input_path else None,
                findings=findings,
            )
        recorder = cls(folder=folder, record=record, project=project, parameters=parameters)
        recorder._start(kernel, cells=len(notebook.cells))
        return recorder

    def _start(self, kernel: str, *, cells: int) -> None:
        write_atomic(self.folder / "environment.txt", environment_text().encode())
        if self.project:
            self.audit_offset = self.project.audit.size()
            self.project.audit.append("run.start", run=self.record.run_id, template=self.record.template)
        self._save(
            state=State.RUNNING,
            started=self.record.started or datetime.now(UTC),
            process=this_process(),
            kernel=kernel,
            cells_total=cells,
            environment_sha256=environment_sha256(),
        )
        self._event("run", state=State.RUNNING, total=cells)

    def kernel_environment(self) -> dict[str, str]:
        """The variables of the kernel: ours, beside those of this process."""
        ours = {RUN_ID: self.record.run_id, RUN_FOLDER: str(self.folder.resolve())}
        if self.project:
            ours["WORKBENCH_PROJECT"] = str(self.project.root)
        return {**os.environ, **ours}

    def cell(self, index: int, state: str) -> None:
        """A cell starts ('running') or ends ('done', 'failed')."""
        done = index + (state == "done")
        self.record = self.record.model_copy(update={"cells_done": done})
        self._event("cell", index=index, state=state, done=done, total=self.record.cells_total)
        if time.monotonic() - self.saved_at >= SAVE_EVERY_S:
            self._save()

    def finish(self, nb: Mapping[str, Any], error: BaseException | None) -> RunRecord:
        """Close the record. nb: the executed notebook; error: what broke out of the engine, if anything did."""
        try:
            results = self._results(nb)
        except Exception as broke:  # what was declared or named cannot be taken: the run has failed, and its record says so
            results, error = {}, error or broke
        failure = _failure(nb, error)
        state = (
            State.CANCELLED if isinstance(error, (KeyboardInterrupt, SystemExit)) else State.FAILED if failure else State.DONE
        )
        done = self.record.cells_total if failure is None else self.record.cells_done if failure.cell is None else failure.cell
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        results |= {
            "finished": datetime.now(UTC),
            "cells_done": done,
            "cpu_s": round(used.ru_utime + used.ru_stime, 3),
            "peak_rss_bytes": used.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        }
        output = self.folder / "output.ipynb"
        try:
            write_atomic(output, json.dumps(nb, indent=1).encode())
            self._save(state=state, failure=failure, **results)
        except MachineError as full:  # what papermill left of the notebook is torn; without it the record may find room
            with contextlib.suppress(OSError):
                output.unlink(missing_ok=True)
            self._save(state=State.FAILED, failure=_failure(nb, full), **results)
            raise
        if self.project:
            self.project.audit.append("run.finish", run=self.record.run_id, state=state.value, run_key=self.record.run_key)
        self._event("run", state=state)
        return self.record

    def _results(self, nb: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of the record that tell what came out, and of what. Raises whatever a wrong declaration raises."""
        figures, artifacts, findings = collect(nb["cells"])
        inputs = self._inputs()
        return {
            "figures": figures,
            "artifacts": artifacts,
            "findings": (*self.record.findings, *findings),
            "inputs": inputs,
            "run_key": self._key(inputs),
        }

    def _save(self, **changes: Any) -> None:
        self.record = self.record.model_copy(update=changes)
        self.record.write(self.folder / "record.json")
        self.saved_at = time.monotonic()

    def _event(self, event: str, **facts: Any) -> None:
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "event": event,
            "run": self.record.run_id,
            **facts,
        }
        path = self.folder / "events.jsonl"
        try:
            with open(path, "a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        except OSError as error:
            raise cannot_write(path, error) from error

    def _inputs(self) -> tuple[Input, ...]:
        """What the run read: its Path and Dataset parameters that are files, and the governed reads in the audit log."""
        found: dict[str, Input] = {}
        for p in self.parameters:
            value = self.record.parameters.get(p.name)
            if p.is_input and isinstance(value, str) and value and is_there(Path(value)):
                found[value] = Input(name=value, sha256=sha256_file(Path(value)))
        for entry in self.project.audit.entries(since=self.audit_offset) if self.project else ():
            facts = entry["facts"]
            if facts.get("run") == self.record.run_id and "sha256" in facts and "dataset" in facts:
                found[facts["dataset"]] = Input(
                    name=facts["dataset"],
                    sha256=facts["sha256"],
                    contract_version=facts.get("contract_version", ""),
                    purpose=facts.get("purpose", ""),
                )
        return tuple(found[name] for name in sorted(found))

    def _key(self, inputs: tuple[Input, ...]) -> str:
        """The run's identity: equal keys mean that an equal result may be expected. Not host, user, time or git."""
        hashes = {i.name: i.sha256 for i in inputs}
        values = {k: hashes.get(v, v) if isinstance(v, str) else v for k, v in self.record.parameters.items()}
        return sha256_json(
            {
                "code": self.record.template_sha256,
                "parameters": values,
                "environment": self.record.environment_sha256,
                "inputs": sorted(hashes.values()),
                "seed": self.record.seed,
            }
        )


def _beside(output_path: str | None) -> Path:
    """The folder of the output notebook when that is a file of this machine, else the current one."""
    if output_path is None or output_path == "-" or "://" in output_path:
        return Path.cwd()
    return Path(output_path).resolve().parent


def _project() -> Project | None:
    try:
        return find()
    except UnknownName:
        if os.environ.get("WORKBENCH_PROJECT"):
            raise
        return None


def _check(
    notebook: Notebook, given: dict[str, Any], name: str, *, strict: bool
) -> tuple[tuple[Parameter, ...], dict[str, Any], tuple[Finding, ...]]:
    """Check parameters that somebody else's scheduler passed: refused when strict, else a warning in the record."""
    try:
        parameters = read_parameters(notebook, name) if given or notebook.tagged("parameters") else ()
        return parameters, validate(parameters, given, name), ()
    except UserError as error:
        if strict:
            raise
        warning = Finding(check="run.parameters", outcome=Outcome.WARN, message=f"{error.what}: {error.why}", fix=error.fix)
        return (), given, (warning,)


def _without_injected(nb: Mapping[str, Any]) -> dict[str, Any]:
    """The notebook as it was before papermill put the parameters in."""
    cells = [c for c in nb["cells"] if "injected-parameters" not in c.get("metadata", {}).get("tags", ())]
    return {**nb, "cells": cells}


def _seed(values: Mapping[str, Any]) -> int | None:
    seed = values.get("seed")
    return seed if isinstance(seed, int) else None


def _failure(nb: Mapping[str, Any], error: BaseException | None) -> Failure | None:
    """The cell that ended the run: marked by papermill, or the one that was running when the kernel died."""
    for index, cell in enumerate(nb["cells"]):
        mark = cell.get("metadata", {}).get("papermill", {})
        broke = next((o for o in cell.get("outputs", ()) if o.get("output_type") == "error"), None)
        if mark.get("status") == "failed" and broke:
            trace = tuple(_ANSI.sub("", line) for line in broke["traceback"])
            return Failure(cell=index, source=source(cell), name=broke["ename"], message=broke["evalue"], traceback=trace)
        if error is not None and (mark.get("status") == "running" or (mark.get("start_time") and not mark.get("end_time"))):
            return _broken(index, source(cell), error)
    if error is None:
        return None
    started = [i for i, c in enumerate(nb["cells"]) if c.get("metadata", {}).get("papermill", {}).get("start_time")]
    last = started[-1] if started else None
    return _broken(last, "" if last is None else source(nb["cells"][last]), error)


def _broken(index: int | None, text: str, error: BaseException) -> Failure:
    name = type(error).__name__
    message = str(error) or name
    if name == "DeadKernelError":
        message = "the kernel died: it was killed, ran out of memory, or crashed in native code"
    elif isinstance(error, (KeyboardInterrupt, SystemExit)):
        message = "stopped by the person or the scheduler that started it"
    return Failure(cell=index, source=text, name=name, message=message)
