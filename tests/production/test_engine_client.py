"""The client of the kernel, with real kernels."""

import json

import pytest

from workbench.production.launch import run
from workbench.records.run import State

pytestmark = pytest.mark.slow


def test_a_widget_that_takes_the_prints_of_a_cell_does_not_hang_the_run(project, template):
    """nbclient's own answer to such a widget may make it miss that the cell has ended; papermill then waits for ever."""
    cell = "with box:\n    print('a')\n    print('b', end='', flush=True)\n    print('c')"
    template("boxes", "x: int = 0  # nothing", "import ipywidgets\nbox = ipywidgets.Output()\nbox", *[cell] * 20)
    record = run(project, "boxes", timeout=60)
    assert record.state is State.DONE
    notebook = json.loads((project.runs / record.run_id / "output.ipynb").read_text())
    states = notebook["metadata"]["widgets"]["application/vnd.jupyter.widget-state+json"]["state"].values()
    (printed,) = (s["state"]["outputs"] for s in states if s["model_name"] == "OutputModel")
    assert "".join(o["text"] for o in printed) == "a\nbc\n" * 20
