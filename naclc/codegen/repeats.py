"""Functions that one packet could enter very often: thirty that call the next one twice make 2**30 calls of the last.

A Filter rewrites nothing, so a function that came to its end in silence would do so again. Calls of the functions
named here ask that first; all others are plain calls, and most policies have no other.
"""

from __future__ import annotations

from naclc.codegen.unit import CallStep, Unit

_OFTEN = 1000  # calls that are no trouble


def repeated(unit: Unit) -> dict[int, int]:
    """Functions, by number, that a packet may enter more than 1000 times in a chain; numbered in their turn from 0."""
    entries = [0] * len(unit.functions)
    for chain in unit.chains.values():
        for number in chain:
            entries[number] = 1
    for caller in reversed(range(len(entries))):  # callers come after what they call
        for step in unit.functions[caller].steps:
            if isinstance(step, CallStep):
                entries[step.function] += entries[caller]
    often = [number for number, times in enumerate(entries) if times > _OFTEN]
    return {number: index for index, number in enumerate(often)}
