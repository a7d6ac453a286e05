"""What can become of all packets that may arrive, at once: docs/language.md 8.1 on sets of packets.

    arrive ─ prerouting ─┬─ local ─ input ─▶ LOCAL
                         └─ route ─ forward ─┬─ postrouting ─▶ OUT
                                   arrive ◀──┘ (S1)             and DROP from everywhere

A set is one over the packet as it arrived; a View says what it has become. History is a free choice: whether a packet
is new, of an established connection (and of which direction), or untracked, and what replies are translated back to. So
a set of packets that may come somewhere is rather too large than too small. Not modelled: tables that are full, ports
that are taken, neighbours that are silent, the packets that the machine itself makes.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from naclc.analyze.regions import Regions
from naclc.analyze.view import View
from naclc.decision.facts import occurring
from naclc.decision.graph import Graphs
from naclc.decision.intervals import Intervals
from naclc.decision.symbolic import Symbols
from naclc.net.fields import FIELDS, NO_IFACE, PROTOCOL_NUMBERS, Field, State
from naclc.pipeline.evaluation import Rewrite, RewriteKind
from naclc.pipeline.pipeline import Iface, Pipeline, Translation
from naclc.semantics.model import Config, Hook, Kind

if TYPE_CHECKING:
    from oxidd.bdd import BDDFunction

_BROADCAST = 0xFFFFFFFF
_MULTICAST = (0xE0000000, 0xEFFFFFFF)
_LOOPBACK = (0x7F000000, 0x7FFFFFFF)
_MOST_RETURNS = 4  # times that a packet may go to another own address
_ACTS_AT = {
    RewriteKind.DNAT: (Hook.PREROUTING, Hook.OUTPUT),
    RewriteKind.SNAT: (Hook.POSTROUTING, Hook.INPUT),
}
_ENDS = {
    RewriteKind.DNAT: ("ip.daddr", ("tcp.dport", "udp.dport")),
    RewriteKind.SNAT: ("ip.saddr", ("tcp.sport", "udp.sport")),
}
# What the analysis itself asks of a packet.
WAY_FIELDS: frozenset[Field] = frozenset(
    FIELDS[name]
    for name in (
        *("ip.version", "ip.hdrlength", "ip.protocol", "ip.frag-off", "ip.ttl", "ip.saddr", "ip.daddr"),
        *("ct.state", "iface.in", "iface.out"),
    )
)


class Outcome(StrEnum):
    OUT = "out"
    LOCAL = "local"
    HELD = "held"  # a fragment for the machine itself
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Fate:
    """`packets` arrived and ended so. `iface`: the number of the Iface they left by or were delivered on; None for
    DROP. `why`: the hook whose function dropped them, or a reason. `view`: what they had become."""

    outcome: Outcome
    packets: BDDFunction
    iface: int | None
    why: str
    view: View


class Explorer:
    """Finds the fates of packets under one policy. Raises MemoryError like `symbols`.

    An Iface with DHCP, or that is configured elsewhere, may have any address, unless `known` holds its name.
    """

    def __init__(
        self, pipeline: Pipeline, graphs: Graphs, symbols: Symbols, known: frozenset[str] = frozenset()
    ) -> None:
        self.pipeline = pipeline
        self._known = known
        self._seen: dict[tuple[str, tuple[BDDFunction, ...]], int] = {}
        self._symbols = symbols
        self.regions = Regions(graphs, symbols)
        self._ifaces = {iface.number: iface for iface in pipeline.ifaces}
        self._fates: list[Fate] = []
        self._translates = self._acting()
        self._original = symbols.extra("original direction", 1)[0]

    def fates(self, iface: int) -> list[Fate]:
        """Of all packets that may arrive on the Iface of number `iface`; they share no packet, and leave none out."""
        self._fates = []
        self._arrive(self._ifaces[iface], self._arriving(self._ifaces[iface]), View(self._symbols), 0)
        return self._fates

    def _acting(self) -> set[RewriteKind]:
        """The kinds of rewriting that this policy does anywhere."""
        kinds = {RewriteKind.SNAT} if any(iface.masquerade for iface in self.pipeline.ifaces) else set()
        for iface in self.pipeline.ifaces:
            for hook, names in iface.chains.items():
                for name in names:
                    if self.pipeline.functions[name].kind is Kind.NAT:
                        kinds |= {rw.kind for rw, _ in self.regions.rewrites(name) if hook in _ACTS_AT[rw.kind]}
        return kinds

    # --- sets ---

    def _where(self, name: str, *intervals: tuple[int, int]) -> BDDFunction:
        merged: Intervals = tuple(sorted(intervals))
        return self._symbols.member(FIELDS[name], merged)

    def _state(self, state: State) -> BDDFunction:
        return self._where("ct.state", (state, state))

    def _is(self, name: str, value: int | None) -> BDDFunction:
        """The packets that carry `value` (None: there is no such value) in an address field."""
        return self._symbols.none if value is None else self._where(name, (value, value))

    # What depends on the address of an Iface is told of the packets as they arrived, for those that are now as `view`.

    def _knows(self, iface: Iface) -> bool:
        return iface.name in self._known or (iface.address is not None and iface.config is Config.STATIC)

    def _own(self, name: str, iface: Iface, view: View) -> BDDFunction:
        if self._knows(iface):
            return view.of(self._is(name, iface.address))
        return self._may_be(name, f"the address of {iface.name}", view)

    def _broadcast(self, name: str, iface: Iface, view: View) -> BDDFunction:
        if self._knows(iface):
            return view.of(self._is(name, _broadcast_of(iface)))
        return self._may_be(name, f"the broadcast address of {iface.name}", view)

    def _on_link(self, iface: Iface, view: View) -> BDDFunction:
        if not self._knows(iface):
            return self._may_be("ip.daddr", f"in the subnet of {iface.name}", view)
        if iface.address is None or iface.netmask is None:
            return self._symbols.none
        first = iface.address & iface.netmask
        return view.of(self._where("ip.daddr", (first, first | ~iface.netmask & _BROADCAST)))

    def _may_be(self, name: str, what: str, view: View) -> BDDFunction:
        """The packets with a host's address in field `name`, if it so happens to be `what`. An address that is the same
        happens to be the same."""
        bits = tuple(view.bits(name))
        count = sum(1 for known, _ in self._seen if known == f"{name} {what}")
        number = self._seen.setdefault((f"{name} {what}", bits), count)
        some_host = ~(self._where(name, _MULTICAST, (_BROADCAST, _BROADCAST)) | self._where(name, _LOOPBACK))
        return self._symbols.extra(f"{name} is {what} ({number})", 1)[0] & view.of(some_host)

    def _arriving(self, iface: Iface) -> BDDFunction:
        """What may arrive on `iface`, with any history (docs/language.md 8.2, 8.7)."""
        packets = self._symbols.all
        for field, values in occurring(self.pipeline).items():
            if field.name != "ct.state":
                packets = packets & self._symbols.member(field, values)
        header = self._symbols.transport
        tracked_protocol = self._where("ip.protocol", *((n, n) for n in sorted(PROTOCOL_NUMBERS.values())))
        packets = packets & header.imp(tracked_protocol & self._where("ip.frag-off", (0, 0)))
        new, established = self._state(State.NEW), self._state(State.ESTABLISHED)
        tracked = new | established if iface.tracks else self._symbols.none
        packets = packets & (tracked & header | self._state(State.UNTRACKED))
        return packets & (established | self._original)

    # --- the way ---

    def _end(self, outcome: Outcome, packets: BDDFunction, view: View, why: str, iface: int | None = None) -> None:
        if packets.satisfiable():
            self._fates.append(Fate(outcome, packets, iface, why, view))

    def _drop(self, packets: BDDFunction, view: View, why: str) -> None:
        self._end(Outcome.DROP, packets, view, why)

    def _arrive(self, iface: Iface, packets: BDDFunction, view: View, returns: int) -> None:
        bad = view.of(self._is("ip.saddr", _BROADCAST) | self._where("ip.saddr", _MULTICAST))
        bad = bad | self._broadcast("ip.saddr", iface, view)
        self._drop(packets & bad, view, "bad-source")
        packets = packets & ~bad
        known = view.with_value("iface.in", iface.number).with_value("iface.out", NO_IFACE)
        for some, now in self._chain(iface, Hook.PREROUTING, packets, known):
            local = self._own("ip.daddr", iface, now) | self._broadcast("ip.daddr", iface, now)
            local = local | now.of(self._is("ip.daddr", _BROADCAST))
            self._deliver(iface, some & local, now)
            multicast = ~local & now.of(self._where("ip.daddr", _MULTICAST))
            self._drop(some & multicast, now, "multicast")
            onward = some & ~local & ~multicast
            if iface.forwards:
                self._route(iface, onward, now, returns)
            else:
                self._drop(onward, now, "not-forwarding")

    def _deliver(self, iface: Iface, packets: BDDFunction, view: View) -> None:
        whole = view.of(self._where("ip.frag-off", (0, 0)))
        self._end(Outcome.HELD, packets & ~whole, view, "a fragment", iface.number)
        for some, now in self._chain(iface, Hook.INPUT, packets & whole, view):
            self._end(Outcome.LOCAL, some, now, "input", iface.number)

    def _route(self, iface: Iface, packets: BDDFunction, view: View, returns: int) -> None:
        router = self.pipeline.router
        if router is None or not packets.satisfiable():
            return
        no_hops = view.of(self._where("ip.ttl", (0, 0)))
        self._drop(packets & no_hops, view, "ttl-expired")
        packets = packets & ~no_hops
        own = self._own("ip.saddr", iface, view)
        for some, now in ((packets & own, view), (packets & ~own, view.one_less("ip.ttl"))):
            for passed, then in self._functions(iface, Hook.FORWARD, router.forward, some, now):
                no_hops = then.of(self._where("ip.ttl", (0, 0)))
                self._drop(passed & no_hops, then, "ttl-expired")
                self._look_up(passed & ~no_hops, then, returns)

    def _look_up(self, packets: BDDFunction, view: View, returns: int) -> None:
        assert self.pipeline.router is not None
        for route in self.pipeline.router.routes:  # in order of preference
            first = route.net & route.netmask
            there = packets & view.of(self._where("ip.daddr", (first, first | ~route.netmask & _BROADCAST)))
            if there.satisfiable():
                self._ship(self._ifaces[route.iface], there, view, route.nexthop, returns)
                packets = packets & ~there
        self._drop(packets, view, "no-route")

    def _ship(self, out: Iface, packets: BDDFunction, view: View, nexthop: int | None, returns: int) -> None:
        back = packets & self._own("ip.daddr", out, view)
        if back.satisfiable():
            if returns == _MOST_RETURNS:
                self._drop(back, view, "ttl-expired")
            else:
                self._arrive(out, back, view.one_less("ip.ttl"), returns + 1)
        packets = packets & ~back
        loopback = view.of(self._where("ip.daddr", _LOOPBACK))
        self._drop(packets & loopback, view, "loopback-address")
        known = view.with_value("iface.in", NO_IFACE).with_value("iface.out", out.number)
        routed = view  # the next hop was chosen for the destination before postrouting
        for some, now in self._chain(out, Hook.POSTROUTING, packets & ~loopback, known):
            reached = self._on_link(out, routed) | self._on_link(out, now) | now.of(self._is("ip.daddr", _BROADCAST))
            lost = some & ~reached & ~self._gateway(out) if nexthop is None else self._symbols.none
            self._drop(lost, now, "no-next-hop")
            self._end(Outcome.OUT, some & ~lost, now, "postrouting", out.number)

    def _gateway(self, out: Iface) -> BDDFunction:
        """All packets if `out` has a gateway, none if it has not."""
        if not self._knows(out):
            return self._symbols.extra(f"{out.name} has a gateway", 1)[0]
        return self._symbols.none if out.gateway is None else self._symbols.all

    # --- chains ---

    def _chain(self, iface: Iface, hook: Hook, packets: BDDFunction, view: View) -> list[tuple[BDDFunction, View]]:
        """What gets through the chain of `hook`, in shares that have become the same."""
        shares = self._functions(iface, hook, iface.chains.get(hook, ()), packets, view)
        for translation in iface.translations.get(hook, ()):
            shares = [after for some, now in shares for after in self._translated(translation, iface, hook, some, now)]
        return [(some, now) for some, now in shares if some.satisfiable()]

    def _functions(
        self, iface: Iface, hook: Hook, names: tuple[str, ...], packets: BDDFunction, view: View
    ) -> list[tuple[BDDFunction, View]]:
        shares = [(packets, view)]
        for name in names:
            run = self._nat if self.pipeline.functions[name].kind is Kind.NAT else self._filter
            shares = [after for some, now in shares if some.satisfiable() for after in run(name, hook, some, now)]
        return shares

    def _filter(self, name: str, hook: Hook, packets: BDDFunction, view: View) -> list[tuple[BDDFunction, View]]:
        packets, view = self._tracked(packets, view), view.at(hook, name)
        accepted = packets & view.of(self.regions.verdicts(name).accept)
        self._drop(packets & ~accepted, view, hook.value)
        return [(accepted, view)]

    def _nat(self, name: str, hook: Hook, packets: BDDFunction, view: View) -> list[tuple[BDDFunction, View]]:
        packets, view = self._tracked(packets, view), view.at(hook, name)
        shares: list[tuple[BDDFunction, View]] = []
        untouched = packets
        tracked = ~self._state(State.UNTRACKED) & self._original
        for rewrite, asked in self.regions.rewrites(name):
            if hook not in _ACTS_AT[rewrite.kind]:
                continue
            acts = packets & view.of(asked) & tracked
            if rewrite.port is not None:
                acts = acts & ~view.of(self._where("ip.protocol", (1, 1)))
            shares.append((acts, _rewritten(view, rewrite)))
            untouched = untouched & ~acts
        return [(untouched, view), *shares]

    def _tracked(self, packets: BDDFunction, view: View) -> BDDFunction:
        """`packets` without those that a function drops because they have no entry."""
        if self.pipeline.untracked != "drop":
            return packets
        self._drop(packets & self._state(State.UNTRACKED), view, "untracked")
        return packets & ~self._state(State.UNTRACKED)

    def _translated(
        self, translation: Translation, iface: Iface, hook: Hook, packets: BDDFunction, view: View
    ) -> list[tuple[BDDFunction, View]]:
        if translation is Translation.MASQUERADE:
            return self._masqueraded(iface, packets, view)
        kind = RewriteKind.DNAT if translation is Translation.UN_DNAT else RewriteKind.SNAT
        if kind not in self._translates:
            return [(packets, view)]
        what = f"{translation.value} at {hook.value} of {iface.name}"
        known = self._symbols.extra(what, 1)[0] & self._state(State.ESTABLISHED)
        known = known & ~self._original if translation is Translation.DEMASQUERADE else known
        address, ports = _ENDS[RewriteKind.SNAT if kind is RewriteKind.DNAT else RewriteKind.DNAT]
        back = view
        for name in (address, *ports):
            back = back.with_unknown(name, what)
        return [(packets & ~known, view), (packets & known, back)]

    def _masqueraded(self, iface: Iface, packets: BDDFunction, view: View) -> list[tuple[BDDFunction, View]]:
        own = self._symbols.none
        for each in self.pipeline.ifaces:
            own = own | self._own("ip.saddr", each, view)
        untracked = self._state(State.UNTRACKED)
        if self.pipeline.untracked == "drop":
            foreign = ~self._own("ip.saddr", iface, view)
            self._drop(packets & untracked & foreign, view, "untracked")
            packets = packets & ~(untracked & foreign)
        hidden = packets & self._original & ~untracked & ~own
        if not self._knows(iface):
            leased = self._symbols.extra(f"{iface.name} has an address", 1)[0]
            self._drop(hidden & ~leased, view, "no-address")
            packets, hidden = packets & ~(hidden & ~leased), hidden & leased
            behind = view.with_unknown("ip.saddr", f"the address of {iface.name}")
        elif iface.address is None:
            self._drop(hidden, view, "no-address")
            return [(packets & ~hidden, view)]
        else:
            behind = view.with_value("ip.saddr", iface.address)
        for port in ("tcp.sport", "udp.sport"):
            behind = behind.with_unknown(port, f"masquerade on {iface.name}")
        return [(packets & ~hidden, view), (hidden, behind)]


def _rewritten(view: View, rewrite: Rewrite) -> View:
    address, ports = _ENDS[rewrite.kind]
    if rewrite.address is not None:
        view = view.with_value(address, rewrite.address)
    for port in ports:
        if rewrite.port is not None:
            view = view.with_value(port, rewrite.port)
    return view


def _broadcast_of(iface: Iface) -> int | None:
    if iface.address is None or iface.netmask is None or iface.netmask >= 0xFFFFFFFE:
        return None
    return iface.address | ~iface.netmask & _BROADCAST
