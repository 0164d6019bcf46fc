"""Well-known forms of credentials, and how sure a hit is.

A form with a checksum or a fixed body is certain; one that only looks random is probable. The text of a hit is never
returned: a report that quotes a secret has leaked it.

Sources: GitHub, "Behind GitHub's new authentication token formats" (CRC32 in base 62, the last six characters; npm takes the
same form); detect-secrets and gitleaks for the other forms.
"""

from __future__ import annotations

import math
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ESCAPE = re.compile(rb"\\[nrt\"]")  # in a notebook's JSON; taken for spaces, so that they do not hide where a token begins


@dataclass(frozen=True)
class Hit:
    """A credential of a kind in a line (from 1). certain: it is well formed beyond chance."""

    line: int
    kind: str
    certain: bool


@dataclass(frozen=True)
class Form:
    """One kind of credential. mark: bytes that every one of them holds (a quick first look); sure: see `Hit.certain`.

    sure returns None for what only looks alike.
    """

    kind: str
    mark: bytes
    pattern: re.Pattern[bytes]
    sure: Callable[[str], bool | None]


def entropy(text: str) -> float:
    """Shannon entropy in bits a character, of the text's own letters; 0 for an empty text."""
    counts = Counter(text).values()
    return -sum(n / len(text) * math.log2(n / len(text)) for n in counts) if text else 0.0


def _crc62(token: str) -> bool | None:
    """GitHub and npm: the last six characters are the CRC32 of those between the prefix and them, in base 62."""
    body = token.split("_", 1)[1]
    rest, digits = zlib.crc32(body[:-6].encode()), ""
    for _ in range(6):
        rest, digit = divmod(rest, 62)
        digits = _BASE62[digit] + digits
    return digits == body[-6:] or None


def _random(at_least: float) -> Callable[[str], bool | None]:
    def look(token: str) -> bool | None:
        return False if entropy(token) >= at_least and "EXAMPLE" not in token.upper() else None

    return look


def _always(_token: str) -> bool:
    return True


def _form(kind: str, mark: bytes, pattern: bytes, sure: Callable[[str], bool | None]) -> Form:
    return Form(kind, mark, re.compile(rb"(?<![A-Za-z0-9_-])" + pattern + rb"(?![A-Za-z0-9_-])"), sure)


FORMS = (
    *(
        _form(f"GitHub token ({mark.decode()}…)", mark, mark + rb"[A-Za-z0-9]{36}", _crc62)
        for mark in (b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_")
    ),
    _form("npm token", b"npm_", rb"npm_[A-Za-z0-9]{36}", _crc62),
    _form("PyPI token", b"pypi-AgE", rb"pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,}", _always),
    _form("AWS access key", b"AKIA", rb"AKIA[A-Z2-7]{16}", _random(3.0)),
    _form("Slack token", b"xox", rb"xox[abprs]-[0-9]{8,}-[A-Za-z0-9-]{16,}", _random(3.0)),
    _form("Google API key", b"AIza", rb"AIza[A-Za-z0-9_-]{35}", _random(3.5)),
    _form("Hugging Face token", b"hf_", rb"hf_[A-Za-z]{34}", _random(3.5)),
    Form(
        "private key",
        b"PRIVATE KEY",
        re.compile(rb"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----(?=[\s\",]*(?:[A-Za-z0-9+/=:, -]{16,}))"),
        _always,
    ),
    Form(
        "password in a URL",
        b"://",
        re.compile(rb"[a-z][a-z0-9+]{2,15}://[^\s:/@\"'<>{}$]{1,64}:(?P<secret>[^\s:/@\"'<>{}$*]{8,64})@"),
        _random(3.0),
    ),
)


def scan(data: bytes) -> Iterator[Hit]:
    """The credentials in a file's bytes."""
    forms = [form for form in FORMS if form.mark in data]
    if not forms:
        return
    text = _ESCAPE.sub(b"  ", data)
    for form in forms:
        for match in form.pattern.finditer(text):
            token = (match.groupdict().get("secret") or match[0]).decode("ascii", "replace")
            sure = form.sure(token)
            if sure is not None:
                yield Hit(line=text.count(b"\n", 0, match.start()) + 1, kind=form.kind, certain=sure)
