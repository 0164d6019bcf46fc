import json
import subprocess
import sys

import pytest

from workbench.actions import ACTIONS, SHORT

HEAVY = [
    "pydantic",
    "rich",
    "pandas",
    "numpy",
    "pyarrow",
    "duckdb",
    "ibis",
    "papermill",
    "nbformat",
    "mlflow",
    "sklearn",
    "torch",
    "psutil",
    "filelock",
    "yaml",
    "jinja2",
    "IPython",
]


def workbench(*words, cwd=None, env=None):
    return subprocess.run(
        [sys.executable, "-m", "workbench", *map(str, words)], capture_output=True, text=True, cwd=cwd, env=env
    )


def test_help_loads_no_noun_and_nothing_heavy():
    code = (
        "import sys\nfrom workbench.cli.commands import workbench\n"
        "try: workbench(['--help'])\nexcept SystemExit: pass\n"
        f"print([m for m in {HEAVY} if m in sys.modules], sorted(m for m in sys.modules if m.startswith('workbench.')))"
    )
    last = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.splitlines()[-1]
    expected = ["workbench.actions", "workbench.cli", "workbench.cli.commands", "workbench.cli.signature", "workbench.errors"]
    assert last == f"[] {expected}"


def test_help_names_every_noun_and_its_verbs():
    shown = workbench("--help").stdout
    assert all(noun in shown for noun in ("access", "production", "readiness", "experiments", "export", "audit", *SHORT))
    shown = workbench("production", "--help").stdout
    assert all(ACTIONS[name].help.split(",")[0] in shown for name in ACTIONS if name.startswith("production."))


@pytest.mark.parametrize("name", ACTIONS)
def test_every_verb_shows_its_help_and_takes_json(name):
    words = [short for short, full in SHORT.items() if full == name] or name.split(".")
    if words[0] == "project":
        pytest.skip("reached by its short name")
    done = workbench(*words, "--help")
    assert (done.returncode, "--json" in done.stdout) == (0, True), done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["prodction"], "did you mean production?"),
        (["production", "pipelin"], "did you mean pipeline?"),
        (["register"], "try access register"),
        (["production", "run"], "Missing argument 'TEMPLATE'"),
        (["production", "run", "train", "-p", "weeks"], "is not NAME=VALUE"),
        (["production", "run", "train", "-p", "a=1", "-p", "a=2"], "'a' is given twice"),
        (["production", "runs", "--limt", "3"], "--limit"),
    ],
)
def test_a_slip_of_the_hand_is_answered_with_what_was_meant(words, says, project):
    done = workbench(*words, cwd=project.root)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_no_project_is_the_users_mistake_with_a_way_out(tmp_path):
    done = workbench("production", "runs", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines()[2].strip() == "fix: workbench init my && cd my, or name one: workbench --project DIR …"


def test_json_is_one_document_for_answers_and_for_errors(project):
    listed = workbench("--project", project.root, "production", "runs", "--json")
    assert json.loads(listed.stdout) == {"runs": [], "findings": []}
    failed = workbench("production", "show", "trian", "--json", "--project", project.root)
    assert failed.returncode == 2
    assert json.loads(failed.stdout)["error"].keys() == {"what", "why", "fix"}


def test_the_project_may_be_named_before_or_behind_the_verb_or_in_the_environment(project, tmp_path):
    for words in (["--project", project.root, "status"], ["status", "--project", project.root]):
        assert "project project" in workbench(*words, cwd=tmp_path).stdout


def test_a_finding_that_fails_gives_exit_code_1_and_warnings_when_asked(project, template):
    template("bad", "x: int = 1", "input()")
    assert workbench("production", "lint", "bad", cwd=project.root).returncode == 1
    template("fair", "x: int = 1")
    assert workbench("production", "lint", "fair", cwd=project.root).returncode == 0
    assert workbench("production", "lint", "fair", "--fail-on", "warn", cwd=project.root).returncode == 1


def test_markup_in_a_name_is_shown_and_never_drawn(project, template):
    template("[red]x[bold]", "x: int = 1  # [link=x]a[/link]")
    shown = workbench("production", "templates", cwd=project.root).stdout
    assert "[red]x[bold]" in shown


@pytest.mark.parametrize(("shell", "has"), [("bash", "complete"), ("zsh", "compdef"), ("fish", "complete")])
def test_completion_scripts_come_from_the_command_itself(shell, has):
    import os

    done = workbench(env={**os.environ, "_WORKBENCH_COMPLETE": f"{shell}_source"})
    assert has in done.stdout


def test_completion_gives_plain_text_names(project):
    import os

    env = {**os.environ, "_WORKBENCH_COMPLETE": "bash_complete", "COMP_WORDS": "workbench production ru", "COMP_CWORD": "2"}
    assert workbench(env=env, cwd=project.root).stdout.split() == ["plain,run", "plain,runs"]


def test_what_no_verb_has_foreseen_is_a_letter_too():
    from workbench.cli.commands import _defect

    try:
        int("x")
    except ValueError as error:
        letter = _defect(error)
    assert letter.exit_code == 3
    assert letter.why.startswith("ValueError: invalid literal for int() with base 10: 'x' (test_commands.py, line ")
