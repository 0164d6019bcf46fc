from __future__ import annotations

import io
import pickle
from pathlib import Path

import pytest

from tests.export.conftest import numbers, papers
from workbench.errors import BadInput
from workbench.native.network import dump_network, load_network, network
from workbench.records.model import TrainedModel

torch = pytest.importorskip("torch", reason="the extra 'torch' is not installed")

SETTINGS = {"hidden": [8], "dropout": 0.3, "output": "exp"}


def described(**settings: object) -> TrainedModel:
    return papers(4, settings={**SETTINGS, **settings})


def test_a_network_comes_back_with_the_same_predictions():
    torch.manual_seed(0)
    module = network("regression", 4, 0, SETTINGS).eval()
    again = load_network(dump_network(module), described(), source="model.pt")
    x = torch.as_tensor(numbers())
    assert torch.equal(module(x), again(x))


def test_missing_values_count_as_the_mean_and_outliers_are_capped():
    module = network("regression", 4, 0, SETTINGS).eval()
    at_mean, missing = torch.zeros(1, 4), torch.full((1, 4), float("nan"))
    assert torch.equal(module(at_mean), module(missing))
    assert torch.equal(module(torch.full((1, 4), 10.0)), module(torch.full((1, 4), float("inf"))))


def test_tensors_of_another_network_are_refused():
    data = dump_network(network("regression", 4, 0, SETTINGS))
    with pytest.raises(BadInput, match=r"not the network of its model\.json"):
        load_network(data, described(hidden=[9]), source="model.pt")


class Payload:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("write", [pickle.dumps, lambda payload: saved(payload)])
def test_a_file_that_would_run_code_is_refused_and_does_not_run(tmp_path, write):
    with pytest.raises(BadInput):
        load_network(write({"layers.0.weight": Payload(tmp_path / "ran")}), described(), source="model.pt")
    assert not (tmp_path / "ran").exists()


def saved(payload: object) -> bytes:
    file = io.BytesIO()
    torch.save(payload, file)
    return file.getvalue()
