"""The exporter `sklearn`: scikit-learn estimators through skl2onnx."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from workbench.errors import NotExportable
from workbench.export import known_bad
from workbench.export.graph import canonical
from workbench.export.interface import INPUT, OPSET, output_name
from workbench.native.estimator import load_estimator
from workbench.plugins import need
from workbench.records.model import Task, TrainedModel

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SHIM = threading.Lock()


class SklearnExporter:
    """See `Exporter`. Classes are the indices 0, 1, … that the train step fits on."""

    file = "model.skops"
    packages = ("scikit-learn", "skl2onnx", "skops")

    def load(self, data: bytes, trained: TrainedModel) -> Any:
        return load_estimator(data, source=self.file)

    def refuse(self, native: Any) -> None:
        known_bad.refuse(native)

    def predict(self, native: Any, x: NDArray[np.float32], task: Task) -> NDArray[np.float64]:
        import numpy as np

        return np.asarray(native.predict(x) if task == "regression" else native.predict_proba(x), dtype=np.float64)

    def to_onnx(self, native: Any, trained: TrainedModel) -> bytes:
        skl2onnx = need("skl2onnx", extra="ml")
        from skl2onnx.common.data_types import FloatTensorType

        matrix = FloatTensorType([None, len(trained.encoding.features)])
        options = {} if trained.task == "regression" else {"zipmap": False}  # a tensor of probabilities, no dictionaries
        try:
            with bools_as_ints():
                model = skl2onnx.convert_sklearn(
                    with_float32_thresholds(native),
                    initial_types=[(INPUT, matrix)],
                    options=options,
                    target_opset={"": OPSET, "ai.onnx.ml": 3},
                )
        except Exception as error:  # skl2onnx raises whatever a converter meets: KeyError, NameError, RuntimeError, …
            reason = str(error).strip() or repr(error)
            raise NotExportable(
                f"{type(native).__name__} cannot be converted to ONNX",
                why=f"skl2onnx: {type(error).__name__}: {reason.splitlines()[0][:300]}",
                fix="train one of the families linear, histgb or mlp, or an estimator that skl2onnx lists as supported",
            ) from error
        # Of a classifier's outputs (label, probabilities) the label is left out: it follows from the probabilities.
        return canonical(model, keep=0 if trained.task == "regression" else 1, output=output_name(trained.task))


def with_float32_thresholds(native: Any) -> Any:
    """A copy whose boosted trees split at float32 numbers, and send every float32 row where the original sends it.

    The converter rounds a threshold t to the nearest float32; where that lies above t, a value equal to it takes the
    other branch (on columns of large numbers half of all splits). Rounded down, v ≤ t holds for the same float32 v.
    """
    import copy

    import numpy as np

    native = copy.deepcopy(native)
    for part in known_bad.estimators(native):
        for stage in getattr(part, "_predictors", ()):
            for tree in stage:
                exact = tree.nodes["num_threshold"]
                with np.errstate(over="ignore"):
                    rounded = exact.astype(np.float32)
                tree.nodes["num_threshold"] = np.where(rounded > exact, np.nextafter(rounded, np.float32(-np.inf)), rounded)
    return native


@contextmanager
def bools_as_ints() -> Iterator[None]:
    """Give ONNX nodes ints where skl2onnx 1.20 gives Python bools, which protobuf from 7.34 on refuses in int attributes.

    Only for the duration of the call, one call at a time. A test fails when skl2onnx no longer needs it: then it goes.
    """
    container: Any = need("skl2onnx.common._container", extra="ml")
    with _SHIM:
        original = container.make_node

        def make_node(*names: Any, **attributes: Any) -> Any:
            return original(*names, **{key: _int_for_bool(value) for key, value in attributes.items()})

        container.make_node = make_node
        try:
            yield
        finally:
            container.make_node = original


def _int_for_bool(value: Any) -> Any:
    """A bool, or bools in a list or array, as ints; anything else as it is."""
    import numpy as np

    if isinstance(value, bool | np.bool_):
        return int(value)
    if isinstance(value, np.ndarray) and value.dtype == np.bool_:
        return value.astype(np.int64)
    if isinstance(value, list | tuple) and any(isinstance(item, bool | np.bool_) for item in value):
        return [_int_for_bool(item) for item in value]
    return value
