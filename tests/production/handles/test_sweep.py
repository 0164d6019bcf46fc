"""A sweep that nobody works on, and one that another process drives."""

import pytest

from workbench import production
from workbench.errors import BadInput
from workbench.production.handles.sweep import SweepHandle
from workbench.production.notebook import read_notebook
from workbench.production.sweeps.design import Axis, Design
from workbench.production.sweeps.make import make_sweep
from workbench.production.sweeps.spec import Goal
from workbench.records.run import State


def a_sweep(project, template, goal=None):
    path = template("train", "weeks: int = 8\nseed: int = 0", "pass")
    design = Design(form="grid", axes=(Axis(name="weeks", values=(4, 8)),), count=2)
    folder = make_sweep(project, "train", read_notebook(path), design, [], workers=1, goal=goal)
    return SweepHandle(project, folder.path.name)


def test_points_that_nobody_has_run_are_rows_too(project, template):
    sweep = a_sweep(project, template)
    frame = sweep.frame()
    assert frame[["weeks", "state", "run"]].values.tolist() == [[4, "queued", ""], [8, "queued", ""]]
    assert sweep.state is State.QUEUED
    assert f"workbench production resume {sweep.id}" in sweep._repr_html_()


@pytest.mark.slow
def test_a_sweep_that_was_broken_off_goes_on(project, template):
    sweep = a_sweep(project, template)
    assert production.resume(sweep.id[-8:], project=project).frame()["state"].tolist() == ["done", "done"]
    assert (sweep.state, sweep.wait().frame()["run"].nunique()) == (State.DONE, 2)


@pytest.mark.parametrize(
    ("goal", "why"),
    [
        (None, "nothing says what is better"),
        (Goal(figure="wape", direction="minimize"), "no run of it is done and has the figure 'wape'"),
    ],
)
def test_a_sweep_without_a_best_run_says_why(project, template, goal, why):
    with pytest.raises(BadInput) as caught:
        _ = a_sweep(project, template, goal).best
    assert caught.value.why == why
