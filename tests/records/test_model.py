"""The papers of a model can be read back as they were written, and say which of the two to use."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from workbench.errors import BadInput
from workbench.records.encoding import Column, Encoding
from workbench.records.model import Evaluation, FileHash, Gain, ModelManifest, Score, Split, TrainedModel


def gain(low: float, high: float) -> Gain:
    return Gain(metric="wape", unit="%", value=(low + high) / 2, low=low, high=high, entity="product_id", resamples=200)


def judged(split: str = "test") -> Evaluation:
    score = Score(metric="wape", unit="%", higher_is_better=False, model=45.7, baseline=52.75)
    return Evaluation(split=split, rows=21_049, baseline="column 'mean8'", scores=(score,), gain=gain(5.8, 8.9))


def trained(**changes: object) -> TrainedModel:
    fields = {
        "family": "histgb",
        "settings": {"trees": 120},
        "seed": 7,
        "refitted": True,
        "task": "regression",
        "target": "units",
        "scale": "level",
        "encoding": Encoding(columns=(Column(name="x", kind="numeric"),)),
        "split": Split(column="split"),
        "rows": {"train": 100, "test": 20},
        "evaluations": (judged("validate"), judged()),
        "files": {"model.skops": FileHash(sha256="ab", size_bytes=3)},
    }
    return TrainedModel.model_validate(fields | changes)


@pytest.mark.parametrize(("low", "high", "verdict"), [(1, 2, "model"), (-2, -1, "baseline"), (-1, 1, "not separable")])
def test_the_verdict_follows_from_the_interval(low: float, high: float, verdict: str):
    assert gain(low, high).verdict == verdict


def test_a_trained_model_is_read_back_as_it_was_written():
    assert TrainedModel.parse(trained().dump(), source="here") == trained()


@pytest.mark.parametrize("classes", [(0, 1), (False, True), ("no", "yes")])
def test_classes_keep_their_type_through_json(classes: tuple[object, ...]):
    back = TrainedModel.parse(trained(task="binary", classes=classes).dump(), source="here")
    assert [type(c) for c in back.classes] == [type(c) for c in classes]
    assert back.positive == classes[1]


def test_only_a_binary_task_has_a_positive_class():
    assert trained().positive is None


def test_an_evaluation_is_found_by_its_split():
    assert trained().evaluation("validate") == judged("validate")
    assert trained().evaluation("stress") is None


def test_the_view_shows_model_beside_baseline():
    view = trained().view()
    assert view.rows == (("wape (%)", "45.7", "52.75"),)
    assert ("verdict", "model") in view.facts


def test_a_split_in_two_ways_is_refused():
    with pytest.raises(BadInput, match="in one way only"):
        Split(column="split", time_column="week")


@pytest.mark.parametrize(("test", "validate"), [(0, 0.2), (0.6, 0.4), (-0.1, 0)])
def test_a_split_that_leaves_a_part_empty_is_refused(test: float, validate: float):
    with pytest.raises(BadInput, match="test needs some rows"):
        Split(test_share=test, validate_share=validate)


def test_a_manifest_is_read_back_as_it_was_written():
    manifest = ModelManifest(
        name="demand",
        model_version=3,
        created=datetime(2026, 11, 22, tzinfo=UTC),
        family="histgb",
        task="regression",
        target="units",
        scale="level",
        encoding=trained().encoding,
        files={"model.onnx": FileHash(sha256="cd", size_bytes=2048)},
        evaluations=(judged(),),
        opset=17,
    )
    assert ModelManifest.parse(manifest.dump(), source="here") == manifest
    assert manifest.view().rows == (("model.onnx", "2.0", "cd"),)
