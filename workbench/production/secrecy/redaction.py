"""Cuts secrets out of what a run writes: every form in which a value is known to travel becomes `[secret:name]`.

Pure: it is given names and values, and touches files only to search them. It promises that no form is left in what it
returns, and that text without a secret comes back as it was, byte for byte. `production/secrets.py` says where values
come from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from workbench.errors import BadInput
from workbench.production.secrecy.forms import SHORTEST, forms, unsafe

CHUNK = 1 << 22  # bytes of a file that are searched at once
BRACKETS = ("[]", "{}", "()", "<>", "||", "~~", "``", "^^")


class Redactor:
    """Knows secrets, and cuts them out. values: name → value. False when it knows none, and then it costs nothing.

    Raises BadInput for a value that cannot be cut out safely; its letter names the secret and never tells the value.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self.names = tuple(sorted(values))
        for name in self.names:
            if reason := unsafe(values[name]):
                raise _refused(name, reason)
        self.values = dict(values)
        self._of = {form: name for name in reversed(self.names) for form in forms(values[name])}
        self._forms = sorted(self._of, key=lambda form: (-len(form), form))  # the longest that fits is cut
        brackets = self._brackets()
        self._masks = {form: f"{brackets[0]}secret:{name}{brackets[1]}" for form, name in self._of.items()}
        self._pattern = re.compile("|".join(map(re.escape, self._forms)))
        self._starts = {form[:n] for form in self._forms for n in range(1, SHORTEST)}
        self._heads: dict[str, list[str]] = {}
        for form in self._forms:
            self._heads.setdefault(form[:SHORTEST], []).append(form)

    def __bool__(self) -> bool:
        return bool(self._forms)

    def _brackets(self) -> str:
        """Signs around a mask that no form has: then no mask completes a form with the text beside it."""
        for name in self.names:
            if any(form in f"secret:{name}" for form in self._forms):
                raise _refused(name, "its name contains it")
        free = (pair for pair in BRACKETS if not any(sign in form for sign in pair for form in self._forms))
        if (pair := next(free, None)) is None:
            raise _refused(", ".join(self.names), f"no signs are left to mark its place: it holds all of {' '.join(BRACKETS)}")
        return pair

    def text(self, text: str) -> str:
        """`text` with every form cut; the same object when there is none."""
        if not any(form in text for form in self._forms):  # many times quicker than the pattern, and mostly true
            return text
        return self._pattern.sub(lambda match: self._masks[match.group()], text)

    def found(self, text: str) -> tuple[str, ...]:
        """The names of the secrets that stand in `text`."""
        return tuple(sorted({name for form, name in self._of.items() if form in text}))

    def json(self, value: Any) -> Any:
        """The same for a JSON value: its texts, keys and whole numbers. The same object when there is nothing to cut."""
        match value:
            case str():
                return self.text(value)
            case dict():
                cut = {self.json(key): self.json(inner) for key, inner in value.items()}
                return value if _same(cut, value) and _same(cut.values(), value.values()) else cut
            case list() | tuple():
                items = [self.json(inner) for inner in value]
                return value if _same(items, value) else items
            case int() if not isinstance(value, bool):
                digits = str(value)
                return value if self.text(digits) is digits else self.text(digits)
        return value

    def data(self, data: bytes) -> bytes:
        """The same for the bytes of UTF-8 text, or of anything else."""
        text = data.decode(errors="surrogateescape")
        cut = self.text(text)
        return data if cut is text else cut.encode(errors="surrogateescape")

    def stream(self) -> Stream:
        """For text that comes in pieces."""
        return Stream(self)

    def cut(self, text: str, *, more: bool) -> tuple[str, str]:
        """`text` with every form cut, up to where one may have begun that only what comes can end; and the rest.

        more: whether something may come; without, there is no rest.
        """
        ends = self._open(text) if more else []
        ends.append(len(text))
        done: list[str] = []
        place = 0
        for match in self._pattern.finditer(text) if any(form in text for form in self._forms) else ():
            if next(end for end in ends if end >= place) <= match.start():
                break  # a longer form may begin there or before
            done += text[place : match.start()], self._masks[match.group()]
            place = match.end()
        stop = next(end for end in ends if end >= place)
        return "".join((*done, text[place:stop])), text[stop:]

    def _open(self, text: str) -> list[int]:
        """Where the end of `text` is a beginning of a form, and not yet the whole of it."""
        size = len(text)
        found = {i for i in range(max(0, size - SHORTEST + 1), size) if text[i:] in self._starts}
        first = max(0, size - len(self._forms[0]) + 1) if self._forms else size
        for head, known in self._heads.items():
            place = text.find(head, first)
            while place >= 0:
                if any(len(form) > size - place and form.startswith(text[place:]) for form in known):
                    found.add(place)
                place = text.find(head, place + 1)
        return sorted(found)

    def search(self, folder: Path) -> dict[str, tuple[str, ...]]:
        """Which files in `folder` hold which secrets, in their bytes or in their names: relative path → names.

        Also as UTF-16 and UTF-32, which NumPy and Excel write. Links are not followed. A file that cannot be read raises
        OSError. What is compressed or encrypted is not looked into.
        """
        known = {form.encode(): name for form, name in self._of.items()}
        for coding in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"):
            known |= {value.encode(coding): name for name, value in self.values.items()}
        overlap = max(map(len, known), default=1) - 1
        found: dict[str, tuple[str, ...]] = {}
        for path in sorted(folder.rglob("*")) if self else ():
            place = str(path.relative_to(folder))
            hits = set(self.found(place))
            if path.is_file() and not path.is_symlink():
                for block in _blocks(path, overlap):
                    hits |= {name for pattern, name in known.items() if pattern in block}
            if hits:
                found[place] = tuple(sorted(hits))
        return found


class Stream:
    """Text that comes in pieces: a secret that is torn over two of them is cut too.

    Held back is only as much of the end as may be the beginning of a form; `end` gives that out.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor, self._held = redactor, ""

    def feed(self, piece: str) -> str:
        """What may be shown now."""
        shown, self._held = self._redactor.cut(self._held + piece, more=True)
        return shown

    def end(self) -> str:
        """What was held back, when nothing more comes."""
        shown, self._held = self._redactor.cut(self._held, more=False)
        return shown


class Messages:
    """For the messages of a kernel, in the order they come: what they hold is cut before anybody sees it."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._streams: dict[str, Stream] = {}

    def cut(self, message: dict[str, Any], *, held: bool) -> dict[str, Any]:
        """The message without secrets. held: the end of a print may be held back, and `rest` is asked for it."""
        content = message["content"]
        if held and message["msg_type"] == "stream":
            stream = self._streams.setdefault(content["name"], self._redactor.stream())
            return {**message, "content": {**content, "text": stream.feed(content["text"])}}
        parts: dict[str, Any] = {
            part: self._redactor.json(message[part]) for part in ("content", "metadata") if part in message
        }
        buffers = [self._redactor.data(bytes(buffer)) for buffer in message.get("buffers") or ()]
        return {**message, **parts, "buffers": buffers}

    def rest(self, keep: str = "") -> list[tuple[str, str]]:
        """What is held back of each stream, by name, `keep` left out: it will not go on where it was."""
        ended = [(name, self._streams.pop(name).end()) for name in list(self._streams) if name != keep]
        return [(name, text) for name, text in ended if text]

    def forget(self) -> None:
        """Nothing of what is held back is wanted any more."""
        self._streams.clear()


def _same(cut: Iterable[Any], items: Iterable[Any]) -> bool:
    return all(one is other for one, other in zip(cut, items, strict=False))


def _blocks(path: Path, overlap: int) -> Iterator[bytes]:
    """The file's bytes in blocks; each begins with the last `overlap` bytes of the one before."""
    with open(path, "rb") as file:
        tail = b""
        while block := file.read(CHUNK):
            block = tail + block
            yield block
            tail = block[-overlap:]


def _refused(name: str, reason: str) -> BadInput:
    return BadInput(
        f"the secret '{name}' cannot be kept out of outputs",
        why=reason,
        fix="use a longer one, of letters and digits; or, when it need not be secret, pass the value itself as the parameter",
    )
