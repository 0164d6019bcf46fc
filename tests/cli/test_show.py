import sys

import pytest

from workbench.cli.show import exit_code, progress, show
from workbench.findings import Finding, Outcome
from workbench.production.templates import LintReport
from workbench.project.overview import AuditReport
from workbench.records.run import RunList
from workbench.records.view import View


def finding(outcome, check="c", fix=""):
    return Finding(check=check, outcome=outcome, message="m", fix=fix)


@pytest.mark.parametrize(
    ("outcome", "fail_on", "code"),
    [(Outcome.FAIL, "fail", 1), (Outcome.WARN, "fail", 0), (Outcome.WARN, "warn", 1), (Outcome.PASS, "warn", 0)],
)
def test_the_exit_code_follows_the_findings(outcome, fail_on, code):
    assert exit_code(LintReport(template="t", findings=(finding(outcome),)), fail_on) == code


def test_a_list_of_runs_is_no_failure_whatever_it_lists():
    assert exit_code(RunList(runs=()), "fail") == 0
    assert exit_code(AuditReport(), "fail") == 0


def test_text_is_printed_as_it_is_and_never_as_markup(capsys):
    show(
        View(
            title="[red]t[/red]",
            facts=(("[b]f", "[link=x]v"),),
            columns=("[i]c",),
            rows=(("[u]r",),),
            text="[s]x",
            next=("[n]",),
        )
    )
    printed = capsys.readouterr().out
    assert all(text in printed for text in ("[red]t[/red]", "[b]f", "[link=x]v", "[i]c", "[u]r", "[s]x", "[n]"))


def test_the_worst_comes_first_and_a_fix_that_repeats_is_told_once(capsys):
    show(
        View(
            title="t",
            findings=(
                finding(Outcome.PASS, "p"),
                finding(Outcome.WARN, "w1", "do"),
                finding(Outcome.FAIL, "f", "now"),
                finding(Outcome.WARN, "w2", "do"),
            ),
        )
    )
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()[1:]]
    assert [" ".join(line.split()) for line in lines] == [
        "fail f: m",
        "fix: now",
        "warn w1: m",
        "warn w2: m",
        "fix: do",
        "pass p: m",
    ]


def test_many_passes_are_summed_up(capsys):
    show(View(title="t", findings=tuple(finding(Outcome.PASS) for _ in range(20))))
    assert "20 checks passed" in capsys.readouterr().out


def test_without_a_terminal_progress_is_a_line_a_step(capsys):
    assert not sys.stderr.isatty()
    with progress(enabled=True) as listener:
        listener({"event": "pipeline", "title": "T", "steps": ["a"], "notice": "N"})
        listener({"event": "step", "step": "a", "state": "running"})
        listener({"event": "run", "run": "20260101T000000Z-a-12345678", "state": "running", "total": 3})
        listener({"event": "cell", "run": "20260101T000000Z-a-12345678", "done": 1})
        listener({"event": "step", "step": "a", "state": "done"})
    assert capsys.readouterr().err.splitlines() == ["T: 1 steps", "N", "a: done"]
