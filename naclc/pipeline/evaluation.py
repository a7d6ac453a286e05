"""What a function decides about a packet, and from what: the one question that interpreter, decision graph and
generated code answer alike."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from naclc.net.fields import NO_IFACE, State


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a function may look at.

    `packet` is the IPv4 packet from the first octet of its header to the end of its total length, link padding cut
    off. `iface_in`, `iface_out` are Iface numbers, NO_IFACE where the hook does not know one.
    """

    packet: bytes
    state: State
    iface_in: int = NO_IFACE
    iface_out: int = NO_IFACE


class Verdict(IntEnum):
    """The numbers appear in generated code. END: the function reached its end without a verdict."""

    DROP = 0
    ACCEPT = 1
    END = 2


NO_STATEMENT = -1


@dataclass(frozen=True, slots=True)
class Decision:
    """`statement` is the id of the Accept or Drop that decided, NO_STATEMENT for END. `log` is what log statements
    wrote on the way, in UTF-8."""

    verdict: Verdict
    statement: int
    log: bytes = b""


class Evaluator(Protocol):
    """Runs the top-level function `function` of a pipeline on a packet."""

    def __call__(self, function: str, facts: Facts) -> Decision: ...
