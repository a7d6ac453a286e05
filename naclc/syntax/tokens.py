"""The tokens that the scanner makes and the parser reads."""

from __future__ import annotations

from typing import NamedTuple


class Token(NamedTuple):
    """`kind` is a terminal of grammar/nacl.lark, `$END`, or one of the scanner's own for what fits no terminal.

    `start`, `end`: code point offsets into the source; equal for a token that is not in the text (`$END`, and what
    a repair has put in).
    """

    kind: str
    text: str
    start: int
    end: int
