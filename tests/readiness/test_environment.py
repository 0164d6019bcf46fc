from dataclasses import replace
from datetime import UTC, datetime

import pytest

from workbench.readiness.checks.environment import Interpreter, Pinned, requirements
from workbench.readiness.runner import measure
from workbench.records.scorecard import Level

HASHED = "numpy==2.4.6 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\n"


def on(project, year, month):
    return replace(project, clock=lambda: datetime(year, month, 1, tzinfo=UTC))


def test_a_supported_python_in_a_written_environment_is_ready(project):
    (project.root / "constraints.txt").write_text("numpy==2.4.6\n")
    result = measure(project, Interpreter((3, 13)))
    assert result.level is Level.READY
    assert result.reason == "Python 3.13 gets security fixes until 2029-10-31; environment written down in constraints.txt"


def test_one_gap_is_to_be_improved(project):
    result = measure(project, Interpreter((3, 13)))
    assert (result.level, result.remedy) == (Level.IMPROVE, "pip freeze > constraints.txt")


def test_the_end_of_support_is_announced_180_days_ahead(project):
    (project.root / "uv.lock").touch()
    assert measure(on(project, 2027, 5), Interpreter((3, 11))).level is Level.READY
    assert measure(on(project, 2027, 6), Interpreter((3, 11))).level is Level.IMPROVE


@pytest.mark.parametrize("version", [(3, 10), (2, 7)])
def test_a_python_without_security_fixes_must_go(project, version):
    assert measure(project, Interpreter(version)).level is Level.MUST_FIX


def test_a_python_that_has_run_out_since_names_the_day_and_its_successors(project):
    result = measure(on(project, 2028, 1), Interpreter((3, 11)))
    assert "gets no security fixes since 2027-10-31" in result.reason
    assert result.remedy == "move to one of Python 3.12, 3.13, 3.14, 3.15"


def test_a_python_newer_than_this_workbench_decides_nothing(project):
    assert measure(project, Interpreter((3, 99))).level is Level.INCONCLUSIVE


@pytest.mark.parametrize(
    ("text", "level"),
    [
        (HASHED, Level.READY),
        ("numpy==2.4.6\npandas[all]==3.1 ; python_version > '3'\n", Level.IMPROVE),
        (HASHED + "pandas==3.1\n", Level.IMPROVE),
        ("numpy==2.4.6\npandas>=3\n", Level.MUST_FIX),
        ("numpy==2.*\n", Level.MUST_FIX),
        ("# nothing\n", Level.MUST_FIX),
    ],
)
def test_an_install_is_only_the_same_tomorrow_when_all_is_pinned_and_hashed(project, text, level):
    (project.root / "requirements.txt").write_text(text)
    assert measure(project, Pinned()).level is level


def test_a_lock_file_pins_and_hashes(project):
    (project.root / "pylock.toml").touch()
    assert measure(project, Pinned()).reason == "pylock.toml pins and hashes every package"


def test_a_project_without_any_list_is_told_how_to_make_one(project):
    result = measure(project, Pinned())
    assert (result.level, result.blocks) == (Level.MUST_FIX, False)
    assert "--generate-hashes" in result.remedy


def test_comments_options_and_joined_lines_are_no_requirements():
    text = "# all\n-r base.txt\n--index-url https://x\n" + HASHED + "torch==2.13  # big\n"
    assert requirements(text) == [("numpy==2.4.6", True), ("torch==2.13", False)]
