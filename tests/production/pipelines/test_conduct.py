"""The conductor of a pipeline, with an executor whose runs end when the test says so: what runs beside what, and what not."""

import threading
import time
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from workbench.errors import BadInput, MachineError, UnknownName, WorkbenchError
from workbench.findings import Finding, Outcome
from workbench.production.interface import Executor, RunRef
from workbench.production.pipelines.conduct import Conductor
from workbench.production.pipelines.plan import plan
from workbench.project import look
from workbench.records.files import sha256_file
from workbench.records.pipeline import PipelineRecord, Skip, Step
from workbench.records.run import Artifact, Failure, Figure, RunRecord, State

LONG_S = 20.0  # until a test that waits in vain fails
FAILURE = Failure(cell=1, source="1/0", name="ZeroDivisionError", message="division by zero")


class Held(Executor):
    """Runs that go on until `end`. They are called by their parameter `name`, and by it and `n` in a sweep."""

    def __init__(self, project):
        self.project, self.changed = project, threading.Condition()
        self.held, self.most, self.taken, self.asked_to_stop = {}, 0, [], []

    def submit(self, spec):
        folder = self.project.runs / spec.run_id
        record = RunRecord.load(folder / "record.json")
        future = Future()
        with self.changed:
            self.held[_called(record)] = (future, folder, record)
            self.taken.append(record)
            self.most = max(self.most, len(self.held))
            self.changed.notify_all()
        return future

    def wait_for(self, *names):
        """Until exactly these are held."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.held.keys() == set(names), LONG_S), (names, list(self.held))

    def end(self, name, state=State.DONE, *, findings=(), error=None, **figures):
        with self.changed:
            future, folder, record = self.held.pop(name)
        if error is not None:
            future.set_exception(error)
            return
        (folder / "out.txt").write_text(name)
        changes = {
            "state": state,
            "finished": datetime.now(UTC),
            "failure": FAILURE if state is State.FAILED else None,
            "figures": tuple(Figure(name=n, value=v, headline=i == 0) for i, (n, v) in enumerate(figures.items())),
            "artifacts": (Artifact(name="out", path="out.txt", sha256=sha256_file(folder / "out.txt"), size_bytes=1),),
            "findings": findings,
        }
        record.model_copy(update=changes).write(folder / "record.json")
        future.set_result(RunRef(run_id=record.run_id, state=state))

    def end_all(self):
        for name in list(self.held):
            self.end(name, State.FAILED)

    def cancel(self, run_id):
        self.asked_to_stop.append(run_id)
        for name in [name for name, (_, folder, _) in self.held.items() if folder.name == run_id]:
            self.end(name, State.CANCELLED)

    def shutdown(self, wait=True, *, cancel_futures=False):
        pass


def _called(record):
    return record.parameters["name"] + (f" {record.parameters['n']}" if record.sweep else "")


@pytest.fixture
def conduct(project, template):
    """`conduct(text)` starts to conduct a pipeline in a thread; `.ended()` waits for its end and gives its steps by name."""
    template(
        "t", "from pathlib import Path\nname: str = None  # its own\nn: int = 0  # a number\nfile: Path | None = None  # read"
    )
    template("many", "from pathlib import Path\nname: str = None  # its own\nfiles: list[Path] = []  # all read")
    begun = []

    def begin(text, *, listener=project.listener, **asked):
        (project.root / "pipelines" / "p.toml").write_text(text)
        conducted = Conducted(replace(project, listener=listener), **asked)
        begun.append(conducted)
        return conducted

    yield begin
    for conducted in begun:
        while conducted.thread.is_alive():  # of a test that failed
            conducted.executor.end_all()
            conducted.thread.join(0.1)


class Conducted:
    def __init__(self, project, *, workers=2, fresh=False):
        planned = plan(project, "p")
        steps = tuple(Step(name=s.name, template=s.spec.template) for s in planned.steps)
        record = PipelineRecord(pipeline_id="p1", name="p", actor="ana", created=datetime.now(UTC), steps=steps)
        self.executor, self.path = Held(project), project.state / "pipelines" / "p1" / "record.json"
        self.raised = None
        self.conductor = Conductor(project, planned, record, self.path, self.executor, workers=workers, fresh=fresh)
        self.thread = threading.Thread(target=self._conduct)
        self.thread.start()

    def _conduct(self):
        try:
            self.conductor.conduct()
        except (WorkbenchError, KeyboardInterrupt) as error:
            self.raised = error

    def ended(self):
        self.thread.join(LONG_S)
        assert not self.thread.is_alive()
        if self.raised:
            raise self.raised
        assert PipelineRecord.load(self.path).steps == self.conductor.record.steps
        return {step.name: step for step in self.conductor.record.steps}


def step(name, *lines):
    return "\n".join([f"[steps.{name}]", 'template = "t"', f'parameters.name = "{name}"', *lines, ""])


def test_what_does_not_need_each_other_runs_side_by_side_and_no_more_than_there_are_workers(conduct):
    run = conduct(step("a") + step("b") + step("c") + step("last", 'after = ["a", "c"]'))
    run.executor.wait_for("a", "b")
    run.executor.end("b")
    run.executor.wait_for("a", "c")
    run.executor.end("c")
    run.executor.wait_for("a")
    run.executor.end("a")
    run.executor.wait_for("last")
    run.executor.end("last")
    assert {s.state for s in run.ended().values()} == {State.DONE}
    assert run.executor.most == 2


def test_the_order_of_the_file_decides_among_those_that_are_ready(conduct):
    run = conduct(step("late", 'after = ["first"]') + step("first") + step("second"), workers=1)
    for name in ("first", "late", "second"):
        run.executor.wait_for(name)
        run.executor.end(name)
    assert {s.state for s in run.ended().values()} == {State.DONE}


def test_a_failure_starts_nothing_more_and_lets_the_others_end(conduct):
    run = conduct(step("bad") + step("good") + step("next") + step("after", 'after = ["good"]'))
    run.executor.wait_for("bad", "good")
    run.executor.end("bad", State.FAILED)
    time.sleep(0.2)
    run.executor.end("good", wape=4.0)
    steps = run.ended()
    assert {n: s.state.value for n, s in steps.items()} == {
        "bad": "failed",
        "good": "done",
        "next": "queued",
        "after": "queued",
    }
    assert (run.conductor.state, run.conductor.record.failure) == (State.FAILED, FAILURE)
    assert steps["good"].headline.value == 4.0


def test_a_step_that_wants_to_be_alone_has_nobody_beside_it_and_is_not_passed_by(conduct):
    run = conduct(step("a") + step("big", "alone = true") + step("c"))
    run.executor.wait_for("a")  # c could run, but then big might wait for ever
    run.executor.end("a")
    run.executor.wait_for("big")
    run.executor.end("big")
    run.executor.wait_for("c")
    run.executor.end("c")
    run.ended()
    assert run.executor.most == 1


def test_a_step_that_cannot_be_run_is_told_once_the_others_have_ended(conduct):
    run = conduct(step("a") + step("slow") + step("takes", 'inputs.file = "a.nothing"'))
    run.executor.wait_for("a", "slow")
    run.executor.end("a")
    time.sleep(0.2)
    assert run.thread.is_alive()
    run.executor.end("slow")
    with pytest.raises(UnknownName, match="no artifact of step 'a' named 'nothing'"):
        run.ended()
    assert [s.state.value for s in run.conductor.record.steps] == ["done", "done", "failed"]


def test_a_machine_that_fails_a_run_fails_its_step(conduct):
    run = conduct(step("a"))
    run.executor.wait_for("a")
    run.executor.end("a", error=MachineError("no room", why="disk", fix="mend"))
    with pytest.raises(MachineError, match="no room"):
        run.ended()
    assert run.conductor.record.steps[0].state is State.FAILED


def test_ctrl_c_stops_what_is_on_its_way(conduct, project):
    def pressed(event):
        if event["event"] == "step" and event["step"] == "late" and event["state"] == "running":
            raise KeyboardInterrupt

    steps = step("a") + step("s", *SWEEP) + step("late", 'after = ["b"]') + step("b")
    run = conduct(steps, workers=3, listener=pressed)
    run.executor.wait_for("a", "s 1", "b")
    run.executor.end("b")
    with pytest.raises(KeyboardInterrupt):
        run.ended()
    states = {s.name: s.state.value for s in run.conductor.record.steps}
    assert states == {"a": "cancelled", "s": "cancelled", "b": "done", "late": "running"}
    assert {look(project.runs / record.run_id).state.value for record in run.executor.taken} == {"cancelled", "done"}


# -- gates -------------------------------------------------------------------------------------------------------------


def gated(conduct, *lines, **figures):
    """Steps a → b (gated) → c, and d which only comes after b."""
    run = conduct(
        step("a") + step("b", *lines) + step("c", 'inputs.file = "b.out"') + step("d", 'after = ["b"]'),
    )
    run.executor.wait_for("a")
    run.executor.end("a", **figures)
    return run


def test_a_require_that_holds_is_a_finding_that_passes(conduct):
    run = gated(conduct, "require = ['a.wape < 47', 'a has no fail']", wape=45.0)
    run.executor.wait_for("b")
    run.executor.end("b")
    run.executor.wait_for("c", "d")
    run.executor.end("c")
    run.executor.end("d")
    b = run.ended()["b"]
    assert [(f.check, f.outcome, f.message) for f in b.findings] == [
        ("b.require", Outcome.PASS, "a.wape < 47: a.wape is 45"),
        ("b.require", Outcome.PASS, "a has no fail: none of its 0 findings does"),
    ]


def test_behind_a_require_that_does_not_hold_nothing_runs_and_a_finding_fails(conduct):
    run = gated(conduct, "require = ['a.wape < 47']", wape=48.5)
    steps = run.ended()
    assert run.conductor.state is State.DONE  # no run has failed: a check has
    assert {n: (s.skipped, s.reason) for n, s in steps.items()} == {
        "a": (None, ""),
        "b": (Skip.REQUIRE, "a.wape < 47 does not hold: a.wape is 48.5"),
        "c": (Skip.REQUIRE, "it needs 'b', which was skipped"),
        "d": (Skip.REQUIRE, "it needs 'b', which was skipped"),
    }
    assert [(f.check, f.outcome) for f in run.conductor.record.findings] == [("b.require", Outcome.FAIL)]


def test_a_step_that_is_not_called_for_is_skipped_with_what_takes_from_it_but_not_what_comes_after(conduct):
    run = gated(conduct, "when = ['a.wape > 47']", wape=45.0)
    run.executor.wait_for("d")
    run.executor.end("d")
    steps = run.ended()
    assert {n: s.skipped for n, s in steps.items()} == {"a": None, "b": Skip.WHEN, "c": Skip.WHEN, "d": None}
    assert (run.conductor.state, run.conductor.record.findings) == (State.DONE, ())


def test_a_finding_closes_a_gate(conduct):
    run = conduct(step("a") + step("b", "require = ['a has no warn']"))
    run.executor.wait_for("a")
    run.executor.end("a", findings=(Finding(check="drift", outcome=Outcome.WARN, message="moved"),))
    assert run.ended()["b"].reason == "a has no warn does not hold: a has drift: moved"


def test_a_figure_out_of_its_expected_range_closes_a_gate_too(conduct):
    run = conduct(step("a", "expect.wape = { min = 1, max = 2 }") + step("b", "require = ['a has no fail']"))
    run.executor.wait_for("a")
    run.executor.end("a", wape=3.0)
    assert run.ended()["b"].skipped is Skip.REQUIRE


def test_a_condition_on_a_figure_that_is_not_there_fails_the_pipeline(conduct):
    run = gated(conduct, "when = ['a.wap < 47']", wape=45.0)
    with pytest.raises(UnknownName, match="did you mean 'wape'"):
        run.ended()


def test_a_condition_that_compares_unlike_things_fails_the_pipeline(conduct):
    run = gated(conduct, "require = ['a.wape < 47']", wape="low")
    with pytest.raises(BadInput, match="compares nothing"):
        run.ended()


# -- sweeps ------------------------------------------------------------------------------------------------------------

SWEEP = ("sweep.grid.n = [1, 2, 3]", 'sweep.minimize = "loss"')


def swept(conduct, *lines, workers=3, more=""):
    run = conduct(step("s", *lines) + more, workers=workers)
    run.executor.wait_for("s 1", "s 2", "s 3")
    return run


def test_the_best_run_of_a_sweep_is_the_step(conduct, project):
    run = swept(conduct, *SWEEP, more=step("takes", 'inputs.file = "s.best.out"', "require = ['s.loss < 3']"))
    for n, loss in ((1, 5.0), (2, 2.0), (3, 4.0)):
        run.executor.end(f"s {n}", loss=loss)
    run.executor.wait_for("takes")
    (*_, taken) = run.executor.taken
    assert (project.root / taken.parameters["file"]).read_text() == "s 2"
    run.executor.end("takes")
    s = run.ended()["s"]
    assert (s.state, s.headline.value) == (State.DONE, 2.0)
    assert RunRecord.load(project.runs / s.run_id / "record.json").sweep == s.sweep
    assert (project.state / "sweeps" / s.sweep / "results.csv").exists()


def test_all_runs_of_a_sweep_go_into_a_list_in_the_order_of_the_points(conduct, project):
    many = '[steps.all]\ntemplate = "many"\nparameters.name = "all"\ninputs.files = "s.all.out"\n'
    run = swept(conduct, "sweep.grid.n = [1, 2, 3]", more=many)
    for n in (3, 1, 2):
        run.executor.end(f"s {n}")
    run.executor.wait_for("all")
    (*_, taken) = run.executor.taken
    assert [(project.root / path).read_text() for path in taken.parameters["files"]] == ["s 1", "s 2", "s 3"]
    run.executor.end("all")
    assert run.ended()["s"].run_id == ""


def test_a_sweep_takes_the_workers_that_nobody_else_uses(conduct):
    run = conduct(step("a") + step("s", *SWEEP) + step("b", 'after = ["a"]'), workers=3)
    run.executor.wait_for("a", "s 1", "s 2")
    run.executor.end("a")
    run.executor.wait_for("b", "s 1", "s 2")
    run.executor.end("b")
    run.executor.wait_for("s 1", "s 2", "s 3")
    for n in (1, 2, 3):
        run.executor.end(f"s {n}", loss=float(n))
    assert run.ended()["s"].state is State.DONE
    assert run.executor.most == 3


def test_one_failed_run_fails_the_sweep(conduct):
    run = swept(conduct, *SWEEP)
    run.executor.end("s 1", State.FAILED)
    for n in (2, 3):
        run.executor.end(f"s {n}", loss=float(n))
    assert run.ended()["s"].state is State.FAILED
    assert (run.conductor.state, run.conductor.record.failure) == (State.FAILED, FAILURE)


def test_where_failures_are_allowed_a_sweep_is_done_with_a_warning(conduct):
    run = swept(conduct, *SWEEP, "sweep.allow_failures = true")
    run.executor.end("s 1", State.FAILED)
    for n in (2, 3):
        run.executor.end(f"s {n}", loss=float(n))
    s = run.ended()["s"]
    assert (s.state, s.headline.value) == (State.DONE, 2.0)
    assert [(f.outcome, f.message) for f in s.findings] == [(Outcome.WARN, "1 of 3 runs failed: ZeroDivisionError")]


def test_where_failures_are_allowed_one_run_must_be_done_all_the_same(conduct):
    run = swept(conduct, *SWEEP, "sweep.allow_failures = true")
    for n in (1, 2, 3):
        run.executor.end(f"s {n}", State.FAILED)
    assert run.ended()["s"].state is State.FAILED


def test_a_sweep_whose_goal_no_run_has_fails(conduct):
    run = swept(conduct, *SWEEP)
    for n in (1, 2, 3):
        run.executor.end(f"s {n}", wape=1.0)
    assert run.ended()["s"].state is State.FAILED
    assert "no run of the sweep gave 'loss'" in run.conductor.record.failure.message


def test_a_failure_elsewhere_lets_the_runs_of_a_sweep_end_and_starts_no_more_of_them(conduct):
    run = conduct(step("s", *SWEEP) + step("bad"), workers=2)
    run.executor.wait_for("s 1", "bad")
    run.executor.end("bad", State.FAILED)
    time.sleep(0.2)
    run.executor.end("s 1", loss=1.0)
    steps = run.ended()
    assert (steps["s"].state, steps["bad"].state, run.conductor.state) == (State.CANCELLED, State.FAILED, State.FAILED)
    assert len(run.executor.taken) == 2
