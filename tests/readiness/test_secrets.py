import json

import pytest

from tests.readiness.test_patterns import AWS, KEY
from workbench.readiness.checks.secrets import Secrets, files
from workbench.readiness.runner import measure
from workbench.records.scorecard import Level


def put(project, path, text):
    (project.root / path).parent.mkdir(parents=True, exist_ok=True)
    (project.root / path).write_text(text)


def test_a_new_project_holds_none(project):
    result = measure(project, Secrets())
    assert (result.level, result.reason) == (Level.READY, "none found in 3 files")


def test_a_certain_one_blocks_and_is_named_by_place_alone(project):
    put(project, "notes/keys.txt", "\n" + KEY)
    result = measure(project, Secrets())
    assert result.blocks
    assert result.reason == "1 certain, 0 probable: notes/keys.txt:2 private key"
    assert "MIIE" not in result.model_dump_json()


def test_a_probable_one_wants_a_look(project):
    put(project, "a.env", AWS)
    result = measure(project, Secrets())
    assert (result.level, result.reason) == (Level.IMPROVE, "0 certain, 1 probable: a.env:1 AWS access key")


@pytest.mark.parametrize("path", ["work.ipynb", ".workbench/runs/r1/output.ipynb"])
def test_notebook_outputs_are_read_those_of_runs_as_well(project, path):
    put(project, path, json.dumps({"cells": [{"outputs": [{"text": KEY}]}]}))
    assert measure(project, Secrets()).evidence["places"] == [f"{path}:1 private key"]


@pytest.mark.parametrize("path", [".git/config", "node_modules/x/key.pem", "env/lib/key.pem"])
def test_other_people_s_code_is_not_read(project, path):
    put(project, "env/pyvenv.cfg", "home = /usr\n")
    put(project, path, KEY)
    assert measure(project, Secrets()).level is Level.READY


def test_binary_files_and_links_are_not_read(project, tmp_path):
    (tmp_path / "outside.txt").write_text(KEY)
    (project.root / "link.txt").symlink_to(tmp_path / "outside.txt")
    (project.root / "image.bin").write_bytes(b"\0" + KEY.encode())
    assert measure(project, Secrets()).level is Level.READY
    assert project.root / "link.txt" not in list(files(project.root))


def test_what_could_not_be_read_in_time_is_not_called_clean(project):
    result = measure(project, Secrets(budget_s=-1))
    assert (result.level, result.reason) == (Level.INCONCLUSIVE, "none found in 0 files; not all could be read in time")


def test_no_more_than_five_places_are_listed(project):
    put(project, "many.txt", KEY * 7)
    reason = measure(project, Secrets()).reason
    assert reason.count("many.txt:") == 5
    assert reason.endswith("and 2 more")
