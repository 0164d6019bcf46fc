import json
import subprocess
import sys

import pytest

from workbench.production.environment import environment_sha256, environment_text, git_commit, installed, project_code_sha256

ASK = "from pathlib import Path; from workbench.production.environment import *; print(environment_text(Path({root!r})))"


def lines(text, name):
    return [line for line in text.splitlines() if line.startswith(name)]


def test_every_distribution_has_a_version_and_a_hash():
    names = {name.lower(): (version, digest) for name, version, digest in installed()}
    assert {"papermill", "notebook_workbench", "duckdb"} <= names.keys()
    assert all(len(digest) == 64 for _, digest in names.values())
    assert environment_text().count("\n") == len(names) + 1  # Python itself


def test_an_editable_install_is_another_environment_when_its_source_changes(tmp_path, monkeypatch):
    source, site = tmp_path / "source with a space", tmp_path / "site"
    source.mkdir()
    (site / "mine-1.0.dist-info").mkdir(parents=True)
    (site / "mine-1.0.dist-info" / "RECORD").write_text("mine.pth,,\n")
    told = {"url": source.as_uri(), "dir_info": {"editable": True}}
    (site / "mine-1.0.dist-info" / "direct_url.json").write_text(json.dumps(told))
    (source / "mine.py").write_text("x = 1")
    monkeypatch.syspath_prepend(str(site))
    before = environment_sha256()
    assert environment_sha256() == before
    (source / "mine.py").write_text("x = 2")
    assert environment_sha256() != before


def test_an_install_that_comes_while_the_process_lives_is_seen(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(tmp_path))
    before = environment_sha256()
    (tmp_path / "later-1.0.dist-info").mkdir()
    assert environment_sha256() != before


def test_the_modules_of_a_project_are_part_of_its_environment(tmp_path):
    assert (project_code_sha256(tmp_path), environment_text(tmp_path)) == ("", environment_text())
    (tmp_path / "features.py").write_text("x = 1")
    digest = project_code_sha256(tmp_path)
    assert environment_text(tmp_path) == f"./  sha256:{digest}\n" + environment_text()
    (tmp_path / "features.py").rename(tmp_path / "other.py")
    assert project_code_sha256(tmp_path) not in ("", digest)


def test_what_a_project_remembers_of_an_install_changes_nothing_and_is_forgotten_with_it(tmp_path, monkeypatch):
    site, root = tmp_path / "site", tmp_path / "project"
    (site / "mine-1.0.dist-info").mkdir(parents=True)
    (root / ".workbench").mkdir(parents=True)
    record = site / "mine-1.0.dist-info" / "RECORD"
    record.write_text("mine.py,sha256=a,1\n")
    monkeypatch.syspath_prepend(str(site))
    cache = root / ".workbench" / "cache" / "distributions.json"
    first = environment_text(root)
    assert (cache.is_file(), first) == (True, environment_text())
    in_another_process = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(site)!r})\n{ASK.format(root=str(root))}"]
    again = subprocess.run(in_another_process, capture_output=True, text=True, check=True).stdout
    assert [line for line in again.splitlines() if line.startswith("mine")] == lines(first, "mine")
    record.write_text("mine.py,sha256=bbb,1\n")
    site.touch()
    changed = environment_text(root)
    assert lines(changed, "mine") != lines(first, "mine")
    for damage in ("", "[]", '{"x": 1}', "torn {"):
        cache.write_text(damage)
        site.touch()
        assert environment_text(root) == changed


@pytest.mark.parametrize("place", [".hidden", "node_modules", "build", "dist", "venv/lib"])
def test_code_that_is_not_the_projects_own_is_not_counted(tmp_path, place):
    (tmp_path / place).mkdir(parents=True)
    (tmp_path / place / "a.py").write_text("x = 1")
    if place == "venv/lib":
        (tmp_path / "venv" / "pyvenv.cfg").write_text("")
    assert project_code_sha256(tmp_path) == ""


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
