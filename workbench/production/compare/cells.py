"""The cells of an executed notebook as two runs of it can be compared: what they say, without what changes by itself.

Left aside: execution counts, ids, all metadata (papermill writes times there), what stands in the cell of injected parameters
(they are compared as such), papermill's error markers, and the declarations of results (compared from the record). In texts
these are made equal, since no two runs share them: the run's id and the path of its folder, memory addresses (`at 0x7f…`),
random ids (UUIDs), the file that the kernel names a cell by, and the colours of tracebacks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from workbench.findings import Finding
from workbench.production.compare.values import Verdict, texts, values
from workbench.production.notebook import Notebook, source
from workbench.production.results import MIME, collect

UNCOMPARED = "nbval-ignore-output"  # the tag by which nbval, too, leaves a cell's outputs alone
STDERR = "stderr"
_INJECTED = "injected-parameters"
_MARKER = "papermill-error-cell-tag"
_WIDGET = "application/vnd.jupyter.widget-view+json"  # names a model of the kernel that was
_CHANGING = (
    (re.compile(r"\bat 0x[0-9a-fA-F]{6,16}\b"), "at 0x…"),
    (re.compile(r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"), "<uuid>"),
    (re.compile(r"\bipykernel_\d+/\d+\.py\b"), "<cell>"),
    (re.compile(r"\x1b\[[0-9;]*[A-Za-z]"), ""),
)
_ENDS_A_PATH = " \t\n\r'\"<>(),;=[]"


@dataclass(frozen=True)
class Piece:
    """One thing that a cell put out: `stdout`, `stderr`, `error`, or `text/html`, `text/html #2` of its second display."""

    name: str
    value: Any  # text, base64 text of a picture, or JSON

    @property
    def mime(self) -> str:
        return self.name.partition(" ")[0] if "/" in self.name else "text/plain"

    @property
    def is_picture(self) -> bool:
        """Is it binary? (A vector picture is text.)"""
        return self.mime.startswith("image/") and self.mime != "image/svg+xml"

    @property
    def text(self) -> str:
        """As a person reads it."""
        return self.value if isinstance(self.value, str) else json.dumps(self.value, indent=1, ensure_ascii=False)


@dataclass(frozen=True)
class Cell:
    """One cell of a run.

    index: its place in the notebook that was executed, as in a failure.
    compared: False when its tag says to leave its outputs; `declared` are then the names of the results it declares.
    """

    index: int
    kind: str
    source: str
    pieces: tuple[Piece, ...] = ()
    compared: bool = True
    declared: frozenset[tuple[str, str]] = frozenset()  # ("figure", "wape"); a finding goes by its check


@dataclass(frozen=True)
class PieceCheck:
    """One output in two runs; None where it is missing."""

    name: str
    a: Piece | None
    b: Piece | None
    verdict: Verdict


def read_cells(notebook: Notebook, run_id: str) -> tuple[Cell, ...]:
    """The cells of a run's notebook in order; the one with injected parameters holds nothing."""
    found: list[Cell] = []
    for cell in notebook.cells:
        tags = set(cell.get("metadata", {}).get("tags", ()))
        text = "" if _INJECTED in tags else source(cell)
        if _MARKER not in tags:
            outputs = cell.get("outputs", ())
            compared = UNCOMPARED not in tags
            declared = frozenset() if compared else frozenset(_declared(outputs))
            pieces = tuple(_pieces(outputs, run_id))
            found.append(Cell(len(found), cell["cell_type"], text, pieces, compared, declared))
    return tuple(found)


def _declared(outputs: Iterable[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for kind in collect([{"outputs": list(outputs)}]):
        for one in kind:
            yield type(one).__name__.lower(), one.check if isinstance(one, Finding) else one.name


def plain(text: str, run_id: str) -> str:
    """A text of a run without what no two runs share."""
    for pattern, name in _CHANGING:
        text = pattern.sub(name, text)
    if not run_id:
        return text
    *before, last = text.split(run_id)
    return "".join(_without_path(part) + "<run>" for part in before) + last


def _without_path(text: str) -> str:
    """The text without the path that it ends with. (A regular expression would take the square of its length.)"""
    if not text.endswith("/"):
        return text
    return text[: max(text.rfind(end) for end in _ENDS_A_PATH) + 1]


def _pieces(outputs: Iterable[Mapping[str, Any]], run_id: str) -> Iterable[Piece]:
    """Streams are joined by name: how a kernel cuts and mixes them is a matter of time."""
    streams: dict[str, str] = {}
    shown: list[Piece] = []
    displays = 0
    for output in outputs:
        match output.get("output_type"):
            case "stream":
                name = str(output.get("name"))
                streams[name] = streams.get(name, "") + _joined(output.get("text"))
            case "error":
                lines = (str(output.get(key, "")) for key in ("ename", "evalue"))
                trace = "\n".join(map(str, output.get("traceback") or ()))
                shown.append(Piece("error", plain(_whole(": ".join(lines) + "\n" + trace), run_id)))
            case "display_data" | "execute_result" if MIME not in output.get("data", {}):
                displays += 1
                number = f" #{displays}" if displays > 1 else ""
                shown += [
                    Piece(f"{mime}{number}", _masked(mime, value, run_id))
                    for mime, value in sorted(output.get("data", {}).items())
                    if mime != _WIDGET
                ]
    return [*(Piece(name, plain(text, run_id)) for name, text in streams.items()), *shown]


def _masked(mime: str, value: Any, run_id: str) -> Any:
    if mime.startswith("image/") and mime != "image/svg+xml":
        return "".join(_joined(value).split())
    if mime.endswith("json"):
        return plain_json(value, run_id)
    return plain(_joined(value), run_id)


def plain_json(value: Any, run_id: str) -> Any:
    """The same of each text in a JSON value."""
    if isinstance(value, dict):
        return {key: plain_json(item, run_id) for key, item in value.items()}
    if isinstance(value, list):
        return [plain_json(item, run_id) for item in value]
    return plain(_whole(value), run_id) if isinstance(value, str) else value


def _joined(value: Any) -> str:
    """A text of a notebook; on disk it is a string or a list of lines."""
    return _whole("".join(map(str, value)) if isinstance(value, list) else str(value))


def _whole(text: str) -> str:
    """The text with `?` for halves of surrogate pairs: JSON may hold them, UTF-8 does not."""
    return text.encode("utf-8", "replace").decode()


def compare_pieces(a: Cell | None, b: Cell | None, tolerance: float) -> tuple[PieceCheck, ...]:
    """The outputs of two cells that belong together, by name, in the order of the first."""
    before = {piece.name: piece for piece in a.pieces} if a else {}
    after = {piece.name: piece for piece in b.pieces} if b else {}
    names = [*before, *(name for name in after if name not in before)]
    return tuple(PieceCheck(n, before.get(n), after.get(n), _verdict(before.get(n), after.get(n), tolerance)) for n in names)


def _verdict(a: Piece | None, b: Piece | None, tolerance: float) -> Verdict:
    if a is None or b is None:
        return Verdict.DIFFERENT
    if a.is_picture:
        return Verdict.IDENTICAL if a.value == b.value else Verdict.DIFFERENT
    if isinstance(a.value, str) and isinstance(b.value, str):
        return texts(a.value, b.value, tolerance)
    return values(a.value, b.value, tolerance)


def telling(checks: Iterable[PieceCheck]) -> tuple[PieceCheck, ...]:
    """The outputs that differ, without the markup of a display whose plain text differs as well: that is the same twice."""
    odd = [check for check in checks if check.verdict is Verdict.DIFFERENT]
    told = {check.name.replace("text/plain", "text/html") for check in odd if check.name.startswith("text/plain")}
    return tuple(check for check in odd if check.name not in told)
