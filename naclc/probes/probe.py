"""Generated packets, as plain values."""

from __future__ import annotations

from dataclasses import dataclass

from naclc.source import Span


@dataclass(frozen=True, slots=True)
class ProbeStep:
    """`packet` (an IPv4 packet) arrives on the Iface `iface`. `answers`: it goes back to where what step number
    `answers` (from 0) led to came from, so that it finds the port that masquerading gave it."""

    iface: str
    packet: bytes
    answers: int | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """Packets to be sent one after the other; the last one is there for `about`.

    `function` is the attached or called function it is for, `span` the place in it. `fresh`: on a machine that has
    seen the probes before it, it would not get there, so it wants a new one.
    """

    name: str
    about: str
    function: str
    span: Span | None
    steps: tuple[ProbeStep, ...]
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Unreachable:
    """An edge, boundary value or rewriting for which there is no probe. `reason` begins with `masked` (the policy
    itself lets no such packet get there), `not reachable from the wire`, `no sequence of up to 4 packets` or
    `not planned`."""

    function: str
    about: str
    reason: str
    span: Span | None


@dataclass(frozen=True, slots=True)
class Plan:
    """`goals`: how many edges and boundary values there are; each has a probe that reaches it or is listed."""

    probes: tuple[Probe, ...]
    unreachable: tuple[Unreachable, ...]
    goals: int
