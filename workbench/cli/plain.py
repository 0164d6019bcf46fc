"""Text from data, made fit for a terminal."""

from __future__ import annotations

_BIDI = [*range(0x202A, 0x202F), *range(0x2066, 0x206A)]  # they let text run backwards over what stands before it
_SHOWN = {code: f"\\x{code:02x}" for code in [*range(0x20), *range(0x7F, 0xA0)] if chr(code) not in "\n\t"}
_SHOWN |= {code: f"\\u{code:04x}" for code in _BIDI}


def plain(text: str) -> str:
    """The text with its control characters written out (`\\x1b`): in a terminal they would colour, move, hide or retitle."""
    return text.translate(_SHOWN)
