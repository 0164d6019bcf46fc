from datetime import UTC, datetime

import pandas as pd

from workbench.production.handles.frames import runs_frame, steps_frame, sweep_frame
from workbench.production.sweeps.result import Row
from workbench.records.pipeline import Step
from workbench.records.run import Figure, RunRecord, State

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def row(position, state=State.DONE, point=None, **figures):
    point = {"weeks": position} if point is None else point
    found = tuple(Figure(name=n, value=v) for n, v in figures.items())
    return Row(position=position, point=point, state=state, run_id=f"run-{position}", seconds=1.5, figures=found)


def record(run_id, parameters, **figures):
    return RunRecord(
        run_id=run_id,
        template="train",
        template_sha256="0" * 64,
        actor="ana",
        created=NOON,
        parameters=parameters,
        figures=tuple(Figure(name=n, value=v) for n, v in figures.items()),
    )


def test_a_sweep_is_a_row_a_point_with_what_varies_first():
    frame = sweep_frame([row(0, wape=2.5), row(1, State.FAILED)])
    assert list(frame.columns) == ["weeks", "wape", "state", "cached", "attempts", "seconds", "problem", "run"]
    assert frame.index.name == "position"
    assert frame["state"].tolist() == ["done", "failed"]
    assert frame["wape"].isna().tolist() == [False, True]
    assert frame.query("wape < 3").index.tolist() == [0]


def test_two_things_of_one_name_stay_two_columns():
    frame = sweep_frame([row(0, point={"state": "CA", "weeks": 4}, weeks=9, seconds=3)])
    assert list(frame.columns)[:4] == ["parameter.state", "weeks", "figure.weeks", "figure.seconds"]
    assert frame.iloc[0].tolist()[:5] == ["CA", 4, 9, 3, "done"]


def test_runs_of_several_templates_share_one_table():
    frame = runs_frame([record("b", {"weeks": 4}, wape=2.5), record("a", {"family": "mlp"})])
    assert list(frame.columns) == ["run", "template", "state", "created", "seconds", "weeks", "family", "wape"]
    assert frame["created"].dt.tz is not None
    assert frame["weeks"].isna().tolist() == [False, True]


def test_no_runs_are_an_empty_table_with_its_columns():
    assert list(runs_frame([]).columns) == ["run", "template", "state", "created", "seconds"]
    assert len(sweep_frame([])) == 0


def test_steps_tell_their_headline():
    steps = [
        Step(
            name="train", template="train", run_id="r", state=State.DONE, seconds=2.0, headline=Figure(name="wape", value=3.5)
        ),
        Step(name="score", template="score"),
    ]
    frame = steps_frame(steps)
    assert frame["status"].tolist() == ["done", "queued"]
    assert (frame.loc[0, "figure"], frame.loc[0, "value"]) == ("wape", 3.5)
    assert pd.isna(frame.loc[1, "value"])
