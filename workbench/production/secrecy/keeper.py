"""Keeps the secrets of one run: sets them in the kernel, cuts them out of what it says, and searches what it leaves."""

from __future__ import annotations

import codecs
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from workbench.errors import BadInput
from workbench.findings import Finding, Outcome
from workbench.production.secrecy import secrets
from workbench.production.secrecy.redaction import Messages, Redactor
from workbench.records.run import RunRecord

GRACE_S = 2.0  # for the last words of a kernel
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
    with cut_output(redactor, 1) as out, cut_output(redactor, 2) as error:
        yield {"stdout": out, "stderr": error}


@contextmanager
def cut_output(redactor: Redactor, out: int = 2) -> Iterator[int]:
    """A file descriptor for another process's output: what it writes there arrives at `out` without secrets."""
    reader, writer = os.pipe()
    thread = threading.Thread(target=_copy, args=(redactor, reader, out), daemon=True)
    thread.start()
    try:
        yield writer
    finally:
        os.close(writer)
        thread.join(GRACE_S)  # what the notebook has started and left behind may keep it open


def _copy(redactor: Redactor, reader: int, out: int) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    stream = redactor.stream()
    with open(reader, "rb", buffering=0) as source, open(out, "wb", buffering=0, closefd=False) as sink:
        while block := source.read(1 << 16):
            sink.write(stream.feed(decoder.decode(block)).encode(errors="surrogateescape"))
        sink.write((stream.feed(decoder.decode(b"", True)) + stream.end()).encode(errors="surrogateescape"))


def without_secrets(record: RunRecord, folder: Path, redactor: Redactor | None) -> RunRecord:
    """The record at the end of a run, with what a search of its folder finds, and no secret in what the notebook declared.

    Nor in the error that ended it. The same record when the run has no secrets.
    """
    if redactor is None:
        return record
    found = findings(redactor, folder)
    fields = record.model_copy(update={"findings": (*record.findings, *found)}).model_dump(mode="json")
    return RunRecord.model_validate_json(json.dumps(redactor.json(fields)))


def findings(redactor: Redactor, folder: Path) -> tuple[Finding, ...]:
    """Search a run's folder: one failed finding for each file that holds a secret, which only the notebook can have written."""
    try:
        found = redactor.search(folder)
    except OSError as error:
        message = f"the run's folder could not be searched for secrets: {error.strerror}"
        return (Finding(check="run.secret", outcome=Outcome.ERROR, message=message, fix="make its files readable, and search"),)
    return tuple(
        Finding(
            check="run.secret",
            outcome=Outcome.FAIL,
            message=f"{redactor.text(place)} holds the secret " + ", ".join(f"'{name}'" for name in held),
            fix="let the notebook write the file without it, remove the file, and change the secret: it stood on a disk",
            evidence={"file": redactor.text(place), "secrets": list(held)},
        )
        for place, held in found.items()
    )
