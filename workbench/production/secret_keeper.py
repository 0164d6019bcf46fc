"""Keeps the secrets of one notebook while a client executes it: sets them in the kernel, cuts them out of what it says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from workbench.errors import BadInput
from workbench.production import secrets
from workbench.production.redaction import Messages, Redactor

OUTPUTS = ("stream", "display_data", "execute_result", "error")


class Keeper:
    """Beside an nbclient client, which asks it about each message and each cell. values: the run's parameters.

    The client has a method `print_held(cell, name, text)` that prints what was held back of a stream.
    """

    def __init__(self, client: Any, redactor: Redactor, values: Mapping[str, Any]) -> None:
        self._client, self._redactor, self._values = client, redactor, values
        self._messages = Messages(redactor)

    def cut(self, message: dict[str, Any], cell: Any) -> dict[str, Any]:
        """A message of the kernel as everybody else may see it."""
        kind, content = message["msg_type"], message["content"]
        hooked = self._client.output_hook_stack[message["parent_header"].get("msg_id")]  # a widget takes the outputs
        if kind == "clear_output" and not hooked and not content.get("wait"):
            self._messages.forget()
        if hooked or kind not in OUTPUTS:
            return self._messages.cut(message, held=False)
        if self._client.clear_before_next_output:
            self._messages.forget()
        self.print_rest(cell, keep=content.get("name", ""))
        return self._messages.cut(message, held=True)

    def print_rest(self, cell: Any, keep: str = "") -> None:
        """Print what is held back of all streams but `keep`: nothing comes that could make a secret of it."""
        for name, text in self._messages.rest(keep):
            self._client.print_held(cell, name, text)

    async def cell_done(self, index: int) -> None:
        """After the cell with the parameters, let the kernel set the secrets, in a request that is no cell.

        Raises BadInput when it cannot.
        """
        if index != self._last_parameters():
            return
        code = secrets.assignments(self._values, self._redactor.values)
        request = self._client.kc.execute(code, silent=True, store_history=False, allow_stdin=False)
        reply = await self._client.async_wait_for_reply(request)
        told = self._redactor.json(reply["content"])
        if told["status"] != "ok":
            raise BadInput(
                "the kernel could not look up the secrets of its parameters",
                why=f"{told.get('ename')}: {told.get('evalue')}",
                fix="use a kernel of the environment that Workbench is installed in, and see that it finds the secret there",
            )

    def _last_parameters(self) -> int:
        """The cell after which the parameters stand: the one that papermill has put in, else the tagged one."""
        cells = enumerate(self._client.nb.cells)
        tagged = {tag: index for index, cell in cells for tag in cell.metadata.get("tags", ())}
        return int(tagged.get("injected-parameters", tagged.get("parameters", -1)))


@contextmanager
def cut_streams(redactor: Redactor | None) -> Iterator[dict[str, int]]:
    """Where a kernel writes what does not pass Jupyter: our own streams, without secrets. Arguments of `start_kernel`."""
    if redactor is None:
        yield {}
        return
    with secrets.cut_output(redactor, 1) as out, secrets.cut_output(redactor, 2) as error:
        yield {"stdout": out, "stderr": error}
