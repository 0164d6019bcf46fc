"""The outputs of one cell as they come in: consecutive prints become one output, and of too much text the middle is left out.

The engine and whoever reads its journal apply the same steps to the same class, so both end with the same outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

KEPT = 16 * 2**20  # characters of one stream (stdout, stderr) that a cell keeps: half of them its first, half its last
OUTPUT = 256  # characters that a new output counts for: a cell may change between its two streams a million times

Output = dict[str, Any]


class Printed:
    """The text of one stream output: a head that is kept, and after it the last `kept` characters of the rest."""

    def __init__(self, kept: int = KEPT // 2) -> None:
        self.head, self._before, self._rest = StringIO(), StringIO(), StringIO()
        self._kept = kept
        self._seen = 0  # characters that came after the head

    def more(self, text: str, left_out: int = 0) -> None:
        """Text beyond the head. left_out: characters before it that are no longer known."""
        self._seen += left_out + len(text)
        self._rest.write(text)
        if self._rest.tell() >= self._kept:  # two buffers that take turns: no text is moved again and again
            self._before, self._rest = self._rest, StringIO()

    def tail(self) -> tuple[int, str]:
        """Characters left out after the head, and the text after those."""
        text = (self._before.getvalue() + self._rest.getvalue())[-self._kept :]
        return self._seen - len(text), text

    def text(self) -> str:
        """What a reader sees."""
        left_out, tail = self.tail()
        told = f"\n[{left_out:,} characters are left out here]\n" if left_out else ""
        return self.head.getvalue() + told + tail


class Outputs:
    """The outputs of one cell. nodes: the cell's own list, changed in place; node: makes an output from its fields;
    kept: characters of one stream that are kept.

    The texts of stream outputs are in `nodes` only after `settle`.
    """

    def __init__(self, nodes: list[Any], node: Callable[..., Any] = dict, kept: int = KEPT) -> None:
        self.nodes, self._node, self._half = nodes, node, kept // 2
        self._printed: dict[int, Printed] = {}
        self._room: dict[str, int] = {}  # of each stream: characters that its heads may still take
        self._full: dict[str, int] = {}  # the output that takes all further text of a stream
        self._stale: set[int] = set()

    def print(self, name: str, text: str, left_out: int = 0) -> int:
        """Text of a stream. left_out: characters of it before `text` that are no longer known.

        Returns how many of its first characters are kept whatever comes; the others only as long as they are among the last.
        """
        index, kept = self._full.get(name), 0
        if index is None:
            index = self._open(name)
            kept = min(len(text), self._room[name])
            self._printed[index].head.write(text[:kept])
            self._room[name] -= kept
        if left_out or kept < len(text):
            self._full[name] = index
            self._printed[index].more(text[kept:], left_out)
        self._stale.add(index)
        return kept

    def _open(self, name: str) -> int:
        """The output that text of this stream goes to: the last one, or a new one."""
        last = len(self.nodes) - 1
        if last in self._printed and self.nodes[last]["name"] == name:
            return last
        self.nodes.append(self._node(output_type="stream", name=name, text=""))
        self._printed[last + 1] = Printed(self._half)
        self._room[name] = max(0, self._room.get(name, self._half) - OUTPUT)
        return last + 1

    def add(self, output: Any) -> None:
        """One output that is whole."""
        self.nodes.append(output)

    def clear(self) -> None:
        self.nodes.clear()
        for kept in (self._printed, self._room, self._full, self._stale):
            kept.clear()

    def change(self, index: int, output: Output) -> None:
        """Another picture of the same display."""
        self.nodes[index] |= {"data": output["data"], "metadata": output["metadata"]}

    def settle(self) -> None:
        """Put the texts into the stream outputs."""
        for index in self._stale:
            self.nodes[index]["text"] = self._printed[index].text()
        self._stale.clear()

    def steps(self) -> Iterator[dict[str, Any]]:
        """The fewest steps that lead here from nothing, as `apply` takes them."""
        for index, output in enumerate(self.nodes):
            printed = self._printed.get(index)
            if printed is None:
                yield {"add": output}
                continue
            yield {"print": output["name"], "text": printed.head.getvalue()}
            left_out, tail = printed.tail()
            if tail or left_out:
                yield {"print": output["name"], "text": tail, "left_out": left_out}

    def apply(self, step: dict[str, Any]) -> None:
        """Take one step as a journal holds it."""
        if "print" in step:
            self.print(step["print"], step["text"], step.get("left_out", 0))
        elif "add" in step:
            self.add(step["add"])
        elif "change" in step:
            self.change(step["change"], step["output"])
        elif "clear" in step:
            self.clear()
