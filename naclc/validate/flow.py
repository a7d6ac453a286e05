"""Packets on their way through a function: those that are here, said relative to places they have passed.

A flow maps cuts to sets of packets: a packet is in the flow when it passed the cut and is in the cut's set. The first
cut is the function's entry. A long list of rules is cut now and then, so that sets stay small: they then say what the
rules since the cut ask, not what all rules before have left over.

INVARIANT canonical   no set is empty; so flows are equal when their dictionaries are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oxidd.bdd import BDDFunction

Flow = dict[int, "BDDFunction"]
ENTRY = -1  # the cut at a function's entry; the others are ids of the statements they lie before


@dataclass(frozen=True, slots=True)
class Reach:
    """`sites` gives the packets that reach each log, call, verdict and rewrite, by statement id; `cuts` those that pass
    each cut; `end` those that reach the end of the function. Only packets the function is run for are counted."""

    sites: dict[int, Flow]
    cuts: dict[int, Flow]
    end: Flow


def flow(cut: int, packets: BDDFunction) -> Flow:
    return {cut: packets} if packets.satisfiable() else {}


def only(packets: Flow, chosen: BDDFunction) -> Flow:
    """Those of `packets` that are in `chosen`."""
    some = ((cut, here & chosen) for cut, here in packets.items())
    return {cut: here for cut, here in some if here.satisfiable()}


def both(one: Flow, other: Flow) -> Flow:
    """The packets of either flow."""
    if not one or not other:
        return one or other
    merged = dict(one)
    for cut, packets in other.items():
        merged[cut] = merged[cut] | packets if cut in merged else packets
    return merged
