"""What a function decides about a packet, and from what: the one question that interpreter, decision graph and
generated code answer alike."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
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
    """The numbers appear in generated code. END: a Filter reached its end without a verdict, or a Nat ended, which it
    does at its end and at a dnat or snat."""

    DROP = 0
    ACCEPT = 1
    END = 2


NO_STATEMENT = -1


class RewriteKind(StrEnum):
    """Which end of the packet is rewritten."""

    DNAT = "dnat"
    SNAT = "snat"


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What a dnat or snat asks for: a new destination or source; None is kept. Whether it has an effect depends on
    hook, direction and protocol (docs/language.md 8.5), which an evaluator does not look at."""

    kind: RewriteKind
    address: int | None
    port: int | None


@dataclass(frozen=True, slots=True)
class Decision:
    """`statement` is the id of the Accept, Drop, Dnat or Snat that ended the function, NO_STATEMENT when it reached its
    end. `log` is what log statements wrote on the way, in UTF-8; `syslog` the messages sent on the way, each with its
    severity 0 .. 7. `rewrite` is set when a Dnat or Snat ended it, with Verdict.END."""

    verdict: Verdict
    statement: int
    log: bytes = b""
    rewrite: Rewrite | None = None
    syslog: tuple[tuple[int, bytes], ...] = ()


class Evaluator(Protocol):
    """Runs the top-level function `function` of a pipeline on a packet."""

    def __call__(self, function: str, facts: Facts) -> Decision: ...
