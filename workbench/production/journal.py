"""The journal of a run, for those who read it: what its cells have said so far, appended to `cells.jsonl` as they say it.

Nothing that is written is written again for each cell, so a run's saves cost what its outputs weigh; and a run that is
killed loses at most the last moment. When the run ends its notebook is written once and the journal goes; `recover` does
that for a run that could not do it itself. `journal_writer.py` writes it. One JSON object a line:

    {"journal": 1, "writing": n}                             the n-th file of this run (a long one is written anew, shorter)
    {"notebook": {…}}                                        the notebook as the run began, without outputs
    {"cell": 3, "metadata": {…}, "execution_count": 2}       a cell begins or has ended: papermill's status says which
    {"cell": 3, "print": "stdout", "text": "…"}              and `add`, `clear`, `change`: a step of `Outputs.apply`
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, BinaryIO

from workbench.production.outputs import Outputs
from workbench.records.files import cannot_write, write_atomic

NAME = "cells.jsonl"
OUTPUT = "output.ipynb"
LOST = "RunLost"

Step = dict[str, Any]


class Follower:
    """Reads the notebook of the run in `folder` again and again while it grows; each look costs what is new."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._head, self._offset = b"", 0
        self._notebook: dict[str, Any] | None = None
        self._cells: dict[int, Outputs] = {}

    def notebook(self) -> dict[str, Any] | None:
        """The notebook as far as the run has got: of an ended run its output; None before it began.

        Each cell that began carries papermill's `status` in its metadata (`running`, `completed`, `failed`).
        """
        try:
            with open(self._folder / NAME, "rb") as file:
                self._read(file.readline(), file)
        except FileNotFoundError:
            try:
                ended: dict[str, Any] = json.loads((self._folder / OUTPUT).read_bytes())
            except FileNotFoundError:
                return None
            return ended
        for outputs in self._cells.values():
            outputs.settle()
        return self._notebook

    def _read(self, head: bytes, file: BinaryIO) -> None:
        if head != self._head:  # another file than at the last look
            self._head, self._offset = head, len(head)
            self._notebook, self._cells = None, {}
        file.seek(self._offset)
        for line in file:
            if not line.endswith(b"\n"):
                return  # it is being written, or was torn by a crash
            self._offset += len(line)
            self._take(json.loads(line))

    def _take(self, step: Step) -> None:
        if "notebook" in step:
            self._notebook = step["notebook"]
            return
        assert self._notebook is not None  # it stands above all steps
        cell = self._notebook["cells"][step["cell"]]
        if "metadata" in step:
            cell["metadata"] = step["metadata"]
            if "outputs" in cell:
                cell["execution_count"] = step["execution_count"]
        else:
            self._cells.setdefault(step["cell"], Outputs(cell["outputs"])).apply(step)


def read(folder: Path) -> dict[str, Any] | None:
    """The notebook of the run in `folder` as far as it has got; None when it has not begun."""
    return Follower(folder).notebook()


def recover(folder: Path) -> None:
    """Write output.ipynb for a run that is lost, from its journal, and mark the cell that ran. Again is no matter.

    A run without a journal is left as it is: it has not begun, or has written its output. Raises MachineError.
    """
    path, output = folder / NAME, folder / OUTPUT
    if path.exists() and not output.exists():
        notebook = read(folder)
        if notebook is not None and "cells" in notebook:
            _mark(notebook)
            write_atomic(output, json.dumps(notebook, indent=1, sort_keys=True).encode())
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error


def _mark(notebook: dict[str, Any]) -> None:
    """The cell that ran has failed, and says why."""
    for cell in notebook["cells"]:
        mark = cell["metadata"].get("papermill", {})
        if mark.get("status") != "running":
            continue
        mark |= {"status": "failed", "exception": True}
        notebook["metadata"].setdefault("papermill", {})["exception"] = True
        if "outputs" in cell:
            told = "the run's process was killed while this cell ran"
            cell["outputs"].append({"output_type": "error", "ename": LOST, "evalue": told, "traceback": [f"{LOST}: {told}"]})
