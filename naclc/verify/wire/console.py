"""What a machine prints: the text of a step, and the counters it was asked for.

    counters eth0 received=3 delivered=1 … drop.forward=1 own-drop.output=1
    counters eth0.10 received=1 …
    counters machine received=3 …
    counters end

Log text may end without a line end, so the first counters line can stand behind it on the same line; and a packet may
be dealt with only just after the question, so that its text stands behind the answer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from naclc.verify.nics import Link

QUESTION = b"counters\n"

_LINE = rb"counters \S+(?: [a-z.-]+=[0-9]+)+\r?\n"
_END = rb"counters end\r?\n"
_BLOCK = re.compile(rb"((?:" + _LINE + rb")*)" + _END)

_DEVICE = re.compile(r"eth(\d+)(?:\.(\d+))?")

# What the Timers of a policy print, each a line of its own.
_TIMED = re.compile(
    rb"(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"
    rb"|memory in use: \d+ KiB"
    rb"|CPU: (?:no samples|\d+ %)"
    rb"|Stack sampling - \d+ results \(\d+ samples\)"
    rb"|\d+\.\d\d%  \d+: [a-z]+"
    rb"|timers: \d+ active, \d+ existing, \d+ free)\r?\n"
)


@dataclass(frozen=True, slots=True)
class Report:
    """`text`: what stood around the counters; `counters`: numbers by name, by device (`eth0`, …, `machine`)."""

    text: bytes
    counters: Mapping[str, Mapping[str, int]]


def complete(output: bytes) -> Report | None:
    """The report that is in `output`; None while there is none yet."""
    if b"counters end" not in output:
        return None
    blocks = [found for found in _BLOCK.finditer(output) if found[1]]
    if not blocks:
        return None
    counters = {}
    for line in blocks[-1][1].decode("ascii").splitlines():
        _, device, *pairs = line.split(" ")
        counters[device] = {name: int(value) for name, _, value in (pair.partition("=") for pair in pairs)}
    if "machine" not in counters:
        return None  # somebody's log text looks like the last line
    return Report(_BLOCK.sub(lambda found: b"" if found[1] else found[0], output), counters)


def link_of(device: str) -> Link | None:
    """The link whose counters those of `device` are; None for those of the machine."""
    named = _DEVICE.fullmatch(device)
    return Link(int(named[1]), int(named[2]) if named[2] else -1) if named else None


def without_timers(text: bytes) -> bytes:
    """`text` without what Timers print into it at their time."""
    return _TIMED.sub(b"", text)


def growth(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    """What was counted in between, by name; only what was."""
    return {name: value - before.get(name, 0) for name, value in after.items() if value != before.get(name, 0)}
