from datetime import UTC, datetime

from workbench.production.run_key import recorded_run_key, run_key
from workbench.records.run import Input, RunRecord

PARTS = {
    "code_sha256": "c",
    "parameters": {"data": "a.csv", "weeks": 8},
    "environment_sha256": "e",
    "inputs": (Input(name="a.csv", sha256="1"),),
    "seed": 0,
}


def test_the_same_data_under_another_path_give_the_same_key():
    moved = {"parameters": {"data": "b.csv", "weeks": 8}, "inputs": (Input(name="b.csv", sha256="1"),)}
    assert run_key(**{**PARTS, **moved}) == run_key(**PARTS)


def test_every_part_is_part_of_the_key():
    others = (
        {"code_sha256": "d"},
        {"parameters": {"data": "a.csv", "weeks": 9}},
        {"environment_sha256": "f"},
        {"inputs": (Input(name="a.csv", sha256="2"),)},
        {"seed": 1},
        {"seed": None},
    )
    assert len({run_key(**{**PARTS, **other}) for other in ({}, *others)}) == 7


def test_a_record_tells_its_own_key():
    record = RunRecord(
        run_id="r",
        template="t",
        actor="ana",
        created=datetime(2026, 1, 1, tzinfo=UTC),
        template_sha256="c",
        parameters=PARTS["parameters"],
        environment_sha256="e",
        inputs=PARTS["inputs"],
        seed=0,
    )
    assert recorded_run_key(record) == run_key(**PARTS)
