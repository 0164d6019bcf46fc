from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench import access
from workbench.errors import BadInput, NotAllowed
from workbench.records.run import Input, RunRecord


def _run(project, run_id, inputs):
    """A run that read `inputs` and left one artifact, whose path is returned."""
    record = RunRecord(
        run_id=run_id, template="t", template_sha256="0" * 64, actor="ann", created=datetime(2026, 11, 22, tzinfo=UTC),
        inputs=tuple(Input(name=name, sha256="0" * 64) for name in inputs),
    )  # fmt: skip
    folder = project.runs / run_id
    record.write(folder / "record.json")
    pq.write_table(pa.table({"a": [1, 2], "b": ["x", "y"]}), folder / "scores.parquet")
    return folder / "scores.parquet"


def test_an_artifact_is_read_as_derived_data_and_audited_as_such(shop):
    path = _run(shop, "r1", ["sales"])
    for given in (path, str(path), ".workbench/runs/r1/scores.parquet"):
        assert access.read(given, purpose="training", columns=["b"], project=shop).to_pydict() == {"b": ["x", "y"]}
    facts = list(shop.audit.entries())[-1]["facts"]
    assert (facts["dataset"], facts["derived"], facts["rows"]) == (".workbench/runs/r1/scores.parquet", True, 2)
    assert facts["columns"] == ["b"]
    found = access.identity(shop, path)
    assert (found.name, found.sha256) == (facts["dataset"], facts["sha256"])


def test_the_state_of_a_project_may_lie_on_another_disk(shop, tmp_path):
    shop.state.rename(tmp_path / "elsewhere")
    shop.state.symlink_to(tmp_path / "elsewhere")
    path = _run(shop, "r1", ["sales"])
    assert access.read(path, purpose="training", project=shop).num_rows == 2
    assert access.identity(shop, path).name == ".workbench/runs/r1/scores.parquet"


def test_whoever_may_not_read_a_source_may_not_read_what_was_derived_from_it(shop, as_user):
    first = _run(shop, "r1", ["customers"])
    second = _run(shop, "r2", [first.relative_to(shop.root).as_posix(), "sales"])
    with pytest.raises(NotAllowed) as caught:
        access.read(second, purpose="training", project=as_user(shop, "bob"))
    assert caught.value.why == "it was derived from 'customers': no rule grants it to clerk"
    assert access.read(second, purpose="training", project=shop).num_rows == 2


def test_a_purpose_that_no_rule_of_mine_has_opens_no_artifact(shop):
    with pytest.raises(NotAllowed, match="for 'resale'"):
        access.read(_run(shop, "r1", []), purpose="resale", project=shop)
    assert list(shop.audit.entries())[-1]["event"] == "access.deny"


def test_a_link_out_of_the_runs_is_no_artifact(shop):
    link = _run(shop, "r1", []).with_name("link.parquet")
    link.symlink_to(shop.root / "sales.parquet")
    for given in (link, ".workbench/runs/../../sales.parquet"):
        with pytest.raises(NotAllowed):
            access.read(given, purpose="training", project=shop)


def test_what_is_no_data_artifact_says_so(shop):
    path = _run(shop, "r1", [])
    with pytest.raises(BadInput, match="no data artifact"):
        access.read(path.with_name("gone.parquet"), purpose="training", project=shop)
    with pytest.raises(BadInput, match="no data artifact"):
        access.read(path.with_name("record.json"), purpose="training", project=shop)
    with pytest.raises(BadInput) as caught:
        access.read(path, purpose="training", columns=["c"], project=shop)
    assert (caught.value.why, caught.value.fix) == ("it has no column 'c'", "ask for some of: a, b")
