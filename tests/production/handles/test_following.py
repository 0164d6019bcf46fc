import pytest

from workbench.production.handles.following import SHOWN, Progress, span

RUN = "20261122T120000Z-train-0000000{}"


def told(progress):
    """The bars without the time that has passed."""
    return [(bar.label, bar.done, bar.total, bar.told.replace(", 0 s", "")) for bar in progress.bars()]


def hear(progress, *events):
    return [progress.hear(event) for event in events]


def run(n, state, **more):
    return {"event": "run", "run": RUN.format(n), "state": state, **more}


def cell(n, done, total=5):
    return {"event": "cell", "run": RUN.format(n), "done": done, "total": total, "index": 0, "state": "done"}


def position(n, state, **more):
    return {"event": "position", "sweep": "s", "position": n, "run": RUN.format(n), "state": state, **more}


SWEEP = {"event": "sweep", "sweep": "s", "state": "running", "total": 20}


def test_a_run_is_one_bar_by_its_cells():
    progress = Progress()
    lines = hear(progress, run(1, "queued"))
    assert told(progress) == [("train", 0, 0, "starting")]
    lines += hear(progress, run(1, "running", total=5), cell(1, 3))
    assert told(progress) == [("train", 3, 5, "3 of 5 cells")]
    lines += hear(progress, run(1, "done"))
    assert told(progress) == []
    assert lines == ["", f"train: running  {RUN.format(1)}", "", f"train: done  {RUN.format(1)}"]


def test_a_sweep_is_a_bar_of_counts_and_one_for_each_run_on_its_way():
    progress = Progress()
    lines = hear(
        progress,
        SWEEP,
        position(0, "running", label="#0 family = mlp"),
        run(0, "running", total=5),
        cell(0, 2),
        position(1, "cached"),
        position(2, "running"),
        run(2, "running", total=5),
        run(2, "failed"),
        position(2, "failed"),
    )
    assert told(progress) == [
        ("all runs", 2, 20, "2 of 20: 1 cached, 1 failed, 1 running"),
        ("#0 family = mlp", 2, 5, "2 of 5 cells"),
    ]
    assert [line for line in lines if line] == [
        "sweep s: 20 runs",
        f"#1: cached  {RUN.format(1)}",
        f"#2: failed  {RUN.format(2)}",
    ]


def test_a_run_that_is_tried_again_has_not_ended():
    progress = Progress()
    hear(progress, SWEEP, position(0, "running"), position(0, "retry"), position(0, "running"), position(0, "done"))
    assert told(progress) == [("all runs", 1, 20, "1 of 20: 1 done")]


def test_at_most_eight_runs_are_shown_and_the_others_counted():
    progress = Progress()
    hear(progress, SWEEP, *(position(n, "running") for n in range(9)), position(9, "running"))
    bars = told(progress)
    assert (len(bars), SHOWN) == (10, 8)
    assert bars[-1] == ("", 0, 0, "and 2 more")


def test_a_pipeline_is_a_bar_of_steps_and_its_runs_are_called_by_their_step():
    progress = Progress()
    hear(progress, {"event": "pipeline", "title": "Retail", "steps": ["features", "tune", "score"]})
    hear(progress, {"event": "step", "step": "features", "state": "reused"})
    hear(progress, {"event": "step", "step": "tune", "state": "running", "sweep": "s"}, SWEEP, position(0, "running"))
    assert told(progress) == [
        ("all steps", 1, 3, "1 of 3"),
        ("tune", 0, 20, "0 of 20: 1 running"),
        ("#0", 0, 0, "starting"),
    ]
    hear(progress, position(0, "done"), {"event": "step", "step": "tune", "state": "done"})
    hear(progress, {"event": "step", "step": "score", "state": "running", "run": RUN.format(7)}, run(7, "running", total=4))
    assert told(progress) == [("all steps", 2, 3, "2 of 3"), ("score", 0, 4, "0 of 4 cells")]


def test_a_sweep_that_is_driven_elsewhere_is_told_by_its_tally():
    progress = Progress()
    hear(progress, SWEEP, {"event": "tally", "sweep": "s", "states": {"done": 4, "running": 2, "queued": 14}})
    assert told(progress) == [("all runs", 4, 20, "4 of 20: 4 done")]


def test_an_event_of_a_later_version_is_left_alone():
    assert hear(Progress(), {"event": "weather"}, {"event": "position"}) == ["", ""]


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"), (7620, "2 h 07 min")]
)
def test_time_is_told_as_a_person_tells_it(seconds, shown):
    assert span(seconds) == shown
