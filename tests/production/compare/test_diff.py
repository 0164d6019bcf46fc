import base64
import json
import re

import pytest

from tests.conftest import code
from tests.production.compare.conftest import PACKAGES, cell, rewrite, shown, stream
from workbench.errors import BadInput, UnknownName
from workbench.production.compare.checks import compare_outputs, side
from workbench.production.compare.diff import diff
from workbench.production.compare.values import Verdict
from workbench.project import look
from workbench.records.run import Failure, Input, State

EVIL = "<script>alert(1)</script>\x1b]0;title\x07"
PNG = base64.b64encode(b"\x89PNG not really").decode()


def both(project, **how):
    return diff(project, "aaaaaaaa", "bbbbbbbb", **how)


def test_causes_come_first_then_figures_then_cells(project, make):
    read = {"name": "transactions", "contract_version": "1.0.0", "purpose": "training"}
    make(
        "aaaaaaaa",
        cell("print(weeks)", stream("8\n")),
        figures={"wape": 45.9, "rows": 100},
        files={"table.txt": b"a"},
        record={"inputs": (Input(sha256="1" * 64, **read),), "policy_sha256": "5" * 64},
        weeks=8,
    )
    make(
        "bbbbbbbb",
        cell("print(weeks)", stream("9\n")),
        cell("more()"),
        environment=PACKAGES.replace("2.0.0", "2.1.0"),
        figures={"wape": 46.2, "rows": 100},
        files={"table.txt": b"b"},
        record={"inputs": (Input(sha256="2" * 64, **read),), "policy_sha256": "6" * 64},
        weeks=9,
    )
    found = both(project)
    assert [(c.section, c.name, c.a, c.b, c.note) for c in found.changes] == [
        ("parameter", "weeks", "8", "9", ""),
        (
            "data",
            "transactions",
            "sha256:111111111111, contract 1.0.0, for training",
            "sha256:222222222222, contract 1.0.0, for training",
            "",
        ),
        ("data", "policy.toml", "sha256:555555555555", "sha256:666666666666", ""),
        ("environment", "numpy", "2.0.0", "2.1.0", ""),
        ("code", "cell 4", "", "1 line", ""),
        ("figure", "wape", "45.9", "46.2", "+0.3, +0.654 %"),
        ("artifact", "table", "sha256:ca978112ca1b", "sha256:3e23e8160039", "other bytes"),
        ("cell", "cell 3 stdout", "8", "9", ""),
    ]
    assert found.view().title.endswith(
        "1 parameter, 2 inputs, 1 package, 1 part of the code, 1 figure, 1 artifact, 1 cell output"
    )
    assert "## modified /cells/3/outputs/0/text" in found.text or "## inserted before /cells/3/outputs/0" in found.text


def test_two_equal_runs_differ_in_nothing(project, make):
    for end in ("aaaaaaaa", "bbbbbbbb"):
        make(end, cell("print(1)", stream("1")), figures={"x": 1.5}, weeks=8)
    found = both(project)
    assert (found.changes, found.text, found.identical) == ((), "", 3)
    assert found.view().title.endswith("no change")


def test_equal_data_under_another_path_are_the_same_data(project, make):
    for end, path in (("aaaaaaaa", ".workbench/runs/r1/x.parquet"), ("bbbbbbbb", ".workbench/runs/r2/x.parquet")):
        make(end, record={"inputs": (Input(name=path, sha256="1" * 64),)}, data=path)
    (change,) = both(project).changes
    assert (change.section, change.name, change.note) == ("parameter", "data", "the same content")


def test_a_parameter_may_come_go_or_change_its_type(project, make):
    make("aaaaaaaa", old=1, kind=1, none=None)
    make("bbbbbbbb", new="", kind="1", none=0)
    assert [(c.name, c.a, c.b) for c in both(project).changes] == [
        ("old", "1", ""),
        ("kind", "1", "1"),
        ("none", "null", "0"),
        ("new", "", '""'),
    ]


def test_a_figure_that_is_gone_or_differs_in_hidden_digits_is_different(project, make):
    make("aaaaaaaa", figures={"gone": 1, "near": 0.123456789, "word": "up"})
    make("bbbbbbbb", figures={"near": 0.123456788, "word": "down"})
    assert [(c.name, c.a, c.b) for c in both(project).changes if c.section == "figure"] == [
        ("gone", "1", ""),
        ("near", "0.123456789", "0.123456788"),
        ("word", "up", "down"),
    ]
    assert "near" not in {c.name for c in both(project, tolerance=1e-6).changes}


def test_how_two_runs_ended_is_compared(project, make):
    failure = Failure(cell=3, source="1/0", name="ZeroDivisionError", message="division by zero")
    make("aaaaaaaa")
    make("bbbbbbbb", record={"state": State.FAILED, "failure": failure})
    (change,) = both(project).changes
    assert (change.section, change.a) == ("ending", "done")
    assert change.b == "failed in cell 3: ZeroDivisionError: division by zero"


def test_an_artifact_that_was_changed_after_its_run_proves_nothing(project, make):
    folder = make("aaaaaaaa", files={"t.csv": b"x\n1.5\n"})
    make("bbbbbbbb", files={"t.csv": b"x\n2.5\n"})
    (folder / "t.csv").write_bytes(b"x\n2.50\n")
    (change,) = both(project).changes
    assert change.note == "the file of 20260101T090000Z-t-aaaaaaaa was changed after its run"


def test_an_artifact_outside_of_its_run_is_not_read(project, make):
    (project.root / "secret.json").write_text("1")
    folder = make("aaaaaaaa", files={"t.json": b"1"})
    make("bbbbbbbb", files={"t.json": b"2"})
    stated = json.loads((folder / "record.json").read_text())["artifacts"]
    rewrite(folder, artifacts=[{**stated[0], "path": "../../../secret.json"}])
    (change,) = (c for c in both(project).changes if c.section == "artifact")
    assert change.note == "it is not there any more"


def test_results_of_a_cell_that_is_tagged_so_are_left_aside(project, make):
    clock = code("record('seconds', clock())", "nbval-ignore-output")
    for end, seconds in (("aaaaaaaa", 1.5), ("bbbbbbbb", 2.5)):
        folder = make(end, figures={"seconds": seconds, "rows": 3})
        for name in ("output.ipynb", "input.ipynb"):
            notebook = json.loads((folder / name).read_text())
            *_, results = notebook["cells"]
            notebook["cells"].append({**clock, "outputs": results["outputs"][:1]})
            results["outputs"] = results["outputs"][1:]
            (folder / name).write_text(json.dumps(notebook))
    folders = [project.runs / f"20260101T090000Z-t-{end}" for end in ("aaaaaaaa", "bbbbbbbb")]
    checks, _ = compare_outputs(*(side(folder, look(folder)) for folder in folders), 1e-9)
    assert {check.name: check.verdict for check in checks} == {
        "ending": Verdict.IDENTICAL,
        "seconds": None,
        "rows": Verdict.IDENTICAL,
        "cell 4": None,
    }


def test_a_run_without_an_output_notebook_is_compared_by_its_template(project, make):
    (make("aaaaaaaa", cell("print(1)", stream("1"))) / "output.ipynb").unlink()
    make("bbbbbbbb", cell("print(1)", stream("1")))
    assert {c.section for c in both(project).changes} <= {"code", "cell"}


def test_a_run_without_its_environment_says_so(project, make):
    (make("aaaaaaaa") / "environment.txt").unlink()
    make("bbbbbbbb")
    assert [(c.section, c.name, c.a, c.b) for c in both(project).changes] == [("environment", "environment.txt", "", "there")]


def test_a_run_that_is_not_there_is_the_users_mistake(project, make):
    make("aaaaaaaa")
    with pytest.raises(UnknownName):
        both(project)
    with pytest.raises(BadInput, match="compares nothing"):
        both(project, tolerance=1.0)


@pytest.fixture
def page(project, make, tmp_path):
    """The page of two runs that hold evil text everywhere."""
    for end, word in (("aaaaaaaa", "one"), ("bbbbbbbb", "two")):
        outputs = (
            stream(f"{word} {EVIL}"),
            stream(f"{word} {EVIL}", "stderr"),
            shown(text_html=f"<b>{word}</b>{EVIL}", image_png=PNG if word == "one" else PNG[:-4] + "AAAA"),
            shown(**{"image_svg+xml": f"<svg onload='alert(1)'>{word}</svg>"}),
            shown(image_png=f'x" onerror="alert(1)" {word}'),
            {"output_type": "error", "ename": EVIL, "evalue": word, "traceback": [EVIL]},
        )
        make(
            end,
            cell(f"{word}()  # {EVIL}", *outputs),
            environment=f"{EVIL}=={word}  sha256:aa\n",
            figures={EVIL: f"{word} {EVIL}"},
            record={"template": f"{word} {EVIL}", "inputs": (Input(name=EVIL, sha256=word),)},
            **{EVIL: f"{word} {EVIL}"},
        )
    return both(project, html=tmp_path / "page.html"), (tmp_path / "page.html").read_text()


def test_no_text_of_a_notebook_becomes_markup(page):
    _, html = page
    assert "<script" not in html.lower()
    assert "onerror=" not in re.sub(r">[^<]*<", "><", html)  # not inside a tag
    assert html.count("&lt;script&gt;") > 10


def test_the_page_holds_all_it_needs_and_fetches_nothing(page):
    _, html = page
    assert f"data:image/png;base64,{PNG}" in html
    assert set(re.findall(r'src="([^;]+;)', html)) == {"data:image/png;", "data:image/svg+xml;"}
    assert re.findall(r"""(?:src|href|action)=["'](?!data:)|url\(""", re.sub(r">[^<]*<", "><", html)) == []
    assert "default-src 'none'" in html


def test_the_page_goes_where_it_is_wanted_or_into_the_project(project, page, tmp_path):
    found, html = page
    assert found.page == str(tmp_path / "page.html")
    made = both(project)
    assert made.page == str(project.state / "diffs" / f"{found.a}--{found.b}.html")
    assert (project.state / "diffs" / f"{found.a}--{found.b}.html").read_text() == html
