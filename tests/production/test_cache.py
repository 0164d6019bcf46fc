"""The cache: a hit only when everything that an equal run stood on is the same today."""

import shutil

import pytest

from tests.conftest import code, write_notebook
from workbench.production import cache
from workbench.production.launch import run
from workbench.production.ledger import Ledger
from workbench.production.templates import load
from workbench.project import look
from workbench.records.run import State

pytestmark = pytest.mark.slow

BODY = """
from pathlib import Path
from workbench import production
production.record("size", len(Path(data).read_text()), headline=True)
(production.folder() / "copy.txt").write_text(Path(data).read_text())
production.artifact("copy", production.folder() / "copy.txt")
"""


@pytest.fixture
def first(project, template):
    """A run that read data.txt by a parameter and extra.txt by a literal; its record."""
    (project.root / "data.txt").write_text("12345")
    (project.root / "extra.txt").write_text("x")
    template("count", "from pathlib import Path\ndata: Path = None  # a file\nseed: int = 0", BODY, "open('extra.txt').read()")
    return run(project, "count", parameter={"data": "data.txt"})


def hit(project, **values):
    _, notebook, _ = load(project, "count")
    found = cache.find(project, notebook, {"data": "data.txt", "seed": 0} | values)
    return found and found.run_id


def test_a_run_is_answered_by_an_equal_one_as_long_as_nothing_has_changed(project, template, first):
    """One kernel, and then all the ways in which the answer would be wrong."""
    assert (first.state, first.accepted, first.generation, first.reused) == (State.DONE, True, 1, False)
    assert hit(project) == first.run_id
    again = run(project, "count", parameter={"data": "data.txt"})
    assert (again.run_id, again.reused) == (first.run_id, True)
    assert [e["event"] for e in project.audit.entries()][-1] == "run.cached"
    assert not look(project.runs / first.run_id).reused  # an answer's field, never on disk

    assert hit(project, seed=1) is None
    shutil.copy(project.root / "data.txt", project.root / "moved.txt")
    assert hit(project, data="moved.txt") == first.run_id  # the same content under another name

    def changed(path, text):
        before = path.read_text()
        path.write_text(text)
        answer = hit(project)
        path.write_text(before)
        assert hit(project) == first.run_id
        return answer

    assert changed(project.root / "data.txt", "other") is None
    assert changed(project.root / "extra.txt", "other") is None
    assert changed(project.root / "policy.toml", "[roles]\n") is None
    assert changed(project.runs / first.run_id / "copy.txt", "tampered") is None
    assert changed(project.runs / first.run_id / "output.ipynb", "tampered") is None
    assert changed(project.root / "templates" / "count.ipynb", (project.root / "templates/count.ipynb").read_text()) is not None

    (project.root / "helper.py").write_text("x = 1")  # a module that the notebook could import
    assert hit(project) is None
    (project.root / "helper.py").unlink()

    (project.root / ".workbench" / "ledger.db").unlink()
    assert hit(project) == first.run_id  # built anew from the folders

    template("count", "from pathlib import Path\ndata: Path = None  # a file\nseed: int = 0", BODY, "open('extra.txt')")
    assert hit(project) is None


def test_fresh_runs_again_and_opens_the_next_generation(project, first):
    second = run(project, "count", parameter={"data": "data.txt"}, fresh=True)
    assert (second.run_key, second.generation, second.accepted) == (first.run_key, 2, True)
    assert hit(project) == second.run_id
    shutil.rmtree(project.runs / second.run_id)
    assert hit(project) == first.run_id


def test_a_template_with_effects_is_never_answered_from_the_cache(project):
    write_notebook(project.root / "templates" / "act.ipynb", code("n: int = 0", "parameters", "workbench:effects"), code("n"))
    runs = [run(project, "act") for _ in range(2)]
    assert [(r.reused, r.accepted) for r in runs] == [(False, True)] * 2
    assert [r.generation for r in runs] == [1, 2]


def test_a_failed_run_answers_nothing(project, template):
    template("count", "data: str = 'data.txt'\nseed: int = 0", "1/0")
    assert run(project, "count").state is State.FAILED
    assert hit(project) is None
    assert Ledger(project).ids(states=(State.FAILED,)) != []
