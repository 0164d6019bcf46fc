"""The perceptron as a torch module, and its file: tensors only, so that reading one runs no code."""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workbench.errors import BadInput
from workbench.plugins import need
from workbench.records.model import Task, TrainedModel

if TYPE_CHECKING:
    import torch


def network(task: Task, features: int, classes: int, settings: Mapping[str, Any]) -> torch.nn.Module:
    """The untrained network.

    Its forward takes float32 [n, features], NaN = missing (counts as the training mean), and returns float32: for a
    regression [n], for a classification [n, classes] probabilities. settings["output"] of a regression: 'exp' for targets
    that cannot be negative, 'linear' for others.
    """
    torch = need("torch", extra="torch")
    from torch import nn

    positive = settings["output"] == "exp"

    class Perceptron(nn.Module):
        """Standardise, hidden layers with ReLU, one linear output, and the link of the task."""

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("mean", torch.zeros(features))
            self.register_buffer("spread", torch.ones(features))
            self.register_buffer("target_mean", torch.zeros(()))
            self.register_buffer("target_spread", torch.ones(()))
            layers: list[nn.Module] = []
            width = features
            for hidden in settings["hidden"]:
                layers += [nn.Linear(width, hidden), nn.ReLU(), nn.Dropout(settings["dropout"])]
                width = hidden
            self.layers = nn.Sequential(*layers, nn.Linear(width, 1 if task == "regression" else classes))

        def raw(self, x: Any) -> Any:
            """Before the link: [n], log of the target or standardised target; or [n, classes] logits."""
            x = torch.where(torch.isnan(x), self.mean, x)
            # A value 10 spreads away says no more than "far out"; unbounded, one outlier would rule the exp below.
            x = torch.clamp((x - self.mean) / self.spread, -10.0, 10.0)
            out = self.layers(x)
            return out.squeeze(-1) if task == "regression" else out

        def forward(self, x: Any) -> Any:
            out = self.raw(x)
            if task != "regression":
                return torch.softmax(out, dim=-1)
            return torch.exp(out) if positive else out * self.target_spread + self.target_mean

    return Perceptron()


def dump_network(module: torch.nn.Module) -> bytes:
    """Its tensors as a torch file."""
    torch = need("torch", extra="torch")
    file = io.BytesIO()
    torch.save(module.state_dict(), file)
    return file.getvalue()


def load_network(data: bytes, trained: TrainedModel, *, source: str) -> torch.nn.Module:
    """The network that `trained` describes, with the tensors of a torch file, ready to predict. source: for the letter.

    Raises BadInput when the file holds anything but tensors, or tensors of another network.
    """
    torch = need("torch", extra="torch")
    module = network(trained.task, len(trained.encoding.features), len(trained.classes), trained.settings)
    try:
        module.load_state_dict(torch.load(io.BytesIO(data), weights_only=True))
    except (pickle.UnpicklingError, RuntimeError, KeyError, TypeError) as error:
        reason = str(error).strip().splitlines()[0][:300]
        raise BadInput(f"{source} is not the network of its model.json", why=reason, fix="train the model again") from error
    return module.eval()
