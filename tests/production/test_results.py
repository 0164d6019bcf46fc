import json

import pytest

from workbench.errors import BadInput
from workbench.findings import Finding, Outcome
from workbench.production import artifact, folder, record
from workbench.production.results import MIME, collect
from workbench.records.run import Figure


def cell(*declared):
    return {"outputs": [{"output_type": "display_data", "data": {MIME: d, "text/plain": ""}} for d in declared]}


def test_declarations_are_collected_from_outputs_and_the_later_of_a_name_counts():
    first = {"kind": "figure", "name": "wape", "value": 50.0, "unit": "%", "label": "", "headline": True}
    found = {"kind": "finding", **Finding(check="c", outcome=Outcome.INFO, message="m").model_dump(mode="json")}
    figures, artifacts, findings = collect([cell(first), cell({**first, "value": 45.9}, found), {"cell_type": "markdown"}])
    assert figures == (Figure(name="wape", value=45.9, unit="%", headline=True),)
    assert (artifacts, [f.message for f in findings]) == ((), ["m"])


def test_outside_a_notebook_a_declaration_is_printed(capsys):
    record("wape", 45.9, unit="%")
    assert capsys.readouterr().out == "wape: 45.9 %\n"


def test_an_artifact_must_lie_in_the_runs_folder_and_exist(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_RUN_FOLDER", str(tmp_path / "run"))
    (tmp_path / "x").write_text("x")
    with pytest.raises(BadInput, match="lies outside its run"):
        artifact("x", tmp_path / "x")
    with pytest.raises(BadInput, match="no artifact 'y'"):
        artifact("y", folder() / "y")
    (folder() / "z").write_text("z")
    assert artifact("z", folder() / "z") == tmp_path / "run" / "z"


def test_a_foreign_mime_bundle_as_text_is_read_too():
    figure = {"kind": "figure", "name": "n", "value": 1, "unit": "", "label": "", "headline": False}
    assert collect([cell(json.dumps(figure))])[0][0].value == 1
