import json
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import as_nobody, needs_root
from workbench.errors import MachineError
from workbench.production.journal import NAME, Follower, read, recover
from workbench.production.journal_writer import Journal

PICTURE = {"output_type": "display_data", "data": {"text/plain": "a picture"}, "metadata": {}}


def cell(index, status="pending"):
    mark = {"status": status, "start_time": None, "end_time": None}
    return {
        "cell_type": "code",
        "id": f"cell-{index}",
        "metadata": {"papermill": mark},
        "source": f"{index}",
        "outputs": [],
        "execution_count": None,
    }


def notebook(cells=3):
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"papermill": {}}, "cells": [cell(i) for i in range(cells)]}


def begin(journal, nb, index):
    nb["cells"][index]["metadata"]["papermill"]["status"] = "running"
    journal.start(index)
    return nb["cells"][index]["outputs"]


def end(journal, nb, index, status="completed"):
    nb["cells"][index]["metadata"]["papermill"]["status"] = status
    nb["cells"][index]["execution_count"] = index + 1
    journal.end(index)


def killed(folder):
    """A run that was killed in its second cell: a notebook, and what its journal holds."""
    nb = notebook()
    journal = Journal(folder, nb)
    journal.print(begin(journal, nb, 0), "stdout", "one")
    end(journal, nb, 0)
    journal.print(begin(journal, nb, 1), "stdout", "two")
    journal.flush()
    return journal, nb


def printed(nb):
    return ["".join(o.get("text", "") for o in cell["outputs"]) for cell in nb["cells"]]


def statuses(nb):
    return [cell["metadata"]["papermill"]["status"] for cell in nb["cells"]]


OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("print"), st.sampled_from(["stdout", "stderr"]), st.text(max_size=20)),
        st.tuples(st.sampled_from(["add", "clear", "flush", "look", "next"])),
        st.tuples(st.just("change"), st.integers(0, 3)),
    ),
    max_size=40,
)


@given(OPERATIONS, st.sampled_from([0, 500, 10**6]))
def test_whoever_reads_sees_what_the_run_has_seen(operations, slack_bytes):
    """Whatever a run does, and however often its journal is written anew: one who has followed it sees its notebook."""
    with TemporaryDirectory() as place:
        nb = notebook(cells=50)
        journal = Journal(Path(place), nb, slack_bytes=slack_bytes)
        follower = Follower(Path(place))
        index, outs = 0, begin(journal, nb, 0)
        for name, *rest in operations:
            pictures = [i for i, o in enumerate(outs) if o["output_type"] == "display_data"]
            if name == "print":
                journal.print(outs, *rest)
            elif name == "add":
                outs.append(dict(PICTURE))
                journal.add(outs[-1])
            elif name == "clear":
                outs.clear()
                journal.clear(outs)
            elif name == "change" and pictures:
                at = pictures[rest[0] % len(pictures)]
                outs[at]["data"] = {"text/plain": f"picture {rest[0]}"}
                journal.change(index, at, outs[at])
            elif name == "flush":
                journal.flush()
            elif name == "look":
                follower.notebook()
            elif name == "next":
                end(journal, nb, index)
                index += 1
                outs = begin(journal, nb, index)
        end(journal, nb, index)
        assert follower.notebook() == read(Path(place)) == nb
        journal.remove()


def test_a_killed_run_is_written_as_far_as_it_got(tmp_path):
    killed(tmp_path)
    recover(tmp_path)
    saved = json.loads((tmp_path / "output.ipynb").read_text())
    assert (printed(saved), statuses(saved)) == (["one", "two", ""], ["completed", "failed", "pending"])
    assert saved["cells"][1]["outputs"][-1]["evalue"] == "the run's process was killed while this cell ran"
    assert [path.name for path in tmp_path.iterdir()] == ["output.ipynb"]


def test_recovering_again_changes_nothing(tmp_path):
    killed(tmp_path)
    recover(tmp_path)
    first = (tmp_path / "output.ipynb").read_bytes()
    recover(tmp_path)
    assert (tmp_path / "output.ipynb").read_bytes() == first


def test_the_output_that_a_run_has_written_itself_is_left_as_it_is(tmp_path):
    killed(tmp_path)
    (tmp_path / "output.ipynb").write_text("its own")
    recover(tmp_path)
    assert ((tmp_path / "output.ipynb").read_text(), (tmp_path / NAME).exists()) == ("its own", False)


def test_a_run_that_never_began_is_left_as_it_is(tmp_path):
    recover(tmp_path)
    assert (list(tmp_path.iterdir()), read(tmp_path)) == ([], None)


@given(st.integers(0, 10**6))
def test_a_journal_torn_anywhere_is_read_up_to_there(cut):
    with TemporaryDirectory() as place:
        killed(Path(place))
        path = Path(place) / NAME
        lines = path.read_bytes().splitlines(keepends=True)
        whole = b"".join(lines)
        torn = whole[: len(lines[0]) + len(lines[1]) + cut % (len(whole) - len(lines[0]) - len(lines[1]))]
        path.write_bytes(torn)
        recover(Path(place))
        assert printed(json.loads((Path(place) / "output.ipynb").read_text())) in (
            ["", "", ""],
            ["one", "", ""],
            ["one", "two", ""],
        )


def test_what_was_taken_back_before_anybody_saw_it_is_not_written(tmp_path):
    nb = notebook()
    journal = Journal(tmp_path, nb)
    outs = begin(journal, nb, 0)
    size_bytes = journal.size_bytes
    for _ in range(100):
        journal.print(outs, "stdout", "x" * 10_000)
        journal.clear(outs)
    journal.flush()
    assert journal.size_bytes - size_bytes < 100


def test_a_journal_stays_as_long_as_what_it_says_times_three(tmp_path):
    nb = notebook()
    journal = Journal(tmp_path, nb, slack_bytes=10_000)
    outs = begin(journal, nb, 0)
    for _ in range(200):
        journal.print(outs, "stdout", "x" * 1000)
        journal.flush()
        journal.clear(outs)
    assert (tmp_path / NAME).stat().st_size < 20_000
    journal.print(outs, "stdout", "the end")
    journal.flush()
    assert printed(read(tmp_path))[0] == "the end"


def test_what_an_endless_cell_prints_is_written_at_most_its_end_at_a_time(tmp_path):
    nb = notebook()
    journal = Journal(tmp_path, nb)
    outs = begin(journal, nb, 0)
    for _ in range(60):
        journal.print(outs, "stdout", "x" * 2**20)
    journal.flush()
    assert journal.size_bytes < 17 * 2**20
    assert len(printed(read(tmp_path))[0]) < 17 * 2**20


@needs_root
def test_a_journal_that_cannot_be_written_is_told_when_the_cell_ends(tmp_path):
    """Told earlier, it would end the task that reads the kernel's messages, and nobody would hear of it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("may not mount here")
    try:
        nb = notebook()
        journal = Journal(disk, nb)
        outs = begin(journal, nb, 0)
        journal.print(outs, "stdout", "before")
        journal.flush()
        journal.print(outs, "stdout", "x" * 200_000)
        journal.flush()
        journal.print(outs, "stdout", "after")
        with pytest.raises(MachineError, match=NAME):
            end(journal, nb, 0)
        assert printed(read(disk))[0] == "before"
        journal.remove()
    finally:
        subprocess.run(["umount", disk], check=True)


@needs_root
def test_a_lost_run_that_one_may_only_read_can_still_be_read():
    with TemporaryDirectory() as place:
        folder = Path(place)
        killed(folder)
        folder.chmod(0o755)

        def act():
            try:
                recover(folder)
            except MachineError as error:
                return error.why, printed(read(folder))
            return None

        assert as_nobody(act) == ("you may not write there", ["one", "two", ""])
