import json
import os

import nbformat
import pytest
from nbclient import NotebookClient

from workbench.findings import Outcome
from workbench.production.lint import lint
from workbench.production.results import RUN_FOLDER, collect
from workbench.production.templates import describe, load, packaged

PATH = packaged("templates") / "assess.ipynb"
HEAVY = ("sklearn", "torch", "mlflow", "matplotlib")


def test_the_template_is_a_clean_notebook(project):
    nbformat.validate(nbformat.read(PATH, as_version=4))
    assert [finding.outcome for finding in lint(project, "assess").findings] == [Outcome.PASS]


def test_it_asks_for_the_name_of_the_machine(project):
    assert describe(project, "assess").parameters == (
        ("environment", "str", "'this machine'", "label of the machine, shown on the scorecard"),
    )


def test_it_names_no_package_that_the_base_install_leaves_out(project):
    _, notebook, _ = load(project, "assess")
    assert not [name for name in HEAVY if name in notebook.raw.decode()]


@pytest.mark.slow
def test_in_a_project_without_datasets_it_declares_scorecard_pillars_and_findings(project, tmp_path):
    environ = {**os.environ, "WORKBENCH_PROJECT": str(project.root), RUN_FOLDER: str(tmp_path / "run")}
    environ["PYTHONPATH"] = os.pathsep.join([str(PATH.parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])])
    client = NotebookClient(nbformat.read(PATH, as_version=4), timeout=120, kernel_name="python3")
    executed = client.execute(env=environ, cwd=str(tmp_path))
    figures, artifacts, findings = collect(executed.cells)
    assert [figure.name for figure in figures if figure.headline] == ["readiness"]
    assert {artifact.name: artifact.path for artifact in artifacts} == {
        "scorecard": "scorecard.html",
        "markdown": "scorecard.md",
        "record": "scorecard.json",
    }
    written = json.loads((tmp_path / "run/scorecard.json").read_bytes())
    assert [finding.check for finding in findings] == [f"readiness.{result['check']}" for result in written["results"]]
    assert figures[0].value in (tmp_path / "run/scorecard.md").read_text().splitlines()[0]
