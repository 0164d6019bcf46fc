"""The record of a run, kept without a kernel: the notebook says what a kernel would have said."""

import hashlib
import json
import os
from dataclasses import fields

import pytest

from tests.conftest import code, write_notebook
from workbench.errors import MachineError
from workbench.production.recorder import ADOPT, Recorder
from workbench.records.files import sha256_file
from workbench.records.run import Failure, FailureKind, RunRecord, State


@pytest.fixture
def recorder(project, monkeypatch):
    """The recorder of a run that nobody prepared, of a notebook with one cell, in the project."""
    monkeypatch.delenv(ADOPT, raising=False)
    monkeypatch.setenv("WORKBENCH_PROJECT", str(project.root))
    path = write_notebook(project.root / "templates" / "hello.ipynb", code("1 + 1"))
    nb = json.loads(path.read_text())
    nb["cells"][0]["metadata"]["papermill"] = {"status": "pending", "start_time": None}
    recorder = Recorder.begin(nb, input_path=str(path), output_path=None, kernel="python3")
    recorder.begin_notebook(nb, dict)
    return recorder


def finish(recorder, error=None, status="completed", document=lambda: "the notebook", deliver=lambda _text: None):
    cell = {"cell_type": "code", "source": "1 + 1", "metadata": {"papermill": {"status": status, "start_time": "then"}}}
    return recorder.finish({"cells": [cell]}, error, document, deliver)


def on_disk(recorder):
    return RunRecord.load(recorder.folder / "record.json")


def test_the_record_names_what_the_run_found(project, recorder):
    record = finish(recorder)
    assert record.policy_sha256 == sha256_file(project.root / "policy.toml")
    assert record.environment_sha256 == sha256_file(recorder.folder / "environment.txt")
    assert record.hash_seed == os.environ.get("PYTHONHASHSEED", "")
    assert record == on_disk(recorder)


def test_the_hash_seed_is_that_of_the_kernels_environment(project, monkeypatch):
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    monkeypatch.setenv("WORKBENCH_PROJECT", str(project.root))
    nb = json.loads(write_notebook(project.root / "a.ipynb", code("1")).read_text())
    assert Recorder.begin(nb, input_path="", output_path=None, kernel="python3").record.hash_seed == "7"


def test_the_output_is_written_once_and_the_record_holds_its_hash(recorder):
    delivered = []
    record = finish(recorder, deliver=delivered.append)
    assert (recorder.folder / "output.ipynb").read_text() == "the notebook" == delivered[0]
    assert record.output_sha256 == hashlib.sha256(b"the notebook").hexdigest()
    assert not (recorder.folder / "cells.jsonl").exists()


def test_a_run_that_is_broken_off_fails_for_that_reason_whatever_ends_the_engine(recorder):
    limit = Failure(kind=FailureKind.LIMIT, cell=None, source="", name="RunTimeout", message="it took more than 1 s")
    Recorder.break_off_current(limit)
    record = finish(recorder, SystemExit(143), status="running")
    assert record.state is State.FAILED
    assert record.failure == limit.model_copy(update={"cell": 0, "source": "1 + 1"})


def test_a_run_that_is_stopped_is_cancelled(recorder):
    record = finish(recorder, KeyboardInterrupt(), status="running")
    assert (record.state, record.failure.kind) == (State.CANCELLED, FailureKind.STOPPED)


def test_the_recorder_of_this_process_is_known_while_its_run_goes_on(recorder):
    assert Recorder.current is recorder
    finish(recorder)
    assert Recorder.current is None
    Recorder.break_off_current(Failure(cell=None, source="", name="late", message="late"))  # nobody is there: no matter


def test_what_is_accepted_is_known_whole_and_written_as_it_is_answered(recorder):
    class Judged(Recorder):
        def accept(self, record):
            assert (record.state, (self.folder / "output.ipynb").exists()) == (State.DONE, True)
            return record.model_copy(update={"accepted": True})

    judged = Judged(**{field.name: getattr(recorder, field.name) for field in fields(recorder)})
    assert finish(judged).accepted is True
    assert on_disk(recorder).accepted is True


@pytest.mark.parametrize("part", ["document", "deliver"])
def test_a_notebook_that_cannot_be_written_fails_the_run_and_its_journal_stays(recorder, part):
    def full(*_text):
        raise MachineError("cannot write out.ipynb", why="the disk is full", fix="free some space")

    with pytest.raises(MachineError):
        finish(recorder, **{part: full})
    record = on_disk(recorder)
    assert (record.state, record.failure.kind) == (State.FAILED, FailureKind.INFRASTRUCTURE)
    assert (recorder.folder / "cells.jsonl").exists()
