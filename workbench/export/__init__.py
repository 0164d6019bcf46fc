"""Export: "prove that it is the same model, ship it". A trained model becomes an ONNX graph that was compared with it."""

from workbench.export.registry import ModelList, Verification, models, show, verify
from workbench.export.scorer import Scorer, load
from workbench.export.ship import export

__all__ = ["ModelList", "Scorer", "Verification", "export", "load", "models", "show", "verify"]
