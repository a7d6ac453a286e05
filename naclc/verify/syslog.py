"""Syslog messages as values, and read from where a machine sends them: a server's datagrams, or the console.

    <134>1 - 192.0.2.1 service 1 UDPOUT - refused 192.0.2.9          in a datagram (RFC 5424)
    <134> <USER.INFO> 2026-01-01T00:00:00.000Z service: refused …    on the console, where there is no server

A machine cannot send all that a policy may say: it puts blanks where its formats would read something else
(`visible`), and cuts what does not fit into a frame. Messages are compared in that form.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SEVERITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
LONGEST = 1400  # octets of a message's text that are compared: a datagram holds as many behind its header

_DATAGRAM = re.compile(rb"<(\d{1,3})>1 \S+ \S+ \S+ \S+ \S+ (?:-|\[[^\]]*\])(?: (.*))?", re.DOTALL)
_COLOUR = rb"(?:\x1b\[[0-9;]*m)?"
_LINE = re.compile(rb"<(\d{1,3})> " + _COLOUR + rb"<\w+\.\w+> " + _COLOUR + rb"[^\n]*?: ([^\n]*?)\r?\n", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Message:
    """`severity`: 0 (emerg) .. 7 (debug). `text`: what the policy says, in UTF-8."""

    severity: int
    text: bytes


def visible(message: Message) -> Message:
    """`message` as a machine sends it: an octet 0, and the place between `%` and `m`, become a blank."""
    text = re.sub(rb"%(?=m)", b"% ", message.text[:LONGEST]).replace(b"\0", b" ")
    return Message(message.severity, text[:LONGEST])


def in_datagram(payload: bytes) -> Message | None:
    """The message that a datagram to a syslog server carries; None when it carries none."""
    found = _DATAGRAM.fullmatch(payload)
    if found is None or int(found[1]) > 191:
        return None
    return Message(int(found[1]) % 8, found[2] or b"")


def on_console(text: bytes) -> tuple[bytes, tuple[Message, ...]]:
    """Console text without its syslog lines, and the messages in them."""
    messages = tuple(Message(int(found[1]) % 8, found[2]) for found in _LINE.finditer(text) if int(found[1]) <= 191)
    return _LINE.sub(lambda found: b"" if int(found[1]) <= 191 else found[0], text), messages


def shown(message: Message) -> str:
    """`info: refused 192.0.2.9`, for a person."""
    return f"{SEVERITIES[message.severity]}: {message.text.decode('utf-8', 'replace')}"
