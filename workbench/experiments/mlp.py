"""Training of the small perceptron in torch (`workbench.native.network` says what it is made of)."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from workbench.native.network import network
from workbench.plugins import need
from workbench.records.model import Task

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]
    Floats = NDArray[np.float64]

OnEpoch = Callable[[int, dict[str, float]], None]


class Rows(NamedTuple):
    """x: float32 [n, k]; y: [n] target (already divided by the weight, where there is one) or class index; weight: [n]."""

    x: Matrix
    y: Floats
    weight: Floats


def train(
    task: Task,
    fit_on: Rows,
    stop_on: Rows,
    classes: int,
    settings: Mapping[str, Any],
    seed: int,
    *,
    on_epoch: OnEpoch = lambda _epoch, _losses: None,
) -> torch.nn.Module:
    """Fit by AdamW, and keep the epoch with the lowest loss on `stop_on`; stop after `patience` epochs without a better.

    Loss: weighted Poisson for the output 'exp' (Σ w (ŷ − y log ŷ), ŷ = exp(out)), squared error of the standardised
    target for 'linear', cross-entropy for classes.
    on_epoch: told the number of each epoch, from 1, with its losses. Equal seed, threads and versions give equal weights.
    """
    torch = need("torch", extra="torch")
    positive = settings["output"] == "exp"
    with _reproducible(torch, seed, int(settings["threads"])):
        model: Any = network(task, fit_on.x.shape[1], classes, settings)
        _standardise(torch, model, fit_on, standardise_target=task == "regression" and not positive)
        loss = _loss(torch, task, model, positive=positive)
        x, y, weight = _tensors(torch, task, fit_on)
        held = _tensors(torch, task, stop_on)
        optimiser = torch.optim.AdamW(
            model.layers.parameters(), lr=settings["learning_rate"], weight_decay=settings["weight_decay"]
        )
        best, best_loss, since = copy.deepcopy(model.state_dict()), float("inf"), 0
        for epoch in range(1, int(settings["epochs"]) + 1):
            model.train()
            total = 0.0
            for rows in torch.randperm(len(x)).split(int(settings["batch_rows"])):
                optimiser.zero_grad()
                value = loss(x[rows], y[rows], weight[rows])
                value.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
                optimiser.step()
                total += float(value.detach()) * len(rows)
            model.eval()
            with torch.no_grad():
                held_loss = float(loss(*held))
            on_epoch(epoch, {"loss": total / len(x), "validate_loss": held_loss})
            since += 1
            if held_loss < best_loss:
                best, best_loss, since = copy.deepcopy(model.state_dict()), held_loss, 0
            if since >= int(settings["patience"]):
                break
        model.load_state_dict(best)
        model.eval()
    return model  # type: ignore[no-any-return]


@contextmanager
def _reproducible(torch: Any, seed: int, threads: int) -> Iterator[None]:
    """Seed and thread count decide the weights, so both are fixed here and given back after."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(before)


def _standardise(torch: Any, model: Any, rows: Rows, *, standardise_target: bool) -> None:
    """Set the network's mean and spread from the training rows; a column without spread keeps 1."""
    import numpy as np

    mean = np.nan_to_num(np.nanmean(rows.x, axis=0, dtype=np.float64))
    spread = np.nan_to_num(np.nanstd(rows.x, axis=0, dtype=np.float64))
    model.mean.copy_(torch.as_tensor(mean, dtype=torch.float32))
    model.spread.copy_(torch.as_tensor(np.where(spread > 0, spread, 1.0), dtype=torch.float32))
    if standardise_target:
        model.target_mean.fill_(float(np.average(rows.y, weights=rows.weight)))
        model.target_spread.fill_(float(rows.y.std()) or 1.0)


def _tensors(torch: Any, task: Task, rows: Rows) -> tuple[Any, Any, Any]:
    kind = torch.float32 if task == "regression" else torch.int64
    weight = rows.weight / rows.weight.mean()
    return torch.as_tensor(rows.x), torch.as_tensor(rows.y, dtype=kind), torch.as_tensor(weight, dtype=torch.float32)


def _loss(torch: Any, task: Task, model: Any, *, positive: bool) -> Callable[[Any, Any, Any], Any]:
    """(x, y, weight) -> mean loss, a scalar tensor."""
    if task != "regression":
        return lambda x, y, weight: (torch.nn.functional.cross_entropy(model.raw(x), y, reduction="none") * weight).mean()
    if not positive:
        return lambda x, y, weight: (torch.square(model.raw(x) - (y - model.target_mean) / model.target_spread) * weight).mean()

    def poisson(x: Any, y: Any, weight: Any) -> Any:
        out = model.raw(x)
        return ((torch.exp(out) - y * out) * weight).mean()

    return poisson
