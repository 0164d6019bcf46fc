from pathlib import Path

import pytest

from workbench.readiness.mounts import Kind, file_system

LINE = "{id} 1 0:{id} / {point} rw,relatime shared:1 - {kind} source rw"


@pytest.fixture
def machine(tmp_path):
    """`machine(("/", "ext4"), ("/tmp", "tmpfs"))`: a root whose /proc/self/mountinfo lists these mounts."""

    def build(*mounts):
        (tmp_path / "proc/self").mkdir(parents=True)
        lines = (LINE.format(id=20 + i, point=point, kind=kind) for i, (point, kind) in enumerate(mounts))
        (tmp_path / "proc/self/mountinfo").write_text("\n".join(lines) + "\n")
        return tmp_path

    return build


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ext4", Kind.LOCAL),
        ("nfs4", Kind.NETWORK),
        ("fuse.sshfs", Kind.NETWORK),
        ("tmpfs", Kind.MEMORY),
        ("overlay", Kind.OVERLAY),
    ],
)
def test_every_type_has_its_kind(machine, name, kind):
    assert file_system(Path("/srv/p"), machine(("/", name))) == (name, kind)


def test_the_deepest_mount_holds_the_path(machine):
    root = machine(("/", "overlay"), ("/home", "nfs4"), ("/home/ana/fast", "xfs"))
    assert file_system(Path("/home/ana/fast/p"), root) == ("xfs", Kind.LOCAL)
    assert file_system(Path("/home/ana/p"), root) == ("nfs4", Kind.NETWORK)
    assert file_system(Path("/homework"), root) == ("overlay", Kind.OVERLAY)


def test_of_two_mounts_on_one_point_the_later_hides_the_earlier(machine):
    assert file_system(Path("/data/x"), machine(("/", "ext4"), ("/data", "xfs"), ("/data", "nfs")))[0] == "nfs"


def test_a_mount_point_with_a_space_is_found(machine):
    assert file_system(Path("/my data/x"), machine(("/", "ext4"), (r"/my\040data", "cifs"))) == ("cifs", Kind.NETWORK)


def test_this_machine_knows_its_own_root():
    name, kind = file_system(Path("/"))
    assert name
    assert kind is not Kind.UNKNOWN


def test_without_a_holding_mount_the_kind_is_unknown(machine):
    assert file_system(Path("/data"), machine(("/other", "ext4"))) == ("", Kind.UNKNOWN)
