"""What a bundle holds, and what may leave."""

import json
import zipfile
from dataclasses import replace

import pytest

from tests.conftest import as_nobody, needs_root
from workbench import access
from workbench.access.rules import load_policy
from workbench.errors import BadInput, MachineError, NotAllowed
from workbench.findings import Finding, Outcome
from workbench.production.compare.bundle import bundle
from workbench.production.compare.manifest import BundleManifest
from workbench.records.files import sha256_file
from workbench.records.run import Input, State

TOP = "20260101T090000Z-t-aaaaaaaa"


def names(path):
    with zipfile.ZipFile(path) as archive:
        return [name.removeprefix(f"{TOP}/") for name in archive.namelist()]


def manifest(path):
    with zipfile.ZipFile(path) as archive:
        return BundleManifest.parse(archive.read(f"{TOP}/manifest.json"), source="test")


@pytest.fixture
def governed(project):
    """`governed("training", masks=…)` registers the dataset `people` and lets ana read it so; gives it as a run's input."""

    def register(purpose="training", *, more=""):
        (project.root / "people.csv").write_text("id,age\n1,20\n2,30\n")
        access.register(project, project.root / "people.csv")
        contract = project.root / "contracts" / "people.odcs.yaml"
        contract.write_text(contract.read_text().replace("classification: restricted", "classification: internal"))
        access.confirm(project, "people")
        rule = f'role = "owner"\ndatasets = ["people"]\npurposes = ["{purpose}"]\n{more}\n'
        (project.root / "policy.toml").write_text(f'[roles]\nowner = ["ana"]\n\n[[rules]]\n{rule}')
        load_policy(project)
        return access.identity(project, "people").model_copy(update={"purpose": "training"})

    return register


def test_a_bundle_holds_the_run_and_the_files_it_read(project, make):
    (project.root / "in.csv").write_text("x\n1\n")
    (project.root / "more").mkdir()
    (project.root / "more" / ".hidden").write_text("h")
    (project.root / "more" / "deep.txt").write_text("d")
    read = tuple(Input(name=name, sha256=sha256_file(project.root / name)) for name in ("in.csv", "more"))
    folder = make("aaaaaaaa", files={"t.txt": b"t"}, record={"inputs": read}, data="in.csv")
    (folder / ".begun").touch()
    (folder / "outside").symlink_to(project.root / "policy.toml")
    made = bundle(project, "aaaaaaaa")
    path = project.root / f"{TOP}.workbench.zip"
    assert (made.path, made.sha256, made.files) == (str(path), sha256_file(path), 8)
    assert names(path) == [
        "manifest.json",
        "inputs/0/in.csv",
        "inputs/1/.hidden",
        "inputs/1/deep.txt",
        "run/environment.txt",
        "run/input.ipynb",
        "run/output.ipynb",
        "run/record.json",
        "run/t.txt",
    ]
    assert [item.path for item in manifest(path).inputs] == ["inputs/0/in.csv", "inputs/1"]
    assert [f.outcome for f in made.findings] == [Outcome.PASS, Outcome.PASS]
    (line,) = (e["facts"] for e in project.audit.entries() if e["event"] == "production.bundle")
    assert (line["run"], line["sha256"], line["datasets"]) == (TOP, made.sha256, [])


def test_equal_content_gives_equal_bytes(project, make, tmp_path):
    make("aaaaaaaa", files={"t.txt": b"t" * 100_000})
    first = bundle(project, "aaaaaaaa", to=tmp_path / "a.zip")
    (project.runs / TOP / "t.txt").touch()
    assert bundle(project, "aaaaaaaa", to=tmp_path / "b.zip").sha256 == first.sha256


def test_an_input_that_is_no_longer_the_same_is_left_out_with_a_warning(project, make):
    (project.root / "in.csv").write_text("changed")
    make("aaaaaaaa", record={"inputs": (Input(name="in.csv", sha256="0"), Input(name="gone.csv", sha256="0"))})
    made = bundle(project, "aaaaaaaa")
    assert [(f.outcome, f.message.rpartition(": ")[2]) for f in made.findings] == [
        (Outcome.WARN, "it has changed since the run"),
        (Outcome.WARN, "it is not there any more"),
    ]
    assert not [name for name in names(made.path) if name.startswith("inputs/")]


def test_what_lies_in_a_store_is_named(project, make):
    make("aaaaaaaa", record={"inputs": (Input(name="s3://bucket/x.csv", sha256="0"),)})
    (item,) = bundle(project, "aaaaaaaa").inputs
    assert (item.path, item.why) == ("", "it lies in a store")


def test_governed_data_stay_unless_they_are_asked_for(project, make, governed):
    make("aaaaaaaa", record={"inputs": (governed(),)})
    made = bundle(project, "aaaaaaaa")
    assert not [name for name in names(made.path) if "people.csv" in name]
    assert made.derived_from == ("people",)
    assert {f.check: f.outcome for f in made.findings} == {"bundle.input": Outcome.INFO, "bundle.derived": Outcome.INFO}
    whole = bundle(project, "aaaaaaaa", with_data=True)
    assert "inputs/0/people.csv" in names(whole.path)
    assert "contracts/people.odcs.yaml" in names(whole.path)
    lines = [e["facts"]["datasets"] for e in project.audit.entries() if e["event"] == "production.bundle"]
    assert lines == [[], ["people"]]


@pytest.mark.parametrize(
    "more", ['columns = ["age"]', 'rows = [{ column = "age", op = ">", value = 25 }]', 'masks = { age = "band:10" }']
)
def test_who_is_granted_a_part_does_not_get_the_file(project, make, governed, more):
    item = governed(more=more)
    make("aaaaaaaa", record={"inputs": (item,)})
    made = bundle(project, "aaaaaaaa", with_data=True)
    assert not [name for name in names(made.path) if "people.csv" in name]
    assert made.inputs[0].why == "you are granted a part of it for 'training', and the file is all of it"


def test_results_do_not_leave_with_whom_the_policy_refuses_their_data(project, make, governed):
    make("aaaaaaaa", record={"inputs": (governed(purpose="other"),)})
    with pytest.raises(NotAllowed):
        bundle(project, "aaaaaaaa")
    assert "access.deny" in [e["event"] for e in project.audit.entries()]
    assert not list(project.root.glob("*.zip"))
    with pytest.raises(NotAllowed):
        bundle(replace(project, actor="eve"), "aaaaaaaa")


def test_nor_do_results_that_were_derived_from_them_in_an_earlier_run(project, make, governed):
    folder = make("bbbbbbbb", files={"t.parquet": b"rows"}, record={"inputs": (governed(purpose="other"),)})
    name = str((folder / "t.parquet").relative_to(project.root))
    make("aaaaaaaa", record={"inputs": (Input(name=name, sha256=sha256_file(folder / "t.parquet")),)}, data=name)
    with pytest.raises(NotAllowed):
        bundle(project, "aaaaaaaa")


def test_the_file_of_a_governed_dataset_does_not_leave_as_a_plain_file(project, make, governed):
    governed()
    read = Input(name="people.csv", sha256=sha256_file(project.root / "people.csv"))
    make("aaaaaaaa", record={"inputs": (read,)})
    (item,) = bundle(project, "aaaaaaaa", with_data=True).inputs
    assert (item.path, item.why) == ("", "it is the file of the governed dataset 'people', read past the policy")


def test_a_run_that_goes_on_or_holds_a_secret_is_refused(project, make):
    make("aaaaaaaa", record={"state": State.RUNNING})
    with pytest.raises(BadInput, match="cannot be packed yet"):
        bundle(project, "aaaaaaaa")
    leak = Finding(check="run.secret", outcome=Outcome.FAIL, message="t.txt holds the secret 'key'", fix="remove it")
    make("bbbbbbbb", record={"findings": (leak,)})
    with pytest.raises(BadInput, match="may not leave"):
        bundle(project, "bbbbbbbb")


def test_a_bundle_does_not_go_into_the_run_itself(project, make):
    folder = make("aaaaaaaa")
    with pytest.raises(BadInput, match="that is to be packed"):
        bundle(project, "aaaaaaaa", to=folder)


def test_a_name_that_no_bundle_may_hold_is_refused_before_anything_is_written(project, make, tmp_path):
    make("aaaaaaaa", files={"a\nb.txt": b"x"})
    with pytest.raises(BadInput, match="cannot be packed"):
        bundle(project, "aaaaaaaa", to=tmp_path / "b.zip")
    assert not list(tmp_path.glob("*.zip"))


@needs_root
def test_where_one_may_not_write_nothing_is_left(project, make, tmp_path):
    make("aaaaaaaa")
    place = tmp_path / "locked"
    place.mkdir(mode=0o755)
    tmp_path.chmod(0o755)

    def pack():
        try:
            bundle(project, "aaaaaaaa", to=place / "b.zip")
        except MachineError as error:
            return error.what
        return ""

    assert as_nobody(pack).startswith("cannot write ")
    assert list(place.iterdir()) == []


def test_the_record_of_a_bundle_can_be_read_again(project, make):
    make("aaaaaaaa", weeks=8)
    made = bundle(project, "aaaaaaaa")
    told = manifest(made.path)
    assert (told.run_id, told.run_key) == (TOP, json.loads((project.runs / TOP / "record.json").read_text())["run_key"])
