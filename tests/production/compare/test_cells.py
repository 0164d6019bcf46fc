import pytest

from tests.conftest import code, text, write_notebook
from tests.production.compare.conftest import cell, declared, shown, stream
from workbench.production.compare.cells import compare_pieces, plain, read_cells, telling
from workbench.production.compare.values import Verdict
from workbench.production.notebook import read_notebook
from workbench.records.run import Figure

A, B = "20260101T090000Z-t-aaaaaaaa", "20260101T090000Z-t-bbbbbbbb"


@pytest.fixture
def checks(tmp_path):
    """The checks of two cells by name, from their outputs."""

    def compare(a, b, tolerance=1e-9, tags=()):
        cells = []
        for run_id, outputs in ((A, a), (B, b)):
            path = write_notebook(tmp_path / f"{run_id}.ipynb", cell("f()", *outputs, tags=tags))
            cells += read_cells(read_notebook(path), run_id)
        return {check.name: check.verdict for check in compare_pieces(*cells, tolerance)}

    return compare


def test_what_changes_by_itself_is_no_difference(checks):
    def outputs(run_id, address, uuid, pid):
        return [
            stream(f"PosixPath('/home/x/p/.workbench/runs/{run_id}/t.txt')\n<f at {address}>\n"),
            stream(f"/tmp/ipykernel_{pid}/{pid}.py:3: UserWarning\n", "stderr"),
            shown(text_html=f'<div id="{uuid}">', **{"application_vnd.jupyter.widget-view+json": {"model_id": uuid}}),
        ]

    a = outputs(A, "0x7f3a12345678", "0b9b0cf1-0f0e-4a8e-9f5c-3f1f6f1d2c3b", 4242)
    b = outputs(B, "0x7f3affffffff", "11111111-0f0e-4a8e-9f5c-3f1f6f1d2c3b", 77)
    assert set(checks(a, b).values()) == {Verdict.IDENTICAL}
    assert "text/html" in checks(a, b)
    assert not any("widget" in name for name in checks(a, b))


def test_how_a_kernel_cuts_its_streams_is_no_difference(checks):
    a = [stream("one\ntwo\n"), stream("err\n", "stderr")]
    b = [stream("one\n"), stream("err\n", "stderr"), stream("two\n")]
    assert checks(a, b) == {"stdout": Verdict.IDENTICAL, "stderr": Verdict.IDENTICAL}


def test_each_representation_has_its_verdict(checks):
    a = [shown(text_plain="0.5", text_html="<b>0.5</b>", image_png="AAAA\n", application_json={"x": [1, "0.25"]})]
    b = [shown(text_plain="0.50", text_html="<i>0.5</i>", image_png="AAAA", application_json={"x": [1, "0.25"]})]
    assert checks(a, b) == {
        "application/json": Verdict.IDENTICAL,
        "image/png": Verdict.IDENTICAL,
        "text/html": Verdict.DIFFERENT,
        "text/plain": Verdict.WITHIN,
    }
    assert checks([shown(image_png="AAAA")], [shown(image_png="AAAB")]) == {"image/png": Verdict.DIFFERENT}


def test_an_output_that_only_one_run_has_is_different(checks):
    assert checks([stream("x")], []) == {"stdout": Verdict.DIFFERENT}
    assert checks([shown(text_plain="x")], [shown(text_plain="x"), shown(text_plain="y")]) == {
        "text/plain": Verdict.IDENTICAL,
        "text/plain #2": Verdict.DIFFERENT,
    }


def test_an_error_is_compared_without_its_colours(checks):
    def error(value, colour):
        trace = [f"\x1b[0;{colour}mValueError\x1b[0m: {value}"]
        return {"output_type": "error", "ename": "ValueError", "evalue": value, "traceback": trace}

    assert checks([error("x", 31)], [error("x", 32)]) == {"error": Verdict.IDENTICAL}
    assert checks([error("x", 31)], [error("y", 31)]) == {"error": Verdict.DIFFERENT}


def test_declared_results_are_no_outputs_of_their_cell(checks):
    assert checks([declared(Figure(name="a", value=1))], [declared(Figure(name="a", value=2))]) == {}


def test_halves_of_surrogate_pairs_do_no_harm(checks):
    assert checks([stream("\ud800")], [stream("?")]) == {"stdout": Verdict.IDENTICAL}


def test_places_are_those_of_the_executed_notebook_without_the_error_marker(tmp_path):
    path = write_notebook(
        tmp_path / "n.ipynb",
        code("marker", "papermill-error-cell-tag"),
        text("# T"),
        code("x = 1", "injected-parameters"),
        cell("print(x)", stream("1"), tags=("nbval-ignore-output",)),
    )
    found = read_cells(read_notebook(path), A)
    assert [(c.index, c.kind, c.source, c.compared) for c in found] == [
        (0, "markdown", "# T", True),
        (1, "code", "", True),
        (2, "code", "print(x)", False),
    ]


def test_a_path_ends_where_its_text_began():
    assert plain(f"see '/a b/runs/{A}/x' and {A}", A) == "see '/a <run>/x' and <run>"


def test_a_megabyte_without_spaces_is_masked_in_no_time():
    assert plain("a/" * 500_000 + A, A) == "<run>"


def test_markup_is_not_told_beside_the_same_plain_text(tmp_path):
    path = write_notebook(tmp_path / "n.ipynb", cell("f()", shown(text_plain="1", text_html="<b>1</b>")))
    other = write_notebook(tmp_path / "o.ipynb", cell("f()", shown(text_plain="2", text_html="<b>2</b>")))
    (a,), (b,) = (read_cells(read_notebook(p), "") for p in (path, other))
    found = compare_pieces(a, b, 0.0)
    assert [check.name for check in found] == ["text/html", "text/plain"]
    assert [check.name for check in telling(found)] == ["text/plain"]
