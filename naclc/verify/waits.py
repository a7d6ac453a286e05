"""Waits that end where executors may differ.

An entry that has expired goes at the next sweep, and sweeps are up to 10 s apart: whether it is still there up to
10 s after its timeout is chance. A wait that ends there is refused.
"""

from __future__ import annotations

from naclc.diagnostics import Diagnostic, error
from naclc.interpret import reassembly, tcp_states
from naclc.pipeline.pipeline import Conntrack
from naclc.semantics.model import Protocol
from naclc.verify.cases import ReplyStep, SendStep, Step, WaitStep

SWEEP = 10  # seconds between two sweeps


def check_waits(steps: tuple[Step, ...], conntrack: Conntrack) -> list[Diagnostic]:
    """One error for each wait that ends in doubt while a packet is still to come."""
    findings = []
    for number, step in enumerate(steps):
        later = any(not isinstance(other, WaitStep) for other in steps[number:])
        follows_wait = number + 1 < len(steps) and isinstance(steps[number + 1], WaitStep)
        if isinstance(step, WaitStep) and later and not follows_wait:
            doubt = _doubt(steps, number, conntrack)
            if doubt is not None:
                timeout, elapsed = doubt
                message = (
                    f"{elapsed} s after an earlier packet it is open whether an entry of {timeout} s is still there"
                )
                advice = f"wait less than {timeout} s, or more than {timeout + SWEEP} s"
                findings.append(error("tests-wait", message, step.span, help=advice))
    return findings


def _doubt(steps: tuple[Step, ...], wait: int, conntrack: Conntrack) -> tuple[int, int] | None:
    """(timeout, seconds since a packet) when the wait at index `wait` ends in doubt."""
    elapsed = 0
    for number in range(wait, -1, -1):
        step = steps[number]
        if isinstance(step, WaitStep):
            elapsed += step.seconds
            continue
        for timeout in _timeouts(steps, number, conntrack):
            if timeout <= elapsed <= timeout + SWEEP:
                return timeout, elapsed
    return None


def _timeouts(steps: tuple[Step, ...], number: int, conntrack: Conntrack) -> list[int]:
    """Of the entries that the packet of this step can make or renew, and of a fragment that waits."""
    step = steps[number]
    while isinstance(step, ReplyStep):
        step = steps[step.to - 1]
    if not isinstance(step, SendStep):
        return []
    found: set[int] = set()
    if step.packet.raw is not None or step.packet.number("frag-off", 0) or step.packet.number("more-fragments", 0):
        found.add(reassembly.TIMEOUT)
    for protocol in Protocol:
        if step.packet.raw is not None or step.packet.transport == protocol.lower():
            found |= _lives(protocol, conntrack)
    return sorted(found)


def _lives(protocol: Protocol, conntrack: Conntrack) -> set[int]:
    """Seconds that an entry of `protocol` may have."""
    if conntrack.stateful_tcp and protocol is Protocol.TCP:
        return set(tcp_states.TIMEOUTS.values())
    return {seconds for (_, of), seconds in conntrack.timeouts.items() if of is protocol}
