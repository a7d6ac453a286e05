"""User text in C++: identifiers, string literals, comments. Nothing of the user's goes into the output otherwise."""

from __future__ import annotations

import re

from naclc.net.fields import Field
from naclc.source import Span

_COMMENT_WIDTH = 84


def function_name(name: str, number: int) -> str:
    """The identifier of the user's function `name`.

    A fixed prefix keeps it apart from keywords, macros and everything else here. Two underscores in a row are
    reserved in C++ ([lex.name]); such a name is told apart from others by its number.

    >>> function_name("int", 0), function_name("My_f", 1), function_name("a__b", 2)
    ('decide_int', 'decide_My_f', 'decide2_a_b')
    """
    if "__" in name:
        return f"decide{number}_" + re.sub("_+", "_", name)
    return f"decide_{name}"


def accessor(field: Field) -> str:
    """The member of Packet that reads `field`: tcp.has-syn is tcp_has_syn."""
    return re.sub("[.-]", "_", field.name)


def literal(text: str) -> str:
    r"""`text` as a C++ string literal, in UTF-8; octal escapes always have three digits, so that none runs on.

    >>> print(literal('100 % "é"\n'))
    "100 % \"\303\251\"\n"
    """
    escaped = "".join(map(_escaped, text.encode("utf-8", "surrogatepass")))
    return '"' + re.sub(r"\?(?=\?)", r"?\\", escaped) + '"'  # ?? may begin a trigraph


def _escaped(octet: int) -> str:
    known = {0x0A: "\\n", 0x09: "\\t", 0x22: '\\"', 0x5C: "\\\\"}
    if octet in known:
        return known[octet]
    return chr(octet) if 0x20 <= octet < 0x7F else f"\\{octet:03o}"


def source_comment(span: Span) -> str:
    """`line 12: if (tcp.dport == ssh)`: where a statement stands and how it begins.

    Characters beyond printable ASCII become dots, so that nothing can end the comment or turn the reading direction;
    a final backslash, which would continue the comment on the next line, does not stay final.
    """
    has_body = re.match(r"(if\b|filter\s*:|nat\s*:)", span.text, re.IGNORECASE)
    begin = span.text.split("{", 1)[0] if has_body else span.text
    text = re.sub(r"\s+", " ", begin).strip()
    text = "".join(char if " " <= char <= "~" else "." for char in text)
    if len(text) > _COMMENT_WIDTH:
        text = text[: _COMMENT_WIDTH - 3].rstrip() + "..."
    return f"line {span.line}: {text}" + ("." if text.endswith(("\\", "??/")) else "")
