"""Waits that end where executors may differ.

An entry that has expired goes at the next sweep, and sweeps are up to 10 s apart: whether it is still there up to
10 s after its timeout is chance. A wait that ends there is refused.
"""

from __future__ import annotations

from naclc.diagnostics import Diagnostic, error
from naclc.verify.cases import ReplyStep, SendStep, Step, WaitStep

SWEEP = 10  # seconds between two sweeps

# Seconds; unconfirmed, confirmed and established entries (docs/language.md 5.3).
_TIMEOUTS = {"tcp": (10, 30, 300), "udp": (10,), "icmp": (10,)}


def check_waits(steps: tuple[Step, ...]) -> list[Diagnostic]:
    """One error for each wait that ends in doubt while a packet is still to come."""
    findings = []
    for number, step in enumerate(steps):
        later = any(not isinstance(other, WaitStep) for other in steps[number:])
        follows_wait = number + 1 < len(steps) and isinstance(steps[number + 1], WaitStep)
        if isinstance(step, WaitStep) and later and not follows_wait:
            doubt = _doubt(steps, number)
            if doubt is not None:
                timeout, elapsed = doubt
                message = (
                    f"{elapsed} s after an earlier packet it is open whether an entry of {timeout} s is still there"
                )
                advice = f"wait less than {timeout} s, or more than {timeout + SWEEP} s"
                findings.append(error("tests-wait", message, step.span, help=advice))
    return findings


def _doubt(steps: tuple[Step, ...], wait: int) -> tuple[int, int] | None:
    """(timeout, seconds since a packet) when the wait at index `wait` ends in doubt."""
    elapsed = 0
    for number in range(wait, -1, -1):
        step = steps[number]
        if isinstance(step, WaitStep):
            elapsed += step.seconds
            continue
        for timeout in _timeouts(steps, number):
            if timeout <= elapsed <= timeout + SWEEP:
                return timeout, elapsed
    return None


def _timeouts(steps: tuple[Step, ...], number: int) -> tuple[int, ...]:
    """Of the entries that the packet of this step can make or renew."""
    step = steps[number]
    while isinstance(step, ReplyStep):
        step = steps[step.to - 1]
    if not isinstance(step, SendStep):
        return ()
    if step.packet.raw is not None:
        return tuple(sorted({timeout for some in _TIMEOUTS.values() for timeout in some}))
    return _TIMEOUTS.get(step.packet.transport or "", ())
