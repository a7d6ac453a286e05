"""Text of users made fit for a terminal and for one line."""

from __future__ import annotations

import unicodedata


def visible(text: str) -> str:
    """Tabs as four blanks; control and formatting characters as their replacement, so that no terminal obeys them."""
    return text if text.isprintable() else "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if character == "\t":
        return "    "
    return "\ufffd" if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") else character
