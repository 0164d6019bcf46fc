"""The engine's client of the kernel: papermill's own, which joins what a cell prints and keeps the run's journal.

Light to import, as `engine.py`, which is the only one to use it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import nbformat
import zmq
from nbclient.exceptions import CellExecutionComplete
from nbclient.util import run_sync
from papermill.clientwrap import PapermillNotebookClient

if TYPE_CHECKING:
    from workbench.production.secrecy.keeper import Keeper

JOURNAL_S = 0.5  # an output waits at most so long; with the 0.2 s that a kernel holds prints back, less than a second
BACKLOG = 100_000  # messages that may wait for us; ZeroMQ drops what comes beyond (its own measure, and the kernel's: 1000)
OUTPUTS = ("stream", "display_data", "execute_result", "error")


class RecordingClient(PapermillNotebookClient):  # type: ignore[misc]
    """papermill's client, with what a cell prints in one output instead of one a message, and everything in the journal."""

    keeper: Keeper | None = None  # of a run with secrets
    _woken = False  # is a timer set that writes the journal?

    def create_kernel_manager(self) -> Any:
        """The kernel's manager, whose connections lose less when a cell prints faster than we read."""
        manager = super().create_kernel_manager()
        if hasattr(manager, "context"):
            manager.context.rcvhwm = BACKLOG
        return manager

    async def async_execute_cell(self, cell: Any, cell_index: int, *args: Any, **kwargs: Any) -> Any:
        """A cell, as papermill's `execute_cell` runs it."""
        try:
            done = await super().async_execute_cell(cell, cell_index, *args, **kwargs)
        finally:
            if self.keeper:
                self.keeper.print_rest(cell)
        if self.keeper:
            await self.keeper.cell_done(cell_index)
        return done

    execute_cell = run_sync(async_execute_cell)

    def print_held(self, cell: Any, name: str, text: str) -> None:
        """Print what the keeper had held back."""
        self.nb_man.journal.print(cell.outputs, name, text)
        self.log_output_message(nbformat.from_dict({"output_type": "stream", "name": name, "text": text}))  # type: ignore[no-untyped-call]

    def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
        """The door: each message from the kernel that becomes something in the notebook enters here, and only here."""
        try:
            return super().process_message(self.keeper.cut(msg, cell) if self.keeper else msg, cell, cell_index)
        except CellExecutionComplete:
            self.nb_man.journal.settle()
            raise
        finally:
            self._journal_soon()
            if self._is_hooked(msg):  # nbclient answers the widget past asyncio, which may then miss the cell's own reply
                self.kc.shell_channel.socket.get(zmq.EVENTS)  # and looks again

    def output(self, outs: list[Any], msg: dict[str, Any], display_id: str | None, cell_index: int) -> Any:
        """An output: of the cell, or of a widget that has asked for it."""
        kind = msg["msg_type"]
        if self._is_hooked(msg) or kind not in OUTPUTS:
            return super().output(outs, msg, display_id, cell_index)
        if self.clear_before_next_output:
            self._clear(outs, cell_index)
        if kind == "stream":
            name, text = msg["content"]["name"], msg["content"]["text"]
            self.nb_man.journal.print(outs, name, text)
            return nbformat.from_dict({"output_type": "stream", "name": name, "text": text})  # type: ignore[no-untyped-call]
        output = super().output(outs, msg, display_id, cell_index)
        self.nb_man.journal.add(output)
        return output

    def clear_output(self, outs: list[Any], msg: dict[str, Any], cell_index: int) -> None:
        """The cell takes its outputs back, now or with the next one."""
        if self._is_hooked(msg) or msg["content"].get("wait"):
            super().clear_output(outs, msg, cell_index)
        else:
            self._clear(outs, cell_index)

    def _clear(self, outs: list[Any], cell_index: int) -> None:
        outs.clear()
        self.clear_display_id_mapping(cell_index)
        self.clear_before_next_output = False
        self.nb_man.journal.clear(outs)

    def _is_hooked(self, msg: dict[str, Any]) -> bool:
        """Has a widget asked for what this message brings?"""
        return bool(self.output_hook_stack[msg["parent_header"].get("msg_id")])

    def _update_display_id(self, display_id: str, msg: dict[str, Any]) -> None:
        super()._update_display_id(display_id, msg)
        for cell, indices in self._display_id_map.get(display_id, {}).items():
            for index in indices:
                self.nb_man.journal.change(cell, index, self.nb["cells"][cell]["outputs"][index])

    def _journal_soon(self) -> None:
        """See to it that what waits is written in time, whether the kernel speaks on or falls silent."""
        journal = self.nb_man.journal
        if journal.overdue or journal.waits_s > JOURNAL_S:
            journal.flush()
        elif journal.pending and not self._woken:
            self._woken = True
            asyncio.get_running_loop().call_later(JOURNAL_S, self._wake)

    def _wake(self) -> None:
        self._woken = False
        self.nb_man.journal.flush()
