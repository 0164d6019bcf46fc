from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from tests.conftest import NOON
from tests.export.conftest import papers
from workbench.errors import BadInput, MachineError, UnknownName
from workbench.export import store
from workbench.project import Project
from workbench.records.model import ModelManifest


def manifest(version: int) -> ModelManifest:
    trained = papers(1)
    return ModelManifest(
        name="demand", model_version=version, created=NOON, family="test", task="regression", target="y",
        encoding=trained.encoding, files={},
    )  # fmt: skip


def build(version: int) -> tuple[ModelManifest, dict[str, bytes]]:
    return manifest(version), {"model.onnx": b"graph", "card.md": f"version {version}".encode()}


def test_versions_count_from_one(project):
    assert [store.register(project, "demand", build).model_version for _ in range(3)] == [1, 2, 3]
    assert (project.models / "demand" / "3" / "card.md").read_text() == "version 3"


def test_two_exports_at_once_get_two_numbers(project):
    together = Barrier(2)

    def slow(version: int) -> tuple[ModelManifest, dict[str, bytes]]:
        if version == 1:
            together.wait(timeout=10)  # both have seen that there is no version yet
        return build(version)

    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda _: store.register(project, "demand", slow).model_version, range(2)))
    assert sorted(made) == [1, 2]
    assert {path.name for path in (project.models / "demand").iterdir()} == {"1", "2"}
    for version in (1, 2):
        assert ModelManifest.load(project.models / "demand" / str(version) / "manifest.json").model_version == version


def test_a_failed_write_leaves_nothing_behind(project):
    def broken(version: int) -> tuple[ModelManifest, dict[str, bytes]]:
        return manifest(version), {"model.onnx": b"graph", "no/such/\0file": b""}

    with pytest.raises((MachineError, ValueError)):
        store.register(project, "demand", broken)
    assert list((project.models / "demand").iterdir()) == []
    assert store.names(project) == []


def test_the_newest_version_is_the_greatest_number_not_the_last_word(project):
    for _ in range(11):
        store.register(project, "demand", build)
    assert store.folder(project, "demand", None).name == "11"


def test_a_name_or_version_that_is_not_there_is_answered_with_what_is(project: Project):
    store.register(project, "demand", build)
    with pytest.raises(UnknownName, match="did you mean 'demand'"):
        store.folder(project, "demnad", None)
    with pytest.raises(UnknownName, match="there is '1'"):
        store.folder(project, "demand", 7)


@pytest.mark.parametrize("name", ["", "../x", "a/b", "Demand", ".hidden", "a" * 65])
def test_a_name_that_is_no_folder_everywhere_is_refused(name):
    with pytest.raises(BadInput, match="cannot be a model's name"):
        store.require_name(name)
