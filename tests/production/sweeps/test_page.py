"""The page of a sweep: whatever runs and parameters are called, it is text; and the best run is told."""

from datetime import UTC, datetime

from workbench.production.sweeps.design import Axis, Design
from workbench.production.sweeps.page import page
from workbench.production.sweeps.result import Row, SweepReport
from workbench.production.sweeps.spec import Goal, Sweep
from workbench.records.run import Figure, State

EVIL = "--><script>alert(1)</script>"
DESIGN = Design(form="grid", axes=(Axis(name="family", values=("a", EVIL)), Axis(name="depth", values=(1, 2))), count=4)


def drawn(*rows, best=""):
    spec = Sweep(
        sweep_id="20261122T120000Z-t-00000000",
        template=EVIL,
        template_sha256="c",
        design=DESIGN,
        workers=2,
        goal=Goal(figure="score", direction="minimize"),
        actor=EVIL,
        created=datetime(2026, 11, 22, tzinfo=UTC),
    )
    found = SweepReport(
        sweep_id=spec.sweep_id,
        template="t",
        state=State.FAILED,
        states={"done": 2},
        goal=spec.goal,
        best=best,
        names=DESIGN.names,
    )
    return page(spec, found, rows)


def row(position, family, score, state=State.DONE, **more):
    figures = (Figure(name="score", value=score, unit="%", headline=True), Figure(name=EVIL, value=EVIL))
    point = {"family": family, "depth": position}
    return Row(position=position, point=point, state=state, run_id=f"run-{position}", figures=figures, **more)


def test_names_and_values_of_people_stay_text():
    html = drawn(row(0, EVIL, 2.0), row(1, "a", 1.0, problem=EVIL, state=State.FAILED), best="run-0")
    assert "<script" not in html
    assert html.count("&lt;script&gt;") >= 5
    assert "http://" not in html.replace("http://www.w3.org", "").replace("http://purl.org", "").replace(
        "http://creativecommons", ""
    )


def test_the_best_run_and_a_plot_for_each_parameter_are_there():
    html = drawn(row(0, "a", 2.0), row(1, "b", 1.0), best="run-1")
    assert html.count("<svg") == 2
    assert '<tr class="best"><td>1</td>' in html
    assert "minimize score" in html


def test_without_a_finished_run_there_is_no_plot_and_no_best():
    html = drawn(row(0, "a", 2.0, state=State.FAILED))
    assert ("<svg" in html, "Best run" in html) == (False, False)
