import pytest
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from workbench.errors import BadInput, MachineError
from workbench.production.failure import failure
from workbench.records.run import FailureKind

ERROR = {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": ["\x1b[31mValueError\x1b[0m: no"]}


def notebook(*statuses, outputs=()):
    """Cells with papermill's marks; `outputs` are the last one's."""
    cells = [
        {
            "cell_type": "code",
            "source": f"cell {i}",
            "metadata": {
                "papermill": {
                    "status": status,
                    "start_time": None if status == "pending" else "then",
                    "end_time": "now" if status in ("completed", "failed") else None,
                }
            },
            "outputs": [],
        }
        for i, status in enumerate(statuses)
    ]
    cells[-1]["outputs"] = list(outputs)
    return {"cells": cells}


def test_nothing_that_fails_is_no_failure():
    assert failure(notebook("completed"), None) is None


def test_an_error_of_the_notebook_is_its_own_and_told_without_colours():
    told = failure(notebook("completed", "failed", outputs=[ERROR]), None)
    assert (told.kind, told.cell, told.source, told.message) == (FailureKind.CELL, 1, "cell 1", "no")
    assert told.traceback == ("ValueError: no",)


@pytest.mark.parametrize("status", ["running", "completed"])  # papermill closes a cell whatever happened in it
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (CellTimeoutError("A cell timed out\nafter 1 s\nhere it is"), FailureKind.CELL),
        (CellTimeoutError("A cell timed out\nTimeout waiting for IOPub output\nhere it is"), FailureKind.INFRASTRUCTURE),
        (DeadKernelError("Kernel died"), FailureKind.INFRASTRUCTURE),
        (RuntimeError("Kernel died before replying to kernel_info"), FailureKind.INFRASTRUCTURE),
        (MachineError("cannot write", why="the disk is full", fix="free some space"), FailureKind.INFRASTRUCTURE),
        (ConnectionResetError("gone"), FailureKind.INFRASTRUCTURE),
        (KeyboardInterrupt(), FailureKind.STOPPED),
        (SystemExit(143), FailureKind.STOPPED),
    ],
)
def test_what_breaks_out_of_the_engine_has_a_kind_and_the_cell_that_ran(error, kind, status):
    told = failure(notebook("completed", status, "pending"), error)
    assert (told.kind, told.cell, told.source) == (kind, 1, "cell 1")


def test_a_kernel_that_does_not_start_fails_in_no_cell():
    told = failure(notebook("pending"), RuntimeError("Kernel didn't respond in 60 seconds"))
    assert (told.kind, told.cell) == (FailureKind.INFRASTRUCTURE, None)


def test_a_wrong_result_is_the_notebooks_own_but_a_file_that_cannot_be_read_is_not():
    wrong, unread = BadInput("no such figure", why="it is wrong", fix="mend it"), PermissionError("no")
    assert failure(notebook("completed"), wrong, declared=True).kind is FailureKind.CELL
    assert failure(notebook("completed"), unread, declared=True).kind is FailureKind.INFRASTRUCTURE


def test_a_cell_over_its_time_is_told_in_one_line_without_the_cell():
    error = CellTimeoutError.error_from_timeout_and_cell("Cell execution timed out", 2, NotebookNode(source="sleep(9)"))
    told = failure(notebook("running"), error).message
    assert told == ("A cell timed out while it was being executed, after 2 seconds. The message was: Cell execution timed out.")
