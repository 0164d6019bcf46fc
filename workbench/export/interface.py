"""What an exporter is: the plug-in group `workbench.exporters`. Ours are `sklearn` and `torch`.

The graph that an exporter makes is the contract between training and serving:

    input   features     float32 [rows, features]   the matrix of the model's encoding, rows free
    output  prediction   float [rows] or [rows, 1]  regression: the target, divided by the scale where there is one
            probability  float [rows, classes]      classification: one for each class, in the order of `classes`
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from workbench.records.model import Task, TrainedModel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

INPUT = "features"
OPSET = 18  # of ONNX; old enough for every runtime since 2023, and one constant, so that equal models give equal bytes


def output_name(task: Task) -> str:
    """The graph's one output for a task."""
    return "prediction" if task == "regression" else "probability"


class Exporter(Protocol):
    """Turns one kind of native model into an ONNX graph. An entry point names the class; it is made without arguments.

    file: the native file that it reads, such as `model.skops`.
    load: the native model from the bytes of `file` (their hash is checked); must not run code that they bring along.
    refuse: raises NotExportable for what is known to convert wrongly, with the reason and the way out.
    predict: the original's output for float32 [n, features], as float64 [n] or [n, classes]; ValueError for values that
        the model does not take.
    to_onnx: the graph of the module's docstring; raises NotExportable. Equal models give equal bytes.
    packages: the distributions whose versions belong into the manifest.
    """

    file: str
    packages: tuple[str, ...]

    def load(self, data: bytes, trained: TrainedModel) -> Any: ...

    def refuse(self, native: Any) -> None: ...

    def predict(self, native: Any, x: NDArray[np.float32], task: Task) -> NDArray[np.float64]: ...

    def to_onnx(self, native: Any, trained: TrainedModel) -> bytes: ...
