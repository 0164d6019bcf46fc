import base64
import json
import re
from datetime import UTC, datetime

import pytest

from tests.conftest import code, text, write_notebook
from workbench.findings import Finding, Outcome
from workbench.production.pipelines.plan import plan
from workbench.production.pipelines.report import render, write_report
from workbench.records.pipeline import PipelineRecord, Skip, Step
from workbench.records.run import Failure, Figure, RunRecord, State

DAY = datetime(2026, 1, 1, 9, 30, tzinfo=UTC)
EVIL = "<script>alert(1)</script>"
PNG = base64.b64encode(b"\x89PNG not really").decode()


HEADLINE = (Figure(name=EVIL, value=EVIL, headline=True),)


@pytest.fixture
def ran(project, template):
    """A pipeline of one step that ran: its plan, and a function that gives its record and page."""
    template("one", "x: int = 1  # a number")
    (project.root / "pipelines" / "p.toml").write_text(
        f'title = "{EVIL}"\n[steps.first]\ntemplate = "one"\ntitle = "First {EVIL}"'
    )
    planned = plan(project, "p")

    def page(state=State.DONE, findings=(), failure=None, figures=HEADLINE):
        run = RunRecord(
            run_id="r1",
            template="one",
            template_sha256="0",
            actor="ana",
            created=DAY,
            state=state,
            figures=figures,
            parameters={EVIL: EVIL},
            failure=failure,
            findings=findings,
        )
        run.write(project.runs / "r1" / "record.json")
        outputs = [{"output_type": "display_data", "data": {"image/png": PNG, "text/html": EVIL}, "metadata": {}}]
        write_notebook(
            project.runs / "r1" / "output.ipynb", text(f"Look at **this** {EVIL}."), {**code("plot()"), "outputs": outputs}
        )
        step = Step(
            name="first", template="one", run_id="r1", state=state, seconds=2.0, headline=run.headline, findings=findings
        )
        record = PipelineRecord(
            pipeline_id="p1", name="p", title=planned.title, notice=EVIL, actor=EVIL, created=DAY, state=state, steps=(step,)
        )
        return record, render(project, planned, record)

    return project, planned, page


def test_no_text_from_data_becomes_markup(ran):
    _, _, page = ran
    finding = Finding(check=EVIL, outcome=Outcome.WARN, message=EVIL, fix=EVIL)
    failure = Failure(cell=1, source=EVIL, name=EVIL, message=EVIL)
    for state, broken in ((State.DONE, None), (State.FAILED, failure)):
        _, html = page(state=state, findings=(finding,), failure=broken)
        assert "<script" not in html
        assert html.count("&lt;script&gt;") > 8


def test_the_page_holds_all_it_needs_and_fetches_nothing(ran):
    _, _, page = ran
    _, html = page()
    assert f"data:image/png;base64,{PNG}" in html
    assert re.findall(r"""(?:src|href)=["'](?!data:|#)""", html) == []
    assert "default-src 'none'" in html


def test_a_plot_is_told_by_the_sentence_before_it(ran):
    _, _, page = ran
    _, html = page()
    assert '<img src="data:image/png;base64,' + PNG + '" alt="Look at this &lt;script&gt;' in html


def test_a_picture_that_is_no_base64_is_left_out(ran):
    project, planned, page = ran
    record, _ = page()
    path = project.runs / "r1" / "output.ipynb"
    path.write_text(path.read_text().replace(PNG, 'x\\" onerror=\\"alert(1)'))
    assert "onerror" not in render(project, planned, record)


@pytest.mark.parametrize(
    ("outcome", "tone", "sentence"),
    [
        (Outcome.PASS, "good", "every figure lies where it was expected"),
        (Outcome.WARN, "fair", "the warnings below deserve a look"),
        (Outcome.FAIL, "bad", "but 1 check failed"),
    ],
)
def test_the_verdict_on_top_follows_the_worst_finding(ran, outcome, tone, sentence):
    _, _, page = ran
    _, html = page(findings=(Finding(check="c", outcome=outcome, message="m"),))
    verdict = re.search(r'<p class="verdict (\w+)">([^<]+)</p>', html)
    assert (verdict[1], sentence in verdict[2]) == (tone, True)


def test_a_failed_step_is_the_verdict(ran):
    _, _, page = ran
    _, html = page(
        state=State.FAILED, failure=Failure(cell=1, source="1/0", name="ZeroDivisionError", message="division by zero")
    )
    assert "The pipeline failed at step “first”." in html
    assert "ZeroDivisionError: division by zero" in html


@pytest.mark.parametrize(
    ("skipped", "tone", "sentence"),
    [
        (Skip.REQUIRE, "bad", "was not run, nor what comes after it: wape &lt; 47 &lt;script&gt;"),
        (Skip.WHEN, "good", "Every step that was called for ran, and every figure lies where it was expected."),
    ],
)
def test_a_skipped_step_says_why_and_only_a_shut_gate_is_bad(ran, skipped, tone, sentence):
    project, planned, _ = ran
    step = Step(name="first", template="one", skipped=skipped, reason="wape < 47 <script>")
    html = render(
        project, planned, PipelineRecord(pipeline_id="p1", name="p", actor="a", created=DAY, state=State.DONE, steps=(step,))
    )
    verdict = re.search(r'<p class="verdict (\w+)">([^<]+)</p>', html)
    assert (verdict[1], sentence in verdict[2]) == (tone, True)
    assert "Not run: wape &lt; 47 &lt;script&gt;." in html
    assert "<script" not in html


def test_an_earlier_result_is_told_as_such_with_the_day_it_was_made(ran):
    project, planned, page = ran
    record, _ = page()
    record = record.model_copy(update={"steps": (record.steps[0].model_copy(update={"reused": True}),)})
    html = render(project, planned, record)
    assert "done (earlier)" in html
    assert "an earlier run of 01 January 2026, 09:30 UTC, whose result was taken over" in html


def test_the_report_lies_in_the_project_and_with_its_pipeline(ran):
    project, planned, page = ran
    record, html = page()
    folder = project.state / "pipelines" / "p1"
    assert write_report(project, planned, record, folder) == "report.html"
    assert (project.root / "report.html").read_text() == (folder / "report.html").read_text() == html


def test_a_step_that_never_ran_is_named_without_figures(project, template, ran):
    _, planned, _ = ran
    step = Step(name="first", template="one")
    record = PipelineRecord(pipeline_id="p1", name="p", actor="ana", created=DAY, state=State.CANCELLED, steps=(step,))
    assert "queued" in render(project, planned, record)
    json.dumps(record.model_dump(mode="json"))
