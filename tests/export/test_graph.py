from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from workbench.errors import NotExportable
from workbench.export.graph import canonical
from workbench.export.scorer import Session


def model(*, inputs: tuple[str, ...] = ("x",), doc: str = "") -> onnx.ModelProto:
    """x -> (twice = x + x, unused = x * 3), with a doc string and metadata wherever one can stand."""
    nodes = [
        helper.make_node("Add", ["x", "x"], ["twice"], doc_string=doc),
        helper.make_node("Mul", ["x", "three"], ["unused"], doc_string=doc),
    ]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 1], doc_string=doc) for name in inputs]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 1]) for name in ("twice", "unused")]
    three = numpy_helper.from_array(np.array([3], dtype=np.float32), "three")
    graph = helper.make_graph(nodes, doc or "g", values, outputs, [three], doc_string=doc)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("", 18)], ir_version=9)
    made.metadata_props.add(key="place", value=doc)
    graph.node[0].metadata_props.add(key="place", value=doc)
    return made


def test_only_the_kept_output_and_what_it_hangs_on_stay():
    read = onnx.load_from_string(canonical(model(), keep=0, output="prediction"))
    assert [node.op_type for node in read.graph.node] == ["Add"]
    assert [tensor.name for tensor in read.graph.initializer] == []
    assert [value.name for value in read.graph.output] == ["prediction"]
    assert [(opset.domain, opset.version) for opset in read.opset_import] == [("", 18)]


@pytest.mark.parametrize(("keep", "factor"), [(0, 2), (1, 3)])
def test_the_renamed_graph_runs(keep, factor):
    session = Session(canonical(model(), keep=keep, output="prediction"), "regression")
    assert session(np.array([[1], [5]], dtype=np.float32)).tolist() == [factor, 5 * factor]


def test_where_a_graph_was_made_cannot_be_read_from_its_bytes():
    here, there = (canonical(model(doc=doc), keep=0, output="prediction") for doc in ("/home/ana/train.py", "/srv/job.py"))
    assert here == there
    assert b".py" not in here


def test_a_graph_of_two_inputs_is_refused():
    with pytest.raises(NotExportable, match="takes 2 inputs"):
        canonical(model(inputs=("x", "y")), keep=0, output="prediction")


def test_values_that_a_subgraph_takes_from_around_it_are_renamed_and_kept():
    inner = helper.make_graph(
        [helper.make_node("Mul", ["x", "three"], ["y"])], "inner", [],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])],
    )  # fmt: skip
    made = model()
    made.graph.initializer.append(numpy_helper.from_array(np.array(True), "always"))
    made.graph.node.append(helper.make_node("If", ["always"], ["tripled"], then_branch=inner, else_branch=inner))
    made.graph.output.append(helper.make_tensor_value_info("tripled", TensorProto.FLOAT, [None, 1]))
    session = Session(canonical(made, keep=2, output="prediction"), "regression")
    assert session(np.array([[4]], dtype=np.float32)).tolist() == [12]
