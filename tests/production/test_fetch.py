"""Mirrored runs brought back into another project, from a local S3 server."""

from dataclasses import replace

import pytest

from tests.conftest import NOON
from workbench import project as projects
from workbench.errors import BadInput, UnknownName
from workbench.production.fetch import fetch
from workbench.production.mirror import mirror_run
from workbench.production.run_folder import new_run_folder
from workbench.production.show import show
from workbench.records.run import RunRecord, State


def in_project(root, mirror=""):
    projects.init(root)
    (root / "workbench.toml").write_text(f'name = "x"\nmirror = "{mirror}"\n')
    return replace(projects.open_project(root), actor="ana", clock=lambda: NOON)


@pytest.fixture
def other(tmp_path):
    return in_project(tmp_path / "other")


@pytest.fixture
def run(tmp_path, store):
    """The folder of a run that has failed on another machine, and that lies in the bucket's `runs/`."""
    here = in_project(tmp_path / "here", f"s3://{store.bucket}/runs")
    folder = new_run_folder(here.runs, "hello")
    (folder / "data").mkdir()
    (folder / "data" / "table 1.csv").write_bytes(b"a,b\n")
    record = RunRecord(run_id=folder.name, template="hello", template_sha256="", actor="ana", created=NOON, state=State.FAILED)
    record.write(folder / "record.json")
    assert mirror_run(here, folder) is None
    return folder


def left_over(project):
    return [path.name for path in project.state.iterdir() if path.name.startswith("fetch-")]


def test_a_run_comes_back_as_it_was(run, other, store):
    url = f"s3://{store.bucket}/runs/{run.name}"
    fetched = fetch(other, url)
    assert (fetched.files, fetched.compared, fetched.ended) == (2, 2, State.FAILED)
    for name in ("record.json", "data/table 1.csv"):
        assert (other.runs / run.name / name).read_bytes() == (run / name).read_bytes()
    assert show(other, run.name).run_id == run.name
    line = list(other.audit.entries())[-1]
    assert (line["event"], line["facts"]["run"], line["facts"]["url"]) == ("run.fetch", run.name, url)
    assert left_over(other) == []


def test_a_projects_own_mirror_knows_a_run_by_its_id(run, tmp_path, store):
    other = in_project(tmp_path / "another", f"s3://{store.bucket}/runs/")
    assert fetch(other, run.name).url == f"s3://{store.bucket}/runs/{run.name}"
    with pytest.raises(BadInput, match="is here already"):
        fetch(other, run.name)


def test_a_folder_that_something_else_copied_is_taken_without_a_manifest(run, other, store):
    store.client.delete_object(Bucket=store.bucket, Key=f"runs/manifests/{run.name}.json")
    assert fetch(other, f"s3://{store.bucket}/runs/{run.name}").compared == 0


@pytest.mark.parametrize("change", ["other bytes", "gone"])
def test_bytes_that_are_not_those_of_the_run_are_refused(run, other, store, change):
    key = f"runs/{run.name}/data/table 1.csv"
    if change == "gone":
        store.client.delete_object(Bucket=store.bucket, Key=key)
    else:
        store.put(key, b"b,a\n")
    with pytest.raises(BadInput, match="is not the run that was mirrored"):
        fetch(other, f"s3://{store.bucket}/runs/{run.name}")
    assert (list(other.runs.iterdir()), left_over(other)) == ([], [])


def test_a_run_that_is_not_whole_yet_is_refused(run, other, store):
    store.client.delete_object(Bucket=store.bucket, Key=f"runs/{run.name}/record.json")
    with pytest.raises(UnknownName, match=r"1 files lie there, but no record\.json"):
        fetch(other, f"s3://{store.bucket}/runs/{run.name}")
    with pytest.raises(UnknownName, match="nothing lies there"):
        fetch(other, f"s3://{store.bucket}/runs/none")


def test_a_name_that_leads_out_of_the_run_is_refused(run, other, store):
    store.put(f"runs/{run.name}/../../../evil", b"x")
    with pytest.raises(BadInput, match="outside of the run's folder"):
        fetch(other, f"s3://{store.bucket}/runs/{run.name}")
    assert not list(other.root.rglob("evil"))


def test_a_folder_is_not_taken_for_another_run(run, other, store):
    store.put("runs/20261122T120000Z-other-00000000/record.json", (run / "record.json").read_bytes())
    with pytest.raises(BadInput, match=f"its record is of {run.name}"):
        fetch(other, f"s3://{store.bucket}/runs/20261122T120000Z-other-00000000")


@pytest.mark.parametrize("run_id", ["s3://bucket", "s3://bucket/..", "s3://bucket/a b"])
def test_what_is_no_runs_id_is_refused(other, run_id):
    with pytest.raises(BadInput, match="is no run's id"):
        fetch(other, run_id)
