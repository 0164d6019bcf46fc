from __future__ import annotations

import hashlib
import logging
import subprocess
import sys

import numpy as np
import onnx
import pytest

from tests.export.conftest import numbers, papers
from workbench.errors import NotExportable
from workbench.export.scorer import Session
from workbench.export.torch_onnx import TorchExporter
from workbench.native.network import network

exporter = TorchExporter()

torch = pytest.importorskip("torch", reason="the extra 'torch' is not installed")

X = numbers()
X[::7, 2] = np.nan


def perceptron(task: str, output: str = "linear") -> torch.nn.Module:
    torch.manual_seed(0)
    return network(task, 4, {"regression": 0, "binary": 2, "multiclass": 3}[task], {
        "hidden": [8], "dropout": 0.3, "output": output,
    }).eval()  # fmt: skip


@pytest.mark.parametrize(
    ("task", "output"), [("regression", "linear"), ("regression", "exp"), ("binary", "auto"), ("multiclass", "auto")]
)
def test_the_link_and_missing_values_are_inside_the_graph_and_any_batch_goes(task, output):
    model = perceptron(task, output)
    session = Session(exporter.to_onnx(model, papers(4, task)), task)
    for rows in (X, X[:1], X[:3]):
        assert session(rows) == pytest.approx(exporter.predict(model, rows, task), abs=1e-6)


def test_the_graph_holds_no_path_and_no_stack_trace():
    graph = exporter.to_onnx(perceptron("regression", "exp"), papers(4))
    assert b".py" not in graph
    assert b"stack_trace" not in graph
    onnx.checker.check_model(onnx.load_from_string(graph), full_check=True)


@pytest.mark.slow
def test_equal_models_give_equal_bytes_in_another_process_too():
    here = hashlib.sha256(exporter.to_onnx(perceptron("binary"), papers(4, "binary"))).hexdigest()
    script = (
        "import hashlib; from tests.export.test_torch_onnx import exporter, papers, perceptron;"
        "print(hashlib.sha256(exporter.to_onnx(perceptron('binary'), papers(4, 'binary'))).hexdigest())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == here


def test_a_module_that_cannot_be_traced_is_refused():
    class Branching(torch.nn.Module):
        def forward(self, x):
            return x[:, 0] if x.sum() > 0 else x[:, 1]

    with pytest.raises(NotExportable, match="free of branches"):
        exporter.to_onnx(Branching(), papers(4))


def test_the_exporters_chatter_is_silenced_and_its_level_given_back(capfd):
    level = logging.getLogger("torch.onnx").level
    exporter.to_onnx(perceptron("regression"), papers(4))
    assert capfd.readouterr().out == ""
    assert logging.getLogger("torch.onnx").level == level
