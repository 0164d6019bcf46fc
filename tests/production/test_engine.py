"""The papermill engine `workbench`, called by papermill itself as a scheduler would."""

import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from itertools import groupby

import pytest

from tests.conftest import code, write_notebook
from workbench.production import journal
from workbench.production.outputs import KEPT
from workbench.production.runs import runs
from workbench.production.sockets import leftover_sockets
from workbench.records.run import FailureKind, RunRecord, State

pytestmark = pytest.mark.slow

BODY = "from workbench import production\nproduction.record('twice', 2 * weeks, headline=True)\nprint('said')\nweeks"


def papermill(folder, *words):
    command = [sys.executable, "-m", "papermill", *words, "--no-progress-bar"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


def meaning(path):
    """What an executed notebook says, without times and ids, with what is printed in one piece: when the kernel sends it is
    chance."""
    cells = json.loads(path.read_text())["cells"]
    return [
        (
            c["cell_type"],
            "".join(c["source"]),
            c.get("execution_count"),
            joined(c.get("outputs", ())),
            {k: v for k, v in c["metadata"].get("papermill", {}).items() if k in ("status", "exception")},
        )
        for c in cells
    ]


def joined(outputs):
    told = []
    for name, group in groupby(outputs, key=lambda o: o.get("name")):
        if name is None:
            told += group
        else:
            told.append((name, "".join("".join(o["text"]) for o in group)))
    return told


def test_any_scheduler_that_calls_papermill_leaves_our_record_in_the_project(project, template):
    path = template("hello", "weeks: int = 8  # weeks [4..52]", BODY)
    done = papermill(project.root, "--engine", "workbench", str(path), str(project.root / "out.ipynb"), "-p", "weeks", "9")
    assert done.returncode == 0, done.stderr
    (record,) = runs(project).runs
    assert (record.state, record.parameters, record.headline.value, record.template) == (State.DONE, {"weeks": 9}, 18, "hello")
    assert (
        json.loads((project.runs / record.run_id / "input.ipynb").read_text())["cells"][1]["source"]
        == "weeks: int = 8  # weeks [4..52]"
    )


def test_outside_a_project_the_record_lies_beside_the_output(tmp_path, template):
    path = template("hello", "weeks: int = 8  # weeks [4..52]", BODY)
    done = papermill(tmp_path, "--engine", "workbench", str(path), "out.ipynb", "-p", "weeks", "99")
    assert done.returncode == 0, done.stderr
    record = RunRecord.load(next(tmp_path.glob("*-hello-*/record.json")))
    assert (record.state, [f.outcome for f in record.findings]) == (State.DONE, ["warn"])
    assert "less than or equal to 52" in record.findings[0].message


@pytest.mark.parametrize("wrong", [("weeks", "99"), ("wekes", "9")])
def test_inside_a_project_a_wrong_parameter_is_refused_before_a_kernel_starts(project, template, wrong):
    path = template("hello", "weeks: int = 8  # weeks [4..52]", BODY)
    done = papermill(project.root, "--engine", "workbench", str(path), "out.ipynb", "-p", *wrong)
    assert (done.returncode, project.runs.exists()) == (1, False)
    assert "fix: workbench production show hello" in done.stderr


RICH = (
    "import sys, time\nfrom IPython.display import HTML, clear_output, display",
    "for i in range(3):\n    print(i, flush=True)\nprint('warned', file=sys.stderr)\nsys.stderr.flush()\nprint('after')",
    "display(HTML('<b>bold</b>'), metadata={'isolated': True})\n{'a': 1}",
    "progress = display('0 %', display_id='progress')\nsame = display('the same', display_id='progress')",
    "progress.update('100 %')\nprint('updated from a later cell')",
    "print('gone')\nclear_output()\nprint('stays')",
    "print('waits', flush=True)\ntime.sleep(0.3)\nclear_output(wait=True)\ndisplay('takes its place')",
    "print('x')\nclear_output(wait=True)",
    "from IPython.display import Image\nImage(b'\\x89PNG', format='png')",
    "1 / 0",
    "print('never')",
)


def test_the_executed_notebook_is_that_of_the_stock_engine(project):
    path = write_notebook(project.root / "rich.ipynb", *(code(source) for source in RICH))
    for engine, out in (("nbclient", "stock.ipynb"), ("workbench", "ours.ipynb")):
        assert papermill(project.root, "--engine", engine, str(path), out).returncode == 1
    ours, stock = (meaning(project.root / name) for name in ("ours.ipynb", "stock.ipynb"))
    assert ours == stock
    said = {cell[1]: cell[3] for cell in ours}
    assert (said[RICH[5]], said[RICH[6]][0]["data"]) == ([("stdout", "stays\n")], {"text/plain": ["'takes its place'"]})
    (record,) = runs(project).runs
    assert (record.state, record.failure.name, record.failure.kind) == (State.FAILED, "ZeroDivisionError", FailureKind.CELL)
    assert (project.root / "ours.ipynb").read_bytes() == (project.runs / record.run_id / "output.ipynb").read_bytes()


def test_a_cell_over_its_time_ends_as_with_the_stock_engine(project):
    path = write_notebook(project.root / "slow.ipynb", code("print('begun')\nimport time\ntime.sleep(60)"), code("1"))
    for engine, out in (("nbclient", "stock.ipynb"), ("workbench", "ours.ipynb")):
        done = papermill(project.root, "--engine", engine, "--execution-timeout", "2", str(path), out)
        assert (done.returncode, "CellTimeoutError" in done.stderr) == (1, True)
    assert meaning(project.root / "ours.ipynb") == meaning(project.root / "stock.ipynb")
    (record,) = runs(project).runs
    assert (record.state, record.failure.kind, record.failure.cell) == (State.FAILED, FailureKind.CELL, 0)


def test_what_a_run_has_said_a_second_ago_outlives_its_process(tmp_path):
    """Ticks while it prints, silence after; then it is killed. Half of the looks must find what is at most a second old:
    all would, on a machine that does nothing else."""
    first = "handle = display('old', display_id=True)\nprint('first')"
    ticks = "import time\nhandle.update('new')\nfor _ in range(30):\n    print(time.time(), flush=True)\n    time.sleep(0.1)"
    path = write_notebook(tmp_path / "ticks.ipynb", code(first), code(f"{ticks}\nprint('last')\ntime.sleep(600)"))
    command = [sys.executable, "-m", "papermill", "--engine", "workbench", str(path), "out.ipynb", "--no-progress-bar"]
    child = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        ages_s = []
        said = [""]
        late_s = time.monotonic() + 60
        while "last" not in said[-1] and time.monotonic() < late_s:
            time.sleep(0.1)
            folder = next(tmp_path.glob("*-ticks-*"), None)
            notebook = folder and journal.read(folder)
            if notebook and notebook["cells"][1]["outputs"]:
                said = notebook["cells"][1]["outputs"][0]["text"].split()
                if len(said) < 30:
                    ages_s.append(time.time() - float(said[-1]))
    finally:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    assert said[-1] == "last"
    (sockets,) = leftover_sockets(folder.name)
    shutil.rmtree(sockets)
    assert statistics.median(ages_s) < 1.0
    journal.recover(folder)
    saved = json.loads((folder / "output.ipynb").read_text())["cells"]
    assert [o.get("text") or o["data"]["text/plain"] for o in saved[0]["outputs"]] == ["'new'", "first\n"]
    assert saved[1]["outputs"][0]["text"].split() == said
    assert [cell["metadata"]["papermill"]["status"] for cell in saved] == ["completed", "failed"]


def test_a_hundred_megabytes_of_prints_are_read_to_their_end_and_cut_in_the_middle(tmp_path):
    prints = "print('first')\nfor number in range(2000):\n    print(f'{number:08d}' * 6250)\nprint('last')"
    path = write_notebook(tmp_path / "loud.ipynb", code(prints))
    done = papermill(tmp_path, "--engine", "workbench", str(path), "out.ipynb")
    assert done.returncode == 0, done.stderr
    (output,) = json.loads((tmp_path / "out.ipynb").read_text())["cells"][0]["outputs"]
    text = "".join(output["text"])
    total = len("first\n") + 2000 * 50_001 + len("last\n")
    (told,) = (line for line in text.splitlines() if "left out" in line)
    left_out = int(told.split()[0].strip("[").replace(",", ""))
    assert (text.startswith("first\n00000000"), text.endswith("1999\nlast\n")) == (True, True)
    assert len(text) - len(f"\n{told}\n") + left_out == total
    assert KEPT * 0.99 < len(text) < KEPT * 1.01


def test_every_template_of_ours_runs_with_plain_papermill_as_far_as_its_first_cell():
    """Stock papermill reads the parameters cell: nothing in it may need our engine."""
    from workbench.production.templates import packaged

    for path in packaged("templates").glob("*.ipynb"):
        done = subprocess.run([sys.executable, "-m", "papermill", "--help-notebook", str(path)], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_the_engine_is_light_to_import():
    """papermill loads every registered engine: ours must not make it slower, nor load what only a run needs."""
    code = (
        "import sys, papermill.engines; before = set(sys.modules); import workbench.production.engine;"
        "print(sorted(m for m in set(sys.modules) - before if not m.startswith('workbench')))"
        "; print(sorted(m for m in sys.modules if m.startswith('workbench')))"
    )
    added, ours = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    assert added == "[]"
    mine = ["workbench", "workbench.production", "workbench.production.engine", "workbench.production.engine_client"]
    assert ours == str(mine)
