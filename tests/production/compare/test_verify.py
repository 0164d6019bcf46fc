import json
import subprocess
import sys

import pytest

from tests.production.compare.conftest import cell, rewrite, stream
from workbench.errors import BadInput, UnknownName
from workbench.findings import Outcome
from workbench.production.compare.bundle import bundle
from workbench.production.compare.intact import hashes_of, tree_sha256
from workbench.production.compare.verify import verify
from workbench.records.files import sha256_file


def failing(found):
    return {finding.check for finding in found.findings if finding.outcome is Outcome.FAIL}


def test_a_run_is_verified_by_its_id_and_by_its_folder(project, make):
    folder = make("aaaaaaaa", figures={"x": 1.5}, files={"t.csv": b"x\n"}, weeks=8)
    for name in ("aaaaaaaa", str(folder)):
        found = verify(name, project=project.root)
        assert (found.holds, found.run_id) == (True, folder.name)
        assert {f.check for f in found.findings} == {
            "run.ended",
            "run.code",
            "run.output",
            "run.environment",
            "run.artifact",
            "run.key",
            "run.results",
        }


def test_packages_that_differ_here_are_named_and_are_no_failure(project, make):
    make("aaaaaaaa", environment="numpy==1.0  sha256:aa\nno-such-package==1.0  sha256:bb\n")
    found = verify("aaaaaaaa", project=project.root)
    here = {change.name: (change.a, bool(change.b)) for change in found.environment}
    assert here["numpy"] == ("1.0", True)
    assert here["no-such-package"] == ("1.0", False)
    assert found.holds


@pytest.mark.parametrize(
    ("name", "check"),
    [
        ("t.csv", "run.artifact"),
        ("environment.txt", "run.environment"),
        ("output.ipynb", "run.output"),
        ("input.ipynb", "run.code"),
    ],
)
def test_a_file_that_was_changed_or_removed_is_found(project, make, name, check):
    folder = make("aaaaaaaa", cell("print(1)", stream("1")), files={"t.csv": b"x\n"})
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole.replace(b"print", b"eval", 1) if b"print" in whole else whole + b"#")
    assert check in failing(verify("aaaaaaaa", project=project.root))
    (folder / name).unlink()
    assert check in failing(verify("aaaaaaaa", project=project.root))


def test_an_artifact_that_its_record_places_elsewhere_is_not_read(project, make):
    folder = make("aaaaaaaa", files={"t.csv": b"x\n"})
    stated = json.loads((folder / "record.json").read_text())["artifacts"][0]
    for path in ("../../../policy.toml", str(project.root / "policy.toml")):
        rewrite(folder, artifacts=[{**stated, "path": path, "sha256": sha256_file(project.root / "policy.toml")}])
        assert "run.artifact" in failing(verify("aaaaaaaa", project=project.root))


def test_what_an_older_record_does_not_tell_is_skipped(project, make):
    folder = make("aaaaaaaa")
    rewrite(folder, output_sha256="", run_key="", environment_sha256="")
    found = verify("aaaaaaaa", project=project.root)
    assert found.holds
    assert {f.check for f in found.findings if f.outcome is Outcome.SKIPPED} == {"run.output", "run.key", "run.environment"}


def test_a_folder_has_the_same_hash_by_its_files_as_on_disk(tmp_path):
    for name in ("b.txt", "a/z.txt", "a.txt", "a/b/c.txt", "a-b/c.txt"):
        (tmp_path / "model" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "model" / name).write_text(name)
    hashes = hashes_of(tmp_path)
    assert tree_sha256("model", hashes) == sha256_file(tmp_path / "model")
    assert tree_sha256("model/a", hashes) == sha256_file(tmp_path / "model" / "a")
    assert tree_sha256("model/a.txt", hashes) == sha256_file(tmp_path / "model" / "a.txt")
    assert tree_sha256("model/none", hashes) is None


def test_what_does_not_hold_is_not_run(project, make):
    folder = make("aaaaaaaa", cell("print(1)", stream("1")))
    (folder / "environment.txt").write_text("changed")
    found = verify("aaaaaaaa", rerun=True, project=project.root)
    assert found.findings[-1].message == "it was not run again: code of a run that does not hold is not executed"
    assert len(list(project.runs.iterdir())) == 1


def test_a_bundle_is_not_run_without_its_data(project, make, tmp_path):
    from workbench.records.run import Input

    (project.root / "in.csv").write_text("x")
    read = Input(name="in.csv", sha256=sha256_file(project.root / "in.csv"))
    make("aaaaaaaa", record={"inputs": (read,)})  # no parameter names it: the code does
    path = bundle(project, "aaaaaaaa", to=tmp_path).path
    (project.root / "in.csv").write_text("changed")
    assert verify(path).holds
    with pytest.raises(BadInput, match="cannot be run again here") as refused:
        verify(path, rerun=True, project=project.root)
    assert refused.value.why == "it read in.csv, which is not the same in this project"


def test_what_is_no_run_is_the_users_mistake(project, tmp_path):
    with pytest.raises(UnknownName):
        verify("aaaaaaaa", project=project.root)
    with pytest.raises(BadInput, match="is no run's folder"):
        verify(str(tmp_path), project=project.root)


def test_no_project_is_needed_and_what_does_not_hold_exits_with_1(project, make, tmp_path):
    folder = make("aaaaaaaa", cell("print(1)", stream("\x1b]0;title\x07")))
    path = bundle(project, "aaaaaaaa", to=tmp_path).path

    def exit_code(*words):
        command = [sys.executable, "-m", "workbench", "production", "verify", *map(str, words), "--json"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
        return done.returncode, json.loads(done.stdout)

    code, told = exit_code(path)
    assert (code, told["run_id"], told["sha256"]) == (0, folder.name, sha256_file(tmp_path / f"{folder.name}.workbench.zip"))
    (folder / "environment.txt").write_text("changed")
    assert exit_code(folder)[0] == 1
    code, told = exit_code(path, "--rerun")
    assert (code, told["error"]["what"]) == (2, f"no project at {tmp_path}")
