import os
import shutil
import subprocess

import pytest

from tests.conftest import code, write_notebook
from workbench.readiness.checks.repository import Templates, UnderGit
from workbench.readiness.runner import measure
from workbench.records.scorecard import Level

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
OUTPUT = {"output_type": "stream", "name": "stdout", "text": "42\n"}


@pytest.fixture
def git(project):
    """`git("add", ".")` in the project's folder, with no settings of this machine."""

    def call(*arguments):
        name = ("-c", "user.name=ana", "-c", "user.email=ana@example.org")
        environ = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
        subprocess.run(["git", *name, *arguments], cwd=project.root, check=True, capture_output=True, env=environ)

    return call


@pytest.fixture
def committed(git):
    """`committed()` puts the whole project into a repository."""

    def commit():
        git("init")
        git("add", ".")
        git("commit", "-m", "first")

    return commit


def notebook(project, name, outputs=()):
    write_notebook(project.root / name, {**code("1"), "outputs": list(outputs)})


@needs_git
def test_a_committed_project_without_outputs_is_ready(project, committed):
    notebook(project, "my notebook.ipynb")
    notebook(project, "templates/t.ipynb")
    committed()
    result = measure(project, UnderGit())
    assert (result.level, result.reason) == (Level.READY, "all committed, 2 notebook(s), none with outputs")


@needs_git
def test_a_committed_output_is_named(project, committed):
    notebook(project, "a.ipynb")
    notebook(project, "b ü.ipynb", [OUTPUT])
    committed()
    result = measure(project, UnderGit())
    assert (result.level, result.reason) == (Level.IMPROVE, "1 notebook(s) hold outputs, first b ü.ipynb")


@needs_git
def test_what_git_would_commit_counts_and_not_the_working_copy(project, git, committed):
    notebook(project, "a.ipynb")
    committed()
    git("update-index", "--assume-unchanged", "a.ipynb")  # as a filter that strips outputs would leave it
    notebook(project, "a.ipynb", [OUTPUT])
    assert measure(project, UnderGit()).level is Level.READY


@needs_git
def test_a_changed_file_is_not_committed(project, committed):
    committed()
    (project.root / "new.txt").write_text("x")
    result = measure(project, UnderGit())
    assert (result.level, result.reason) == (Level.IMPROVE, "1 file(s) differ from the last commit")


@needs_git
def test_a_repository_that_does_not_hold_the_project_is_not_enough(project, git):
    git("init")
    result = measure(project, UnderGit())
    assert (result.level, result.reason) == (Level.IMPROVE, "there is a repository, and workbench.toml is not tracked in it")


@needs_git
def test_without_a_repository_the_next_command_is_named(project):
    result = measure(project, UnderGit())
    assert (result.level, result.remedy) == (Level.MUST_FIX, "git init && git add . && git commit")


@needs_git
def test_a_repository_that_git_refuses_is_skipped(project):
    (project.root / ".git").write_text("gitdir: /nowhere\n")
    assert measure(project, UnderGit()).level is Level.SKIPPED


def test_without_git_it_is_skipped_and_says_so(project):
    result = measure(project, UnderGit(command="no-such-git"))
    assert (result.level, result.reason) == (Level.SKIPPED, "no-such-git is not installed")


def test_templates_that_take_parameters_are_ready(project, template):
    template("weekly", "weeks: int = 8", "print(weeks)")
    result = measure(project, Templates())
    assert (result.level, result.reason) == (Level.READY, "1 of 1")


def test_a_template_without_a_tagged_cell_is_named(project, template):
    template("weekly", "weeks: int = 8", "print(weeks)")
    notebook(project, "templates/plain.ipynb")
    result = measure(project, Templates())
    assert (result.level, result.remedy) == (Level.IMPROVE, "workbench production lint plain")
    assert result.reason.startswith("1 of 2; plain.ipynb: 'plain' takes no parameters")


def test_a_file_that_is_no_notebook_takes_none(project):
    (project.root / "templates/broken.ipynb").write_text("{")
    assert measure(project, Templates()).level is Level.MUST_FIX


def test_without_templates_of_its_own_it_does_not_apply(project):
    assert measure(project, Templates()).level is Level.NOT_APPLICABLE
