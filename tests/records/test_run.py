import json
from datetime import UTC, datetime

import pytest

from workbench.records.pipeline import PipelineRecord, Skip, Step
from workbench.records.run import Failure, Figure, RunRecord, State

START = datetime(2026, 1, 1, tzinfo=UTC)


def run(**changes):
    return RunRecord(run_id="r", template="t", template_sha256="0", actor="ana", created=START, **changes)


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (45.9123, "%", "45.91 %"),
        (1469307, "rows", "1,469,307 rows"),
        (132919.4, "", "132,919"),
        ("model", "", "model"),
        (True, "", "True"),
        (None, "", "None"),
    ],
)
def test_a_figure_reads_as_a_person_writes_it(value, unit, shown):
    assert Figure(name="f", value=value, unit=unit).shown() == shown


def test_only_ended_states_are_ended():
    assert {s for s in State if not s.ended} == {State.QUEUED, State.RUNNING}


def test_a_failed_run_shows_the_cell_and_its_traceback():
    failure = Failure(cell=3, source="1/0", name="ZeroDivisionError", message="division by zero", traceback=("line", "boom"))
    text = run(state=State.FAILED, failure=failure).view().text
    assert text == "cell 3 failed\n\n    1/0\n\nline\nboom"


def test_a_run_lasts_from_its_start_to_its_end():
    assert run(started=START, finished=START.replace(second=9)).wall_s == 9
    assert run(started=START).wall_s is None


def test_a_failed_pipeline_says_how_to_go_on():
    steps = (Step(name="a", template="t", state=State.DONE), Step(name="b", template="t", state=State.FAILED))
    record = PipelineRecord(pipeline_id="p", name="weekly", actor="ana", created=START, steps=steps, state=State.FAILED)
    assert record.view().next == ("workbench production pipeline weekly --from b",)


def test_a_pipeline_goes_on_from_the_first_step_without_a_result_which_need_not_be_the_one_that_failed():
    steps = (
        Step(name="a", template="t", state=State.DONE),
        Step(name="not called for", template="t", skipped=Skip.WHEN),
        Step(name="b", template="t"),
        Step(name="c", template="t", state=State.FAILED),
    )
    record = PipelineRecord(pipeline_id="p", name="weekly", actor="ana", created=START, steps=steps, state=State.FAILED)
    assert record.view().next == ("workbench production pipeline weekly --from b",)
    assert record.model_copy(update={"state": State.DONE}).view().next == ()


def test_a_pipeline_record_of_before_is_read(tmp_path):
    record = PipelineRecord(pipeline_id="p", name="weekly", actor="ana", created=START, steps=(Step(name="a", template="t"),))
    data = json.loads(record.dump()) | {"version": 1}
    data["steps"] = [{"name": "a", "template": "t", "state": "done", "reused": True}]
    (tmp_path / "record.json").write_text(json.dumps(data))
    assert PipelineRecord.load(tmp_path / "record.json").steps[0].status == "done (earlier)"
