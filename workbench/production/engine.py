"""The papermill engine `workbench`: stock execution, and our run record beside it.

papermill imports every registered engine at its own start, so this module loads nothing of ours until a notebook runs and
must not fail. It is reached through papermill only: papermill loads it, never the other way round.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, NotebookExecutionManager
from papermill.log import logger
from papermill.utils import merge_kwargs, remove_args
from traitlets.config import Config

if TYPE_CHECKING:
    from workbench.production.recorder import Recorder

SOCKET_NAME = 103  # bytes that the name of a socket may have: 107 on Linux, 103 on macOS


class RecordingManager(NotebookExecutionManager):  # type: ignore[misc]
    """papermill's manager, which also tells the recorder of each cell."""

    recorder: Recorder

    def cell_start(self, cell: Any, cell_index: int | None = None, **kwargs: Any) -> None:
        super().cell_start(cell, cell_index, **kwargs)
        self.recorder.cell(cell_index or 0, "running")

    def cell_complete(self, cell: Any, cell_index: int | None = None, **kwargs: Any) -> None:
        super().cell_complete(cell, cell_index, **kwargs)
        failed = cell.metadata.papermill["status"] == self.FAILED
        self.recorder.cell(cell_index or 0, "failed" if failed else "done")


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
        """Run `nb`; the record is closed whatever happens. Raises what the stock engine raises."""
        from workbench.production.recorder import Recorder

        recorder = Recorder.begin(nb, input_path=kwargs.get("input_path") or "", output_path=output_path, kernel=kernel_name)
        manager = RecordingManager(
            nb,
            output_path=output_path,
            progress_bar=progress_bar,
            log_output=log_output,
            autosave_cell_every=autosave_cell_every,
        )
        manager.recorder = recorder
        error: BaseException | None = None
        try:
            manager.notebook_start()
            cls.execute_managed_notebook(manager, kernel_name, log_output=log_output, **kwargs)
        except BaseException as broke:
            error = broke
            raise
        finally:
            manager.cleanup_pbar()
            if error is None:
                manager.notebook_complete()
                recorder.finish(manager.nb, None)
            else:
                recorder.finish(manager.nb, error)  # first: notebook_complete() marks cells that never ran as completed
                manager.notebook_complete()
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
        """The stock engine's call, with the kernel's environment added: it cannot be passed through papermill."""
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
        with _sockets() as config:
            client = PapermillNotebookClient(nb_man, config=config, **options)
            return client.execute(env=nb_man.recorder.kernel_environment())


@contextmanager
def _sockets() -> Iterator[Config]:
    """The kernel's sockets as files in a folder of this user alone, where their names are short enough for that.

    Over TCP the manager picks free ports and the kernel binds them a second later: of two runs at once, one now and then
    finds a port of its own taken ("Kernel died before replying to kernel_info"); and every local user could connect.
    """
    with TemporaryDirectory(prefix="wb-", ignore_cleanup_errors=True) as folder:
        short = len(os.fsencode(folder)) < SOCKET_NAME - len("/k-65535")
        yield Config(KernelManager={"transport": "ipc", "ip": f"{folder}/k"} if short else {})
