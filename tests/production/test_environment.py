import multiprocessing
import subprocess
import time

import pytest

from workbench.production.environment import environment_text, git_commit, installed, is_alive, this_process


def test_every_distribution_has_a_version_and_a_hash():
    names = {name.lower(): (version, digest) for name, version, digest in installed()}
    assert {"papermill", "notebook_workbench", "duckdb"} <= names.keys()
    assert all(len(digest) == 64 for _, digest in names.values())
    assert environment_text().count("\n") == len(names)


def test_this_process_is_alive_and_an_ended_one_is_not():
    me = this_process()
    child = multiprocessing.get_context("fork").Process(target=int)
    child.start()
    child.join()
    assert is_alive(me) is True
    assert is_alive(me.model_copy(update={"pid": child.pid})) is False


def test_a_reused_process_id_is_not_mistaken():
    assert is_alive(this_process().model_copy(update={"started": 1.0})) is False


def test_a_process_from_before_the_last_boot_is_gone():
    assert is_alive(this_process().model_copy(update={"boot_id": "another"})) is False


def test_a_process_of_another_host_is_not_judged():
    assert is_alive(this_process().model_copy(update={"host": "elsewhere"})) is None


def test_the_commit_is_that_of_the_repository_that_tracks_the_file(tmp_path):
    def git(*words):
        subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=tmp_path, check=True, capture_output=True
        )

    git("init")
    (tmp_path / "a.ipynb").write_text("x")
    assert git_commit(tmp_path / "a.ipynb") is None
    git("add", ".")
    git("commit", "-m", "x")
    assert len(git_commit(tmp_path / "a.ipynb") or "") == 40
    assert git_commit(tmp_path / "untracked.ipynb") is None


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="Linux tells it so")
def test_the_start_of_a_process_is_told_by_a_clock_that_nobody_sets():
    assert 0 < this_process().started <= time.clock_gettime(time.CLOCK_BOOTTIME)
