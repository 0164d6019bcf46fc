from __future__ import annotations

import pytest
from sklearn.linear_model import Ridge

from tests.export.conftest import numbers
from workbench.errors import UnknownName
from workbench.export.registry import models, show, verify
from workbench.export.ship import export
from workbench.export.sklearn_onnx import SklearnExporter
from workbench.findings import Outcome, worst

exporter = SklearnExporter()

X = numbers()


@pytest.fixture
def exported(project, leave):
    folder = leave(Ridge().fit(X, X[:, 0]), X)
    for name in ("demand", "demand", "other"):
        export(project, folder, name=name, exporter=exporter)
    return project


def test_the_list_holds_the_newest_version_of_each_model(exported):
    listed = models(exported)
    assert [(m.name, m.model_version) for m in listed.models] == [("demand", 2), ("other", 1)]
    assert [row[:2] for row in listed.view().rows] == [("demand", "2"), ("other", "1")]


def test_a_project_without_models_lists_none(project):
    assert models(project).models == ()


def test_a_broken_manifest_is_a_finding_and_hides_no_other_model(exported):
    (exported.models / "demand" / "2" / "manifest.json").write_text("{")
    listed = models(exported)
    assert [m.name for m in listed.models] == ["other"]
    assert [f.outcome for f in listed.findings] == [Outcome.FAIL]


def test_a_version_is_shown_by_its_number(exported):
    assert show(exported, "demand").model_version == 2
    assert show(exported, "demand", version=1).model_version == 1
    with pytest.raises(UnknownName, match="there is '1', '2'"):
        show(exported, "demand", version=3)


def test_untouched_files_verify(exported):
    checked = verify(exported, "demand", version=1)
    assert worst(checked.findings) is Outcome.PASS
    assert [f.evidence["file"] for f in checked.findings] == ["model.onnx", "card.md", "manifest.json"]


def test_a_changed_file_a_stranger_and_a_changed_manifest_are_all_named(exported):
    folder = exported.models / "demand" / "2"
    (folder / "card.md").write_text("# better than it is")
    (folder / "extra.bin").write_bytes(b"x")
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"created_by": "ana"', '"created_by": "bob"'))
    found = {f.evidence["file"]: f.outcome for f in verify(exported, "demand").findings}
    assert found == {
        "model.onnx": Outcome.PASS,
        "card.md": Outcome.FAIL,
        "extra.bin": Outcome.WARN,
        "manifest.json": Outcome.FAIL,
    }


def test_a_model_copied_from_another_project_is_inconclusive_not_fine(exported):
    exported.audit.path.unlink()
    assert worst(verify(exported, "demand").findings) is Outcome.INCONCLUSIVE
