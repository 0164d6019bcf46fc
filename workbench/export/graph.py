"""One form for every ONNX graph, so that equal models give equal bytes and no file tells where it was made."""

from __future__ import annotations

from typing import Any

from workbench.errors import NotExportable
from workbench.export.interface import INPUT


def canonical(model: Any, *, keep: int, output: str) -> bytes:
    """The bytes of an onnx.ModelProto with its one input and its `keep`-th output, renamed to the contract's names.

    What only other outputs need is left out; so are doc strings, metadata (they hold paths and stack traces) and shape
    hints. Raises NotExportable when the graph takes more than one input.
    """
    graph = model.graph
    constants = {tensor.name for tensor in graph.initializer}
    taken = [value for value in graph.input if value.name not in constants]
    if len(taken) != 1:
        raise NotExportable(
            f"the graph takes {len(taken)} inputs",
            why="a model here takes one float32 matrix [rows, features]",
            fix="fit it on the matrix of its encoding",
        )
    kept = graph.output[keep]
    _rename(graph, {kept.name: output, taken[0].name: INPUT})
    kept.name, taken[0].name = output, INPUT
    del graph.output[keep + 1 :], graph.output[:keep]
    _prune(graph, {output})
    _strip(model)
    return bytes(model.SerializeToString(deterministic=True))


def _rename(graph: Any, names: dict[str, str]) -> None:
    """Give values other names, in subgraphs too (they may refer to values around them)."""
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
        for inner in _subgraphs(node):
            _rename(inner, names)


def _prune(graph: Any, needed: set[str]) -> None:
    """Keep the nodes that `needed` hangs on, in their order, and the constants that these use."""
    kept = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            kept.append(node)
            needed |= _uses(node)
    nodes, constants = kept[::-1], [tensor for tensor in graph.initializer if tensor.name in needed]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.initializer.extend(constants)


def _uses(node: Any) -> set[str]:
    inner = (_uses(each) for graph in _subgraphs(node) for each in graph.node)
    return set(node.input).union(*inner)


def _subgraphs(node: Any) -> list[Any]:
    return [attribute.g for attribute in node.attribute if attribute.HasField("g")]


def _strip(model: Any) -> None:
    """Remove what does not change a prediction."""
    del model.metadata_props[:]
    model.ClearField("doc_string")
    versions = {opset.domain: opset.version for opset in model.opset_import}
    del model.opset_import[:]
    for domain, version in sorted(versions.items()):
        model.opset_import.add(domain=domain, version=version)
    model.graph.name = "model"
    for function in model.functions:
        _bare(function)
        for node in function.node:
            _bare(node)
    _strip_graph(model.graph)


def _strip_graph(graph: Any) -> None:
    del graph.value_info[:]
    for part in (graph, *graph.input, *graph.output, *graph.initializer, *graph.node):
        _bare(part)
    for node in graph.node:
        for attribute in node.attribute:
            attribute.ClearField("doc_string")
        for inner in _subgraphs(node):
            _strip_graph(inner)


def _bare(part: Any) -> None:
    part.ClearField("doc_string")
    part.ClearField("metadata_props")
