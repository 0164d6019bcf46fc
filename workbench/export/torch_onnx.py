"""The exporter `torch`: torch modules through torch.onnx (the dynamo exporter)."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from workbench.errors import NotExportable
from workbench.export.graph import canonical
from workbench.export.interface import INPUT, OPSET, output_name
from workbench.native.network import load_network
from workbench.plugins import need
from workbench.records.model import Task, TrainedModel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class TorchExporter:
    """See `Exporter`. The module's forward gives final predictions: exp, softmax or rescaling stand inside it."""

    file = "model.pt"
    packages = ("torch", "onnxscript")

    def load(self, data: bytes, trained: TrainedModel) -> Any:
        return load_network(data, trained, source=self.file)

    def refuse(self, native: Any) -> None:
        """Nothing is known to convert wrongly; the gate judges every module."""

    def predict(self, native: Any, x: NDArray[np.float32], task: Task) -> NDArray[np.float64]:
        torch = need("torch", extra="torch")
        import numpy as np

        with torch.inference_mode():
            return np.asarray(native.eval()(torch.as_tensor(x)).numpy(), dtype=np.float64)

    def to_onnx(self, native: Any, trained: TrainedModel) -> bytes:
        torch = need("torch", extra="torch")
        need("onnxscript", extra="torch")
        rows = torch.zeros(2, len(trained.encoding.features))  # two: a batch of one would become a constant
        output = output_name(trained.task)
        try:
            with _quiet():
                program = torch.onnx.export(
                    native.eval(),
                    (rows,),
                    dynamo=True,
                    dynamic_shapes=({0: torch.export.Dim("rows")},),
                    input_names=[INPUT],
                    output_names=[output],
                    opset_version=OPSET,
                    verbose=False,
                )
        except Exception as error:  # torch.export reports whatever it cannot trace by errors of many classes
            raise NotExportable(
                f"{type(native).__name__} cannot be converted to ONNX",
                why=f"torch.onnx: {type(error).__name__}: {str(error).strip().splitlines()[0][:300]}",
                fix="keep forward free of branches that depend on values, or train the family 'mlp'",
            ) from error
        return canonical(program.model_proto, keep=0, output=output)


@contextmanager
def _quiet() -> Iterator[None]:
    """torch.onnx talks of its own progress and of packages nobody asked for; its errors still come through."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)
