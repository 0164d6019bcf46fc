"""Bundles as an enemy would make them: each is a letter or a finding that fails, never a traceback, and nothing is unpacked."""

import hashlib
import json
import os
import zipfile

import pytest

from workbench.errors import BadInput, UnknownName, UserError
from workbench.findings import Outcome
from workbench.production.compare.archive import findings, open_bundle
from workbench.production.compare.bundle import bundle
from workbench.production.compare.manifest import is_safe
from workbench.production.compare.verify import verify

TOP = "20260101T090000Z-t-aaaaaaaa"


@pytest.fixture
def packed(project, make, tmp_path):
    """A whole bundle, and a function that packs it anew with changes: `spoil(entries={name: bytes | None}, manifest=…)`."""
    (project.root / "in.csv").write_text("x\n1\n")
    make("aaaaaaaa", figures={"x": 1.5}, files={"deep/table.csv": b"x\n1.5\n"}, weeks=8)
    path = tmp_path / "whole.workbench.zip"
    bundle(project, "aaaaaaaa", to=path)

    def spoil(entries=None, manifest=None, more=()):
        with zipfile.ZipFile(path) as source:
            content = {info.filename: source.read(info) for info in source.infolist()}
        for name, data in (entries or {}).items():
            content[f"{TOP}/{name}"] = data
        if manifest:
            told = json.loads(content[f"{TOP}/manifest.json"])
            manifest(told)
            content[f"{TOP}/manifest.json"] = json.dumps(told).encode()
        made = tmp_path / "spoilt.workbench.zip"
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
            for name, data in content.items():
                if data is not None:
                    target.writestr(name, data)
            for info, data in more:
                target.writestr(info, data)
        return made

    return path, spoil


def failing(path):
    """The checks that fail, by what they say; the command line would exit with 1."""
    return {f.check: f.message for f in verify(str(path)).findings if f.outcome is Outcome.FAIL}


def listed(name, data=b"x"):
    """A change of the manifest that lists one file more."""

    def change(told):
        told["files"][name] = {"sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data)}

    return change


def test_a_whole_bundle_holds(packed):
    path, _ = packed
    assert failing(path) == {}
    assert next(f.message for f in verify(str(path)).findings).startswith("5 files, ")


@pytest.mark.parametrize("name", ["run/deep/table.csv", "run/output.ipynb", "run/environment.txt"])
def test_a_changed_file_is_named(packed, name):
    path, spoil = packed
    with zipfile.ZipFile(path) as source:
        was = source.read(f"{TOP}/{name}")
    found = failing(spoil({name: was[:-1] + b"#"}))
    assert found["bundle.file"].startswith(f"{name} has sha256 ")


def test_a_missing_and_an_extra_file_are_named(packed):
    _, spoil = packed
    assert failing(spoil({"run/deep/table.csv": None})) == {
        "bundle.missing": "run/deep/table.csv is in the manifest, and not in the bundle"
    }
    assert failing(spoil({"run/more.txt": b"x"})) == {
        "bundle.extra": "'run/more.txt' is in the bundle, and not in the manifest"
    }


def test_a_file_of_another_size_is_not_read(packed):
    _, spoil = packed
    assert failing(spoil({"run/deep/table.csv": b"x" * 100}))["bundle.size"].startswith("run/deep/table.csv has 100 bytes")


@pytest.mark.parametrize("cut", [1, 40, 2_000])
def test_a_bundle_whose_end_is_missing_is_told(packed, cut):
    path, _ = packed
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(BadInput, match="is no bundle of a run"):
        verify(str(path))


def test_a_byte_that_is_not_as_it_was_is_found_or_changes_no_content(packed):
    path, _ = packed
    whole = path.read_bytes()
    content = contents(path)
    for place in range(0, len(whole), 97):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            found = failing(path)
        except UserError:
            continue  # a letter
        assert found or contents(path) == content


def contents(path):
    with zipfile.ZipFile(path) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


@pytest.mark.parametrize(
    "name", ["../evil.txt", "run/../../evil.txt", "/evil.txt", "run\\..\\evil.txt", "run//evil.txt", "run/a\nb"]
)
def test_a_name_that_leaves_the_folder_is_refused(packed, tmp_path, name):
    _, spoil = packed
    spoilt = spoil({name: b"x"}, manifest=listed(name))
    assert "bundle.name" in failing(spoilt)
    with open_bundle(spoilt) as opened:
        opened.unpack("", tmp_path / "out")  # what verify does not do: even so it stays inside
    assert not list(tmp_path.rglob("evil.txt"))


def test_a_file_outside_of_the_bundles_folder_is_extra(packed):
    _, spoil = packed
    spoilt = spoil(more=[("elsewhere/x.txt", b"x"), ("x.txt", b"x")])
    assert len([f for f in verify(str(spoilt)).findings if f.check == "bundle.extra"]) == 2


@pytest.mark.parametrize("mode", [0o120777, 0o040755, 0o020666, 0o010644])
def test_a_link_or_a_device_is_refused(packed, mode):
    _, spoil = packed
    info = zipfile.ZipInfo(f"{TOP}/run/link")
    info.external_attr, info.create_system = mode << 16, 3
    spoilt = spoil(manifest=listed("run/link", b"/etc/passwd"), more=[(info, b"/etc/passwd")])
    assert failing(spoilt) == {"bundle.kind": "run/link is a link, a folder or a device, not a file"}


def test_a_name_that_is_there_twice_is_refused(packed):
    _, spoil = packed
    with pytest.warns(UserWarning, match="Duplicate name"):
        spoilt = spoil(more=[(f"{TOP}/run/input.ipynb", b"{}")])
    assert "bundle.twice" in failing(spoilt)


def test_a_bomb_is_not_unpacked(packed):
    _, spoil = packed

    def huge(told):
        told["files"]["run/log.txt"] = {"sha256": "0" * 64, "size_bytes": 10**13}

    spoilt = spoil({"run/log.txt": b"x"}, manifest=huge)
    with open_bundle(spoilt) as opened:
        (finding,) = findings(opened)
    assert (finding.check, finding.outcome) == ("bundle.size", Outcome.FAIL)
    assert finding.message.endswith("nothing was read")
    zeros = spoil({"run/deep/table.csv": b"\0" * 50_000_000})  # packs to 50 KB; the manifest states 6 bytes
    assert failing(zeros)["bundle.size"].startswith("run/deep/table.csv has 50,000,000 bytes")


def test_only_plain_ways_of_packing_are_read(packed):
    _, spoil = packed
    info = zipfile.ZipInfo(f"{TOP}/run/odd")
    info.compress_type = zipfile.ZIP_LZMA
    assert failing(spoil(manifest=listed("run/odd"), more=[(info, b"x")])) == {
        "bundle.kind": "run/odd is encrypted, or packed in a way that bundles are not"
    }


@pytest.mark.parametrize(
    "manifest",
    [
        lambda told: told.update(kind="run"),
        lambda told: told.update(version=99),
        lambda told: told.update(run_id="../x"),
        lambda told: told.update(files=[]),
        lambda told: told.pop("inputs"),
    ],
)
def test_a_manifest_that_is_none_is_a_letter(packed, manifest):
    _, spoil = packed
    with pytest.raises(BadInput):
        verify(str(spoil(manifest=manifest)))


def test_what_is_no_bundle_is_a_letter(packed, tmp_path):
    _, spoil = packed
    (tmp_path / "text.workbench.zip").write_text("no zip")
    with pytest.raises(BadInput, match="is no bundle"):
        verify(str(tmp_path / "text.workbench.zip"))
    with pytest.raises(UnknownName):
        verify(str(tmp_path / "nowhere.workbench.zip"))
    with pytest.raises(BadInput, match="is no bundle"):
        verify(str(spoil({"manifest.json": None})))
    with pytest.raises(BadInput, match="is no bundle"):
        verify(str(spoil({"manifest.json": b"[" * 100_000})))
    with pytest.raises(BadInput, match="it holds 2 files"):
        verify(str(spoil(more=[("other/manifest.json", b"{}")])))


def test_a_record_that_was_edited_with_its_manifest_still_does_not_fit_its_files(packed):
    _, spoil = packed

    def edited(**changes):
        path, _ = packed
        with zipfile.ZipFile(path) as source:
            record = json.loads(source.read(f"{TOP}/run/record.json"))
        data = json.dumps(record | changes).encode()
        return failing(spoil({"run/record.json": data}, manifest=listed("run/record.json", data)))

    assert set(edited(figures=[{"name": "x", "value": 0.5}])) == {"run.results"}
    assert set(edited(parameters={"weeks": 9})) == {"run.key"}
    assert set(edited(template_sha256="0" * 64)) == {"run.code", "run.key"}
    assert set(edited(run_id="other")) == {"run.manifest"}
    assert set(edited(state="running")) == {"run.ended"}
    assert set(edited(output_sha256="0" * 64)) == {"run.output"}
    assert set(edited(inputs=[{"name": "in.csv", "sha256": "0"}])) == {"run.manifest", "run.key"}
    (_, message), *_ = edited(kind="pipeline").items()
    assert "is no run record" in message


@pytest.mark.parametrize(
    ("name", "safe"),
    [("a", True), ("a/b.txt", True), ("é 😀/x:y", True), ("", False), ("a/", False), ("./a", False), ("a/./b", False)],
)
def test_names_that_stay_inside(name, safe):
    assert is_safe(name) is safe


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "d.workbench.zip")
    with pytest.raises(BadInput, match="is no bundle"):
        verify(str(tmp_path / "d.workbench.zip"))


def test_a_link_to_nowhere_is_a_letter(tmp_path):
    (tmp_path / "d.workbench.zip").symlink_to(tmp_path / "nowhere")
    with pytest.raises(UnknownName):
        verify(str(tmp_path / "d.workbench.zip"))
