import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.findings import Outcome
from workbench.production.results import MIME, collect
from workbench.production.scraps import GLUED, RECORDED, scraps
from workbench.records.run import Figure


def glued(name, data, encoder="json"):
    """An output as `sb.glue(name, data)` of scrapbook 0.5 leaves it."""
    payload = {"name": name, "data": data, "encoder": encoder, "version": 1}
    metadata = {"scrapbook": {"name": name, "data": True, "display": False}}
    return {"output_type": "display_data", "data": {f"{GLUED}{encoder}+json": payload}, "metadata": metadata}


def recorded(**values):
    """An output as `papermill.record` of papermill 0.x left it."""
    return {"output_type": "display_data", "data": {RECORDED: values}, "metadata": {}}


def test_numbers_booleans_and_words_become_figures_and_the_later_of_a_name_counts():
    outputs = [glued("wape", 50.0), glued("rows", 12), glued("ok", True), glued("winner", "mlp", "text"), glued("wape", 45.4)]
    figures, findings = scraps([*outputs, recorded(old=7)])
    assert {name: figure.value for name, figure in figures.items()} == {
        "wape": 45.4,
        "rows": 12,
        "ok": True,
        "winner": "mlp",
        "old": 7,
    }
    assert [type(figures[name].value) for name in ("wape", "rows", "ok")] == [float, int, bool]
    assert findings == []


def test_what_is_no_figure_stays_in_the_notebook_and_is_named():
    outputs = [
        glued("rows", [1, 2]),
        glued("map", {"a": 1}),
        glued("frame", "UEFSMQ==", "pandas"),
        glued("text", "x" * 500, "text"),
    ]
    figures, (finding,) = scraps(outputs)
    assert figures == {}
    assert (finding.outcome, finding.message.rpartition(": ")[2]) == (Outcome.INFO, "rows, map, frame, text")


def test_a_scrap_that_is_no_number_has_no_value():
    assert scraps([glued("wape", math.nan)])[0]["wape"].value is None


@pytest.mark.parametrize(
    "data",
    [
        {GLUED + "json+json": "not json"},
        {GLUED + "json+json": {"name": 1, "data": 2, "encoder": "json"}},
        {GLUED + "json+json": {"name": "", "data": 2, "encoder": "json"}},
        {GLUED + "json+json": {"data": 2}},
        {GLUED + "text+json": {"name": "a", "data": 2, "encoder": "text"}},
        {RECORDED: [1]},
        {RECORDED: {}},
    ],
)
def test_a_foreign_output_in_another_form_is_a_warning(data):
    figures, (finding,) = scraps([{"data": data}])
    assert (figures, finding.outcome) == ({}, Outcome.WARN)
    assert next(iter(data)) in finding.message


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(), lambda v: st.lists(v) | st.dictionaries(st.text(), v)
)


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["data", "metadata"]),
            st.dictionaries(st.sampled_from([GLUED + "json+json", RECORDED]), anything) | anything,
        )
    )
)
def test_no_foreign_output_breaks_a_run(outputs):
    figures, findings = scraps(outputs)
    json.dumps([figure.model_dump(mode="json") for figure in figures.values()], allow_nan=False)
    assert {finding.outcome for finding in findings} <= {Outcome.INFO, Outcome.WARN}


def test_of_one_name_in_both_ours_counts():
    ours = {"kind": "figure", "name": "wape", "value": 45.4, "unit": "%", "label": "", "headline": True}
    cell = {"outputs": [{"data": {MIME: ours}}, glued("wape", 1), glued("rows", 3)]}
    assert collect([cell])[0] == (Figure(name="wape", value=45.4, unit="%", headline=True), Figure(name="rows", value=3))
