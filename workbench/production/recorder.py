"""Keeps the record of one run while an engine executes it: start, cells, end. Knows nothing of papermill.

Whoever starts the engine gets the same record: our own launcher hands over a folder it has prepared (`WORKBENCH_ADOPT`);
any other caller gets a new folder, in the project it stands in, else beside the output notebook.
"""

from __future__ import annotations

import hashlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

from workbench.machine import this_process
from workbench.production.acceptance import decide
from workbench.production.environment import environment_text, git_commit
from workbench.production.failure import broken, failure
from workbench.production.foreign import prepare
from workbench.production.journal_writer import Journal
from workbench.production.notebook import Notebook
from workbench.production.parameters import Parameter, read_parameters
from workbench.production.reads import reads
from workbench.production.results import RUN_FOLDER, RUN_ID, collect
from workbench.production.run_key import recorded_run_key
from workbench.production.secrecy import secrets
from workbench.production.secrecy.keeper import without_secrets
from workbench.production.secrecy.redaction import Redactor
from workbench.project import Project, find
from workbench.records.files import cannot_write, sha256_file, write_atomic
from workbench.records.run import Failure, FailureKind, Input, RunRecord, State

ADOPT = "WORKBENCH_ADOPT"
SAVE_EVERY_S = 1.0


@dataclass
class Recorder:
    """One run's record in its folder. The record is replaced as the run goes on; the events and the journal are appended.

    current: the one of this process, while its run goes on.
    """

    current: ClassVar[Recorder | None] = None

    folder: Path
    record: RunRecord
    project: Project | None
    parameters: tuple[Parameter, ...] = ()
    audit_offset: int = 0
    saved_at_s: float = field(default=0.0)
    broken_off: Failure | None = None
    stands_on: Future[dict[str, Any]] = field(default_factory=Future)
    journal: Journal | None = None  # from begin_notebook on
    redactor: Redactor | None = None  # from then on, when a parameter is a secret
    adopted: bool = False  # a launcher has prepared its folder

    @classmethod
    def begin(cls, nb: Mapping[str, Any], *, input_path: str, output_path: str | None, kernel: str) -> Recorder:
        """Open the record of a run. nb: the notebook as papermill has prepared it, parameters injected.

        Raises BadInput or UnknownName for wrong parameters inside a project that is strict about them.
        """
        notebook = Notebook(raw=b"", cells=tuple(nb["cells"]), metadata=dict(nb["metadata"]))
        adopted = os.environ.pop(ADOPT, None)
        if adopted:
            folder, project = Path(adopted), find(explicit=os.environ["WORKBENCH_PROJECT"])
            record = RunRecord.load(folder / "record.json")
            parameters = read_parameters(notebook, record.template) if notebook.tagged("parameters") else ()
            recorder = cls(folder, record, project, parameters, adopted=True)
        else:
            recorder = cls(*prepare(nb, notebook, input_path=input_path, output_path=output_path))
        Recorder.current = recorder
        recorder._start(kernel, cells=len(notebook.cells), template=None if adopted or not input_path else Path(input_path))
        return recorder

    def _start(self, kernel: str, *, cells: int, template: Path | None) -> None:
        aside = ThreadPoolExecutor(1)  # it takes a moment, which the start of the kernel takes anyway
        self.stands_on = aside.submit(self._stands_on, template and template.resolve())
        aside.shutdown(wait=False)
        policy = self.project.root / "policy.toml" if self.project else None
        if self.project:
            self.audit_offset = self.project.audit.size()
            facts = {"template": self.record.template, "secrets": secrets.names(self.record.parameters)}
            self.project.audit.append("run.start", run=self.record.run_id, **{k: v for k, v in facts.items() if v})
        self._save(
            state=State.RUNNING,
            started=self.record.started or datetime.now(UTC),
            process=this_process(),
            kernel=kernel,
            cells_total=cells,
            hash_seed=self.kernel_environment().get("PYTHONHASHSEED", ""),
            policy_sha256=sha256_file(policy) if policy and policy.is_file() else "",
        )
        self._event("run", state=State.RUNNING, total=cells)

    def _stands_on(self, template: Path | None) -> dict[str, Any]:
        """Fields of the record. template: the notebook whose commit is not known yet."""
        text = environment_text(self.project.root if self.project else None).encode()
        self._write("environment.txt", text)
        commit = {"git_commit": git_commit(template)} if template else {}
        return {"environment_sha256": hashlib.sha256(text).hexdigest(), **commit}

    def begin_notebook(self, nb: Mapping[str, Any], node: Callable[..., Any]) -> None:
        """The cells are about to run. nb: papermill's notebook, marked; node: makes an output of it. Raises UserError."""
        secrets.check_language(self.record.parameters, nb["metadata"])
        self.redactor = secrets.redactor(self.record.parameters)
        self.journal = Journal(self.folder, nb, node)

    def kernel_environment(self) -> dict[str, str]:
        """The variables of the kernel: ours, beside those of this process."""
        ours = {RUN_ID: self.record.run_id, RUN_FOLDER: str(self.folder.resolve())}
        if self.project:
            ours["WORKBENCH_PROJECT"] = str(self.project.root)
        return secrets.kernel_environment({**os.environ, **ours}, self.record.parameters)

    def cell(self, index: int, state: str) -> None:
        """A cell starts ('running') or ends ('done', 'failed')."""
        done = index + (state == "done")
        if self.journal:
            (self.journal.start if state == "running" else self.journal.end)(index)
        self.record = self.record.model_copy(update={"cells_done": done, **self.stands_on.result()})
        self._event("cell", index=index, state=state, done=done, total=self.record.cells_total)
        if time.monotonic() - self.saved_at_s >= SAVE_EVERY_S:
            self._save(durable=False)

    def break_off(self, failure: Failure) -> None:
        """Say why the run is about to be stopped, before it is: `finish` records that, whatever the engine says of it.

        May be called from another thread.
        """
        self.broken_off = failure

    @classmethod
    def break_off_current(cls, failure: Failure) -> None:
        """`break_off` of the run of this process, while one goes on."""
        if cls.current is not None:
            cls.current.break_off(failure)

    def finish(
        self,
        nb: Mapping[str, Any],
        error: BaseException | None,
        document: Callable[[], str],
        deliver: Callable[[str], None],
    ) -> RunRecord:
        """Close the record. nb: the executed notebook; error: what broke out of the engine, if anything did.

        document: completes the notebook and gives its text; deliver: takes that to where the caller wants it.
        Raises what these raise, and MachineError, after the record is closed.
        """
        results, ended = self._ending(nb, error)
        try:
            text = document()
            data = text.encode()
            self._write("output.ipynb", data)
            results["output_sha256"] = hashlib.sha256(data).hexdigest()
            deliver(text)
            self._save(self.accept(self._ended(results, ended)))
        except Exception as broke:
            self._save(self._ended(results, broken(broke)))
            raise
        finally:
            Recorder.current = None
        if self.journal:
            self.journal.remove()
        state = self.record.state
        if self.project:
            self.project.audit.append("run.finish", run=self.record.run_id, state=state.value, run_key=self.record.run_key)
        self._event("run", state=state)
        return self.record

    def _ending(self, nb: Mapping[str, Any], error: BaseException | None) -> tuple[dict[str, Any], Failure | None]:
        """The fields of the record that tell what came out, and what ended the run."""
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        ended = failure(nb, error)
        try:
            self.record = self.record.model_copy(update=self.stands_on.result())
            results = self._results(nb)
        except Exception as broke:  # what was declared or named cannot be taken: the run has failed, and its record says so
            results, ended = {}, ended or failure(nb, broke, declared=True)
        if self.broken_off:
            at = {"cell": ended.cell, "source": ended.source} if ended else {}
            ended = self.broken_off.model_copy(update=at)
        done = self.record.cells_total if ended is None else self.record.cells_done if ended.cell is None else ended.cell
        results |= {
            "finished": datetime.now(UTC),
            "cells_done": done,
            "cpu_s": round(used.ru_utime + used.ru_stime, 3),
            "peak_rss_bytes": used.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        }
        return results, ended

    def _ended(self, results: dict[str, Any], ended: Failure | None) -> RunRecord:
        """The record with how the run ended and what came out, as far as others may see it."""
        stopped = ended is not None and ended.kind is FailureKind.STOPPED
        state = State.DONE if ended is None else State.CANCELLED if stopped else State.FAILED
        record = self.record.model_copy(update={**results, "failure": ended, "state": state})
        return without_secrets(record, self.folder, self.redactor)

    def accept(self, record: RunRecord) -> RunRecord:
        """The record as it is to be written, once all that came out is known and its notebook is on the disk."""
        return record if self.project is None else decide(self.project, record, opens_generation=not self.adopted)

    def _results(self, nb: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of the record that tell what came out, and of what. Raises whatever a wrong declaration raises."""
        figures, artifacts, findings = collect(nb["cells"])
        inputs = self._inputs(nb)
        return {
            "figures": figures,
            "artifacts": artifacts,
            "findings": (*self.record.findings, *findings),
            "inputs": inputs,
            "run_key": recorded_run_key(self.record.model_copy(update={"inputs": inputs})),
        }

    def _save(self, record: RunRecord | None = None, *, durable: bool = True, **changes: Any) -> None:
        """Replace the record on the disk: by `record`, or by the present one with some fields changed."""
        self.record = record or self.record.model_copy(update=changes)
        self._write("record.json", self.record.dump(), durable=durable)
        self.saved_at_s = time.monotonic()

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

    def _write(self, name: str, data: bytes, *, durable: bool = True) -> None:
        """Each document of the run's folder that is written whole passes here; events and the journal are appended."""
        write_atomic(self.folder / name, data, durable=durable)

    def _inputs(self, nb: Mapping[str, Any]) -> tuple[Input, ...]:
        """What the run read."""
        given = self.record.parameters
        return reads(self.project, self.record.run_id, self.parameters, given, nb["cells"], since=self.audit_offset)
