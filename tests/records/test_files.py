import hashlib
import os
import subprocess

import pytest

from workbench.errors import MachineError
from workbench.records.files import sha256_file, write_atomic


def test_a_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path):
    path = tmp_path / "new" / "a.json"
    write_atomic(path, b"one")
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert [p.name for p in path.parent.iterdir()] == ["a.json"]


def test_writing_over_a_folder_fails_and_leaves_it(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(MachineError, match="cannot write"):
        write_atomic(tmp_path / "a", b"x")
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_keeps_the_old_file_and_says_so(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("this container may not mount")
    try:
        write_atomic(disk / "a.json", b"old")
        with pytest.raises(MachineError) as caught:
            write_atomic(disk / "a.json", b"x" * 200_000)
        assert caught.value.why == "the disk is full"
        assert (disk / "a.json").read_bytes() == b"old"
        assert [p.name for p in disk.iterdir()] == ["a.json"]
    finally:
        subprocess.run(["umount", disk], check=True)


def test_the_hash_of_a_folder_knows_names_and_contents(tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a").write_bytes(b"1")
    before = sha256_file(tmp_path / "d")
    (tmp_path / "d" / "a").rename(tmp_path / "d" / "b")
    renamed = sha256_file(tmp_path / "d")
    (tmp_path / "d" / "b").write_bytes(b"2")
    assert len({before, renamed, sha256_file(tmp_path / "d")}) == 3
    assert sha256_file(tmp_path / "d" / "b") == hashlib.sha256(b"2").hexdigest()
