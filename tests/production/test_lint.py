import pytest

from tests.conftest import code, text, write_notebook
from workbench.findings import Outcome
from workbench.production.lint import lint
from workbench.production.templates import packaged

TITLE = text("# Title\n\nA sentence.")
CELL = code("seed: int = 0  # random seed", "parameters")
SEEDED = code("from workbench import production\nproduction.seed_everything(seed)")


def rules(project, *cells):
    write_notebook(project.root / "templates" / "t.ipynb", *cells)
    return {(f.check.removeprefix("lint."), f.outcome) for f in lint(project, "t").findings}


def test_a_good_template_has_one_finding_that_says_so(project):
    assert rules(project, TITLE, CELL, text("Seed."), SEEDED) == {("lint", Outcome.PASS)}


@pytest.mark.parametrize(
    ("cells", "rule", "outcome"),
    [
        ((TITLE, code("x = 1")), "parameters", Outcome.FAIL),
        ((TITLE, code("x: int = 1", "parameters")), "help", Outcome.WARN),
        ((TITLE, code("file: Path = None  # a file", "parameters")), "names", Outcome.FAIL),
        ((CELL,), "title", Outcome.WARN),
        ((TITLE, CELL, SEEDED), "sentence", Outcome.WARN),
        ((TITLE, CELL, text("Fit."), code("model.fit(x)")), "seed", Outcome.WARN),
        (
            (
                TITLE,
                CELL,
                text("Print."),
                {**code("print(1)"), "outputs": [{"output_type": "stream", "name": "stdout", "text": "1"}]},
            ),
            "outputs",
            Outcome.WARN,
        ),
        ((TITLE, CELL, text("Read."), code("open('/home/ana/x')")), "paths", Outcome.WARN),
        ((TITLE, CELL, text("Ask."), code("input('name?')")), "stdin", Outcome.FAIL),
        ((TITLE, CELL, text("Widget."), code("import ipywidgets")), "widgets", Outcome.WARN),
        ((TITLE, CELL, text("Torn."), code("def f(:")), "syntax", Outcome.FAIL),
    ],
)
def test_each_rule_finds_what_it_is_for(project, cells, rule, outcome):
    assert (rule, outcome) in rules(project, *cells)


def test_a_magic_is_left_to_ipython(project):
    assert ("syntax", Outcome.FAIL) not in rules(project, TITLE, CELL, text("List."), code("%timeit 1"))


@pytest.mark.parametrize("name", sorted(p.stem for p in packaged("templates").glob("*.ipynb")))
def test_every_shipped_template_is_clean(project, name):
    assert [f.message for f in lint(project, name).findings if f.outcome is not Outcome.PASS] == []
