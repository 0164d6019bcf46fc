"""Trainings reach MLflow as they were, and nothing that goes wrong there reaches the training."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from workbench import tracking
from workbench.findings import Outcome
from workbench.tracking import Store, reading, sender

ROOT = Path(__file__).parents[1]


@pytest.fixture
def unsent(tmp_path: Path) -> Store:
    """A store whose senders do not start by themselves: sending is then a step of the test."""
    return replace(Store.of(tmp_path), sender=lambda _store: None)


def sent_elsewhere(state: Path) -> int:
    """What `send` says in a process of its own, as it always runs (here MLflow would keep a broken file open)."""
    code = "import sys; from pathlib import Path; from workbench.tracking import *; print(send(Store.of(Path(sys.argv[1]))))"
    done = subprocess.run([sys.executable, "-c", code, str(state)], cwd=ROOT, capture_output=True, text=True, check=True)
    return int(done.stdout.split()[-1])


def test_a_training_is_listed_at_once(unsent: Store):
    with tracking.track(unsent, experiment="demand", name="histgb", tags={"data": "ab12"}) as run:
        run.parameters({"seed": 7})
        run.metrics({"loss": 0.5}, step=1)
        run.metrics({"loss": 0.25}, step=2)
        assert [r.status for r in tracking.runs(unsent)] == ["RUNNING"]
    (found,) = tracking.runs(unsent)
    assert (found.id, found.status, found.experiment, found.name) == (run.id, "FINISHED", "demand", "histgb")
    assert (found.metrics, found.parameters, found.tags) == ({"loss": 0.25}, {"seed": "7"}, {"data": "ab12"})
    assert run.findings == []


def test_a_training_that_raises_is_failed_and_the_error_goes_on(unsent: Store):
    with pytest.raises(ZeroDivisionError), tracking.track(unsent, experiment="demand", name="bad"):
        raise ZeroDivisionError
    assert [r.status for r in tracking.runs(unsent)] == ["FAILED"]


@pytest.mark.slow
def test_mlflow_has_what_was_noted_and_reads_it_as_we_do(unsent: Store, tmp_path: Path):
    from mlflow import MlflowClient

    (tmp_path / "card.md").write_text("# card")
    for loss in (0.5, 0.25):
        with tracking.track(unsent, experiment="demand", name="mlp", tags={"data": "ab12"}) as run:
            run.parameters({"seed": 7})
            run.metrics({"loss": 2 * loss}, step=1)
            run.metrics({"loss": loss}, step=2)
            run.file(tmp_path / "card.md")
    before = tracking.runs(unsent)
    assert tracking.send(unsent) == 0
    after = tracking.runs(unsent)
    assert list(unsent.spool.glob("*.jsonl")) == []
    assert [(r.id, r.status, r.start_ms, r.end_ms, r.metrics, r.parameters) for r in after] == [
        (r.id, r.status, r.start_ms, r.end_ms, r.metrics, r.parameters) for r in before
    ]

    client = MlflowClient(unsent.uri)
    (newest, _) = client.search_runs([client.get_experiment_by_name("demand").experiment_id])
    assert newest.data.tags["data"] == "ab12"
    assert [(m.step, m.value) for m in client.get_metric_history(newest.info.run_id, "loss")] == [(1, 0.5), (2, 0.25)]
    assert [f.path for f in client.list_artifacts(newest.info.run_id)] == ["card.md"]
    by_client = reading._of_server(unsent)
    assert {r.id: (r.status, r.metrics, r.parameters, r.tags) for r in by_client} == {
        r.id: (r.status, r.metrics, r.parameters, r.tags) for r in after
    }


@pytest.mark.slow
def test_a_spool_that_was_sent_but_not_removed_does_not_count_twice(unsent: Store):
    with tracking.track(unsent, experiment="demand", name="mlp"):
        pass
    (spool,) = unsent.spool.glob("*.jsonl")
    text = spool.read_text()
    tracking.send(unsent)
    spool.write_text(text)
    assert tracking.send(unsent) == 0
    assert len(tracking.runs(unsent)) == 1


@pytest.mark.slow
def test_a_store_that_cannot_be_written_keeps_the_training_and_warns_the_next(unsent: Store, tmp_path: Path):
    assert unsent.file is not None
    unsent.file.write_bytes(b"no database" * 100)
    with tracking.track(unsent, experiment="demand", name="first") as first:
        pass
    assert first.findings == []
    assert sent_elsewhere(tmp_path) == 1
    with tracking.track(unsent, experiment="demand", name="second") as second:
        pass
    (finding,) = second.findings
    assert (finding.check, finding.outcome) == ("experiments.tracking", Outcome.WARN)
    assert "1 earlier trainings wait" in finding.message and "not a database" in finding.message
    unsent.file.unlink()
    assert sent_elsewhere(tmp_path) == 0
    assert {r.name for r in tracking.runs(unsent)} == {"first", "second"}
    assert list(unsent.spool.glob("*.error")) == []


def test_a_spool_that_cannot_be_written_is_a_finding(tmp_path: Path):
    (tmp_path / "tracking").write_text("a file where a folder should be")
    with tracking.track(Store.of(tmp_path), experiment="demand", name="x") as run:
        run.metrics({"loss": 1.0})
    (finding,) = run.findings
    assert finding.outcome is Outcome.WARN
    assert "this training is not tracked" in finding.message


def test_a_killed_training_is_failed(unsent: Store, tmp_path: Path):
    code = (
        "import sys, time; from pathlib import Path; from workbench import tracking\n"
        "with tracking.track(tracking.Store.of(Path(sys.argv[1])), experiment='demand', name='killed') as run:\n"
        "    run.metrics({'loss': 0.5}, step=1); print('up', flush=True); time.sleep(60)"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None and child.stdout.readline() == "up\n"
    child.send_signal(signal.SIGKILL)
    child.communicate()
    sender._close_dead(unsent)
    assert [(r.name, r.status, r.metrics) for r in tracking.runs(unsent)] == [("killed", "FAILED", {"loss": 0.5})]


def test_a_line_torn_by_a_kill_is_left_out(unsent: Store):
    with tracking.track(unsent, experiment="demand", name="torn") as run:
        run.metrics({"loss": 0.5})
    (spool,) = unsent.spool.glob("*.jsonl")
    spool.write_text(spool.read_text().rsplit("\n", 2)[0] + '\n{"metr')
    assert [(r.status, r.metrics) for r in tracking.runs(unsent)] == [("FAILED", {"loss": 0.5})]


def test_runs_that_go_on_are_left_alone(unsent: Store):
    with tracking.track(unsent, experiment="demand", name="mine") as run:
        sender._close_dead(unsent)
        assert (unsent.spool / f"{run.id}.open").exists()


@pytest.mark.slow
def test_the_sender_is_started_and_the_training_does_not_wait_for_it(tmp_path: Path):
    store = Store.of(tmp_path)
    began = time.monotonic()
    with tracking.track(store, experiment="demand", name="histgb") as run:
        pass
    assert time.monotonic() - began < 2
    assert run.findings == []
    deadline = time.monotonic() + 90
    while list(store.spool.glob("*.jsonl")) and time.monotonic() < deadline:
        time.sleep(0.2)
    (found,) = tracking.runs(store)
    assert (found.id, found.status) == (run.id, "FINISHED")
    assert store.file is not None and store.file.exists()


def test_tracking_does_not_load_mlflow(tmp_path: Path):
    code = (
        "import sys, json; from pathlib import Path; from workbench import experiments, tracking\n"
        "tracking.runs(tracking.Store.of(Path(sys.argv[1])))\n"
        "print(json.dumps(sorted({'mlflow', 'torch', 'sklearn', 'pandas', 'numpy'} & set(sys.modules))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, check=True, env=os.environ
    )
    assert json.loads(done.stdout) == []
