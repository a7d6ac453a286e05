"""Which packets can occur where a function is attached: the facts of docs/language.md 8.7 as symbolic sets."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from naclc.decision.intervals import Intervals, merge
from naclc.decision.symbolic import Symbols
from naclc.net.fields import FIELDS, NO_IFACE, PROTOCOL_NUMBERS, Field, State
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.model import Hook, Kind, Untracked

if TYPE_CHECKING:
    from oxidd.bdd import BDDFunction

Place = tuple[Hook, int | None]  # the number of the Iface, None for forward

# What facts are about, so these fields must be in the symbols.
FACT_FIELDS: frozenset[Field] = frozenset(
    FIELDS[name]
    for name in (
        "ip.version",
        "ip.hdrlength",
        "ip.protocol",
        "ip.frag-off",
        "ip.ttl",
        "ct.state",
        "iface.in",
        "iface.out",
    )
)
_HEADER_LENGTHS = range(20, 61, 4)
_TRACKED = (State.NEW, State.ESTABLISHED)


def occurring(pipeline: Pipeline) -> dict[Field, Intervals]:
    """The values of ip.version, ip.hdrlength and ct.state that packets have, the same at every place."""
    states = _TRACKED if pipeline.untracked == "drop" else (*_TRACKED, State.UNTRACKED)
    return {
        FIELDS["ip.version"]: ((4, 4),),
        FIELDS["ip.hdrlength"]: merge((length, length) for length in _HEADER_LENGTHS),
        FIELDS["ct.state"]: merge((state, state) for state in states),
    }


def as_seen_by(kind: Kind, pipeline: Pipeline) -> Pipeline:
    """`pipeline` with the facts for functions of this kind: packets without an entry never run a Nat."""
    return replace(pipeline, untracked=Untracked.DROP) if kind is Kind.NAT else pipeline


def packets_at(place: Place, pipeline: Pipeline, symbols: Symbols) -> BDDFunction:
    """The packets that a function attached at `place` may be run on."""
    hook, iface = place

    def one_of(name: str, *values: int) -> BDDFunction:
        return symbols.member(FIELDS[name], merge((value, value) for value in values))

    packets = symbols.all
    for field, values in occurring(pipeline).items():
        packets = packets & symbols.member(field, values)
    whole = one_of("ip.frag-off", 0)
    header_there = symbols.transport
    tracked_protocol = one_of("ip.protocol", *PROTOCOL_NUMBERS.values())
    packets = packets & header_there.imp(whole & tracked_protocol)
    if pipeline.untracked == "drop":
        packets = packets & header_there
    else:
        packets = packets & (header_there | one_of("ct.state", State.UNTRACKED))
    if hook is Hook.INPUT:
        packets = packets & whole
    if hook is Hook.POSTROUTING:
        packets = packets & ~one_of("ip.ttl", 0)
    return (
        packets & one_of("iface.in", *_ifaces_in(hook, iface, pipeline)) & one_of("iface.out", _iface_out(hook, iface))
    )


def _ifaces_in(hook: Hook, iface: int | None, pipeline: Pipeline) -> list[int]:
    if hook is Hook.FORWARD:
        return [iface.number for iface in pipeline.ifaces if iface.forwards] or [NO_IFACE]
    known = iface is not None and hook in (Hook.PREROUTING, Hook.INPUT)
    return [iface if known and iface is not None else NO_IFACE]


def _iface_out(hook: Hook, iface: int | None) -> int:
    return iface if hook is Hook.POSTROUTING and iface is not None else NO_IFACE
