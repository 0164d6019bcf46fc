"""The papermill engine `workbench`: stock execution, and our run record and journal beside it.

papermill imports every registered engine at its own start, so this module loads nothing of ours until a notebook runs and
must not fail. It is reached through papermill only: papermill loads it, never the other way round.
"""

from __future__ import annotations

import gc
import math
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from papermill.engines import NBClientEngine, NotebookExecutionManager
from papermill.exceptions import PapermillExecutionError
from papermill.iorw import papermill_io
from papermill.log import logger
from papermill.utils import merge_kwargs, remove_args
from traitlets.config import Config

from workbench.production.engine_client import RecordingClient

if TYPE_CHECKING:
    from workbench.production.journal_writer import Journal
    from workbench.production.recorder import Recorder

SAVE_S = 5.0  # between two saves of the notebook for people who watch it, and …
SAVE_COST = 20  # … at least so many times what one takes: the last one, or by its size if that has grown
SAVED_BYTES_S = 100e6  # of a notebook, in a second
BACKLOG_S = 60  # after a cell's end, until what waits is read (nbclient: 4); else its run has failed
QUICK_BYTES = 16 * 2**20  # of a journal: a notebook that is saved in a moment, even while its kernel speaks


class RecordingManager(NotebookExecutionManager):  # type: ignore[misc]
    """papermill's manager: it tells the recorder of each cell, and saves the caller's notebook now and then, not twice a cell.

    A notebook that lies in the run's own folder is not saved before the end: its journal is read instead.
    """

    def __init__(self, nb: Any, recorder: Recorder, output_path: str | None, **options: Any) -> None:
        super().__init__(nb, output_path=output_path, **options)
        self.recorder = recorder
        self.foreign = bool(output_path) and Path(str(output_path)) != recorder.folder / "output.ipynb"
        self.saved_s, self.cost_s = -math.inf, 0.0
        self.refused: PapermillExecutionError | None = None

    @property
    def journal(self) -> Journal:
        """Of the run, from notebook_start on."""
        assert self.recorder.journal is not None
        return self.recorder.journal

    def save(self, **kwargs: Any) -> None:
        """papermill calls it at each step. We save where nothing waits to be journalled, by `save_for_watchers`."""

    def save_for_watchers(self) -> None:
        """Save the caller's notebook, unless that was done too short a time ago for what it is expected to take."""
        started_s = time.monotonic()
        expected_s = max(self.cost_s, self.journal.size_bytes / SAVED_BYTES_S)
        if self.foreign and started_s - self.saved_s >= max(SAVE_S, SAVE_COST * expected_s):
            self.journal.settle()
            self.deliver(self.text())
            self.saved_s = time.monotonic()
            self.cost_s = self.saved_s - started_s

    def autosave_cell(self) -> None:
        """In the middle of a cell: only a notebook that is written in a moment, since the kernel's messages wait for it."""
        every_s = self.autosave_cell_every
        if every_s and time.monotonic() - self.saved_s >= every_s and self.journal.size_bytes < QUICK_BYTES:
            self.save_for_watchers()

    def notebook_start(self, **kwargs: Any) -> None:
        super().notebook_start(**kwargs)
        self.recorder.begin_notebook(self.nb, nbformat.NotebookNode)
        self.save_for_watchers()

    def cell_start(self, cell: Any, cell_index: int | None = None, **kwargs: Any) -> None:
        super().cell_start(cell, cell_index, **kwargs)
        self.recorder.cell(cell_index or 0, "running")
        self.save_for_watchers()

    def cell_complete(self, cell: Any, cell_index: int | None = None, **kwargs: Any) -> None:
        super().cell_complete(cell, cell_index, **kwargs)
        failed = cell.metadata.papermill["status"] == self.FAILED
        self.recorder.cell(cell_index or 0, "failed" if failed else "done")
        self.save_for_watchers()

    def text(self) -> str:
        """The notebook as it is written, here and in the run's folder."""
        return str(nbformat.writes(self.nb))  # type: ignore[no-untyped-call]

    def deliver(self, text: str) -> None:
        """Write the caller's notebook."""
        if self.foreign:
            papermill_io.write(text, self.output_path)

    def document(self, error: BaseException | None) -> str:
        """The text of the notebook as papermill leaves it: completed, and with its marks around a cell that failed."""
        from papermill.execute import raise_for_execution_errors

        self.notebook_complete()
        if self.recorder.redactor:  # what came in several messages may have come together, as in a widget
            self.nb: Any = nbformat.from_dict(self.recorder.redactor.json(self.nb))  # type: ignore[no-untyped-call]
        try:
            if error is None:
                raise_for_execution_errors(self.nb, None)
        except PapermillExecutionError as refused:
            self.refused = refused
        return self.text()


class WorkbenchEngine(NBClientEngine):  # type: ignore[misc]
    """Executes as papermill's stock engine does, and leaves a run record. Select it by `papermill --engine workbench`."""

    @classmethod
    def execute_notebook(
        cls,
        nb: Any,
        kernel_name: str,
        output_path: str | None = None,
        progress_bar: bool = True,
        log_output: bool = False,
        autosave_cell_every: int = 30,
        **kwargs: Any,
    ) -> Any:
        """Run `nb`; the record is closed whatever happens. Raises what the stock engine and papermill raise."""
        _spare_the_collector()
        from workbench.production.recorder import Recorder

        recorder = Recorder.begin(nb, input_path=kwargs.get("input_path") or "", output_path=output_path, kernel=kernel_name)
        manager = RecordingManager(
            nb,
            recorder,
            output_path,
            progress_bar=progress_bar,
            log_output=log_output,
            autosave_cell_every=autosave_cell_every,
        )
        error: BaseException | None = None
        try:
            manager.notebook_start()
            cls.execute_managed_notebook(manager, kernel_name, log_output=log_output, **kwargs)
        except BaseException as broke:
            error = broke
            raise
        finally:
            manager.cleanup_pbar()
            recorder.finish(manager.nb, error, lambda: manager.document(error), manager.deliver)
        if manager.refused:
            raise manager.refused  # papermill would, and would write the notebook once more before
        return manager.nb

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        log_output: bool = False,
        stdout_file: Any = None,
        stderr_file: Any = None,
        start_timeout: int = 60,
        execution_timeout: int | None = None,
        **kwargs: Any,
    ) -> Any:
        """The stock engine's call, with what cannot be passed through papermill: the kernel's environment, a cell's limit."""
        from workbench.production.secrecy.keeper import Keeper, cut_streams
        from workbench.production.sockets import sockets

        options = merge_kwargs(
            remove_args(["input_path", "timeout", "startup_timeout"], **kwargs),
            timeout=execution_timeout or kwargs.get("timeout"),
            startup_timeout=start_timeout,
            kernel_name=kernel_name,
            log=logger,
            log_output=log_output,
            stdout_file=stdout_file,
            stderr_file=stderr_file,
        )
        options.setdefault("iopub_timeout", BACKLOG_S)
        cell_s = nb_man.recorder.record.limits.cell_s
        if cell_s and not options["timeout"]:
            options.setdefault("timeout_func", lambda _cell: cell_s)
        recorder = nb_man.recorder
        with sockets(recorder.record.run_id) as names, cut_streams(recorder.redactor) as streams:
            config = Config(KernelManager={"transport": "ipc", "ip": names} if names else {})
            client = RecordingClient(nb_man, config=config, **options)
            if recorder.redactor:
                client.keeper = Keeper(client, recorder.redactor, recorder.record.parameters)
            return client.execute(env=recorder.kernel_environment(), **streams)


@cache
def _spare_the_collector() -> None:
    """Once in a process: what is loaded by now stays loaded, and going through it again and again takes 0.1 s each time."""
    gc.freeze()
