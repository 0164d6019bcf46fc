"""The forms in which a secret's value may stand in an output, and which values can be known by their forms at all."""

from __future__ import annotations

import base64
import html
import json
import re
from urllib.parse import quote, quote_plus

SHORTEST = 8  # signs of a value that can be cut out of text
WORD = 16  # signs of one that has only letters, or only digits and their signs: words, dates, numbers
PART = 16  # signs of a word or line of it that counts alone
WRAPPED = (76, 64)  # signs a line of base64 in a mail, and in a key
_INNOCENT = ", and would be cut out of innocent text too, where the hole would tell what it is"


def forms(value: str) -> frozenset[str]:
    """The texts in which `value` may stand in an output.

    As it is, without white space around it, and with the line ends of a terminal: plain, and as JSON, repr, HTML, URL, hex
    and base64 write it. base64 in the three places where a value can begin inside a longer one (`user:token` in a header),
    less the signs at the ends that also depend on its neighbours. Of several words or lines, also each long one.
    """
    found: set[str] = set()
    for whole in {value, value.strip(), value.replace("\n", "\r\n")}:
        found |= _written(whole) | _encoded(whole.encode())
    for part in re.split(r"\s|\\r|\\n", value):
        if len(part) >= PART and not unsafe(part):
            found |= _written(part)
    return frozenset(found)


def _written(text: str) -> set[str]:
    """As languages and pages write it, sign by sign."""
    single = repr(text + "'\"")[1:-4], repr((text + "'\"").encode())[2:-4]  # both quotes in it: the single one is escaped
    as_json = json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]
    as_html = html.escape(text)
    as_url = quote(text), quote(text, safe=""), quote_plus(text), quote(text, safe="!~*'()")
    return {
        text,
        *single,
        *(escaped.replace("\\'", "'") for escaped in single),
        *as_json,
        *(escaped.replace("/", "\\/") for escaped in as_json),
        as_html,
        as_html.replace("&quot;", "&#34;").replace("&#x27;", "&#39;"),
        html.escape(text, quote=False),
        *as_url,
        *(re.sub("%..", lambda code: code.group().lower(), url) for url in as_url),
    }


def _encoded(data: bytes) -> set[str]:
    """As hex, and as base64 with 0, 1 or 2 unknown bytes before it."""
    found = {data.hex(), data.hex().upper()}
    for before in range(3):
        text = base64.b64encode(bytes(before) + data).decode()
        found.add(text[-(-before * 8 // 6) : (before + len(data)) * 8 // 6])
    whole = base64.b64encode(data).decode()
    for width in WRAPPED:
        if len(whole) > width:
            lines = (whole[i : i + width] for i in range(0, len(whole), width))
            found |= {line for line in lines if len(line) >= PART}
    return found | {text.replace("+", "-").replace("/", "_") for text in found}


def unsafe(value: str) -> str:
    """Why this value cannot be cut out of outputs; empty when it can.

    A short value, a plain word or a number stands in innocent text too: cutting it there would spoil results, and would
    tell a reader what the secret is.
    """
    bare = value.strip()
    if len(bare) < SHORTEST:
        return f"it has fewer than {SHORTEST} signs{_INNOCENT}"
    if len(set(bare)) < 4:
        return f"it has fewer than four different signs{_INNOCENT}"
    if len(bare) < WORD and bare.isalpha():
        return f"it is a plain word of fewer than {WORD} letters{_INNOCENT}"
    if len(bare) < WORD and re.fullmatch(r"[\d\s.,:+/_-]+", bare):
        return f"it is a number or a date of fewer than {WORD} signs{_INNOCENT}"
    try:
        value.encode()
    except UnicodeEncodeError:
        return "it is not UTF-8 text"
    return ""
