import re

import pytest

from tests.conftest import as_nobody, needs_root
from workbench.errors import MachineError
from workbench.production.run_folder import new_run_folder, run_folders


def test_the_name_is_time_template_and_eight_hex(tmp_path):
    assert re.fullmatch(r"\d{8}T\d{6}Z-train-[0-9a-f]{8}", new_run_folder(tmp_path, "train").name)


@pytest.mark.parametrize("name", ["../../etc", "<script>", "", "a b/c", "." * 300])
def test_no_name_leaves_the_folder_it_belongs_in(tmp_path, name):
    folder = new_run_folder(tmp_path / "runs", name)
    assert folder.parent == tmp_path / "runs"
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", folder.name)


def test_many_at_once_never_share_a_folder(tmp_path):
    assert len({new_run_folder(tmp_path, "t") for _ in range(200)}) == 200


@needs_root
def test_a_read_only_project_is_told_as_such(tmp_path):
    def attempt():
        with pytest.raises(MachineError) as caught:
            new_run_folder(tmp_path, "t")
        return caught.value.why

    assert as_nobody(attempt) == "you may not write there"
    assert list(tmp_path.iterdir()) == []


def test_a_file_where_the_folder_should_be_is_told(tmp_path):
    (tmp_path / "runs").write_text("x")
    with pytest.raises(MachineError, match="cannot write"):
        new_run_folder(tmp_path / "runs", "t")


def test_folders_are_found_by_their_whole_name(tmp_path):
    made = {name: new_run_folder(tmp_path, name) for name in ("two", "one-two", "a [b]")}
    assert {name: run_folders(tmp_path, name) for name in made} == {name: [folder] for name, folder in made.items()}
