"""Attachments as base chains, in the order in which a packet meets the functions.

    prerouting   track · filters · [nat -100] · filters behind the Nat · own addresses
    input        detours · filters · [nat 100] · filters behind the Nat
    forward      Ifaces that do not forward · filters
    output       track · filters · [nat -100] · filters behind the Nat · forward's filters, for own packets
    postrouting  filters · [nat 100] · filters behind the Nat

Each place in a chain has a base chain of its own, at a priority of its own: `accept` goes on to the next one, as in
NaCl. Connections are tracked at -200, and nftables carries out all translations at the two priorities in brackets,
also those of replies. That is where docs/language.md 8.5 puts them too: behind the Filters.

Reference: nft(8), "Chains", table of standard priorities.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from naclc.export.bodies import Bodies, Use, guard
from naclc.export.detours import detours
from naclc.export.matches import InBy, Names
from naclc.export.ruleset import DROP, RETURN, Chain, Go, Ruleset, goto, jump
from naclc.net.addresses import format_address, mask_of, subnet_bounds
from naclc.pipeline.pipeline import Iface, Pipeline
from naclc.semantics.model import Hook, Kind, Protocol, Untracked

MOST_FUNCTIONS = 40  # in a chain: the priorities between two translations
_ARRIVAL = -460
_BEFORE_TRACKING = -450  # before the kernel gathers fragments, too
_BEFORE_NAT = {Hook.PREROUTING: -150, Hook.OUTPUT: -150, Hook.INPUT: 0, Hook.POSTROUTING: 0, Hook.FORWARD: 0}
_NAT = {Hook.PREROUTING: -100, Hook.OUTPUT: -100, Hook.INPUT: 100, Hook.POSTROUTING: 100}
_BEHIND_NAT = {Hook.PREROUTING: -90, Hook.OUTPUT: -90, Hook.INPUT: 110, Hook.POSTROUTING: 110}
_FORWARD_OF_OWN = -40  # at output
_OWN_ADDRESSES = -20  # at prerouting
_FORWARD_OF_DETOURS, _PREROUTING_OF_DETOURS = -100, -50  # at input
_NOT_FORWARDING = -10  # at forward
_LEAKS = 90  # at postrouting, before source addresses are translated
_NO_ERRORS = -440  # at output

# An Iface, the matches that find packets of its chain, and what iface.in is for them.
_Packets = tuple[Iface, tuple[str, ...], InBy]


@dataclass(frozen=True, slots=True)
class Place:
    """The `function` that hangs at this place of a chain of `iface`, and the matches that find its packets."""

    matches: tuple[str, ...]
    function: str
    in_by: InBy = InBy.ARRIVAL


def split(functions: tuple[str, ...], kinds: dict[str, Kind]) -> tuple[tuple[str, ...], str | None, tuple[str, ...]]:
    """The Filters before the first Nat of a chain, that Nat, and what hangs behind it."""
    at = next((at for at, name in enumerate(functions) if kinds[name] is Kind.NAT), None)
    return (functions, None, ()) if at is None else (functions[:at], functions[at], functions[at + 1 :])


class Hooks:
    """Writes the base chains of `pipeline` into `ruleset`."""

    def __init__(self, pipeline: Pipeline, names: Names, ruleset: Ruleset, stateful: bool) -> None:
        self._pipeline = pipeline
        self._names = names
        self._ruleset = ruleset
        self._bodies = Bodies(pipeline, names, ruleset)
        self._stateful = stateful
        self._kinds = {name: function.kind for name, function in pipeline.functions.items()}
        self._drops_untracked = pipeline.untracked == Untracked.DROP
        self._untracked: Chain | None = None
        self._detours = detours(pipeline)

    def write(self) -> None:
        """All base chains."""
        ifaces = self._pipeline.ifaces
        self._arrival()
        if self._stateful:
            self._track()
        arriving = [(iface, (f"iifname {self._names.device(iface.number)}",), InBy.ARRIVAL) for iface in ifaces]
        self._chains(Hook.PREROUTING, arriving)
        self._own_addresses()
        self._before_input()
        self._chains(Hook.INPUT, [*self._taken_at_once(), *self._on_detour()])
        self._forward()
        owners = [
            (iface, ('oifname != "lo"', f"ip saddr {format_address(iface.address)}"), InBy.SOURCE)
            for iface in ifaces
            if iface.address is not None
        ]
        self._chains(Hook.OUTPUT, owners)
        self._forward_of_own(owners)
        leaving = [(iface, (f"oifname {self._names.device(iface.number)}",), InBy.ARRIVAL) for iface in ifaces]
        self._chains(Hook.POSTROUTING, leaving)
        self._masquerade()

    def _base(self, hook: Hook, name: str, priority: int, kind: str = "filter") -> Chain:
        return self._ruleset.chain(f"{hook}_{name}", f"type {kind} hook {hook} priority {priority}; policy accept;")

    def _chains(self, hook: Hook, packets: Sequence[_Packets]) -> None:
        """The functions on `hook` of each Iface, whose packets the matches find."""
        before: list[list[Place]] = []
        behind: list[list[Place]] = []
        nats: list[Place] = []
        for iface, matches, in_by in packets:
            first, nat, rest = split(iface.chains.get(hook, ()), self._kinds)
            _spread(before, [Place(matches, name, in_by) for name in first])
            _spread(behind, [Place(matches, name, in_by) for name in rest])
            nats += [Place(matches, nat)] if nat else []
        self._filters(hook, "filter", _BEFORE_NAT.get(hook, 0), before)
        if nats:
            self._nats(hook, nats, len(before))
        self._filters(hook, "late", _BEHIND_NAT.get(hook, 0), behind)

    def _filters(self, hook: Hook, name: str, priority: int, positions: list[list[Place]]) -> None:
        for number, places in enumerate(positions):
            base = self._base(hook, f"{name}{number + 1}", priority + number)
            for place in places:
                self._refuse_untracked(base, place.matches)
                chain = self._bodies.function(place.function, Use(place.in_by))
                base.rule(place.matches, jump(chain))
                base.rule(place.matches, DROP)

    def _nats(self, hook: Hook, places: list[Place], number: int) -> None:
        """Nats are asked by the first packet of a flow only; untracked packets pass them by."""
        check = self._base(hook, "entry", _BEFORE_NAT[hook] + number)
        check.comment("what the kernel cannot translate is dropped, where NaCl would")
        for place in places:
            self._refuse_untracked(check, place.matches)
            check.rule((*place.matches, "ct state invalid"), DROP)
        base = self._base(hook, "nat", _NAT[hook], "nat")
        for place in places:
            protocol = self._bodies.protocol(place.function)
            needed = () if protocol is Protocol.IP else guard(protocol)
            chain = self._bodies.function(place.function, Use.of_nat(hook))
            base.rule((*place.matches, *needed), jump(chain))

    def _refuse_untracked(self, chain: Chain, matches: tuple[str, ...]) -> None:
        """Under `untracked: drop` a function drops what has no entry before its first statement."""
        if not self._drops_untracked:
            return
        if not self._stateful:
            chain.rule(matches, jump(self._no_entry()))
            return
        chain.rule((*matches, "ct state untracked"), DROP)
        if self._pipeline.conntrack.stateful_tcp:
            chain.rule((*matches, "ip protocol 6", "ct state invalid"), DROP)

    def _no_entry(self) -> Chain:
        """Drops what could have no entry, in a ruleset that tracks nothing."""
        if self._untracked is None:
            self._untracked = self._ruleset.chain("untracked")
            self._untracked.comment("TCP, UDP and ICMP with their headers may have an entry, others may not")
            self._with_header(self._untracked, RETURN)
            self._untracked.rule((), DROP)
        return self._untracked

    def _with_header(self, chain: Chain, go: Go) -> None:
        for protocol in (Protocol.TCP, Protocol.UDP, Protocol.ICMP):
            chain.rule(guard(protocol), go)

    def _arrival(self) -> None:
        """Nobody sends from the broadcast address of a link."""
        base = self._base(Hook.PREROUTING, "arrival", _ARRIVAL)
        for iface in self._pipeline.ifaces:
            if iface.address is not None and iface.netmask is not None and iface.netmask < mask_of(31):
                _, last = subnet_bounds(iface.address, iface.netmask)
                base.rule((f"iifname {self._names.device(iface.number)}", f"ip saddr {format_address(last)}"), DROP)

    def _track(self) -> None:
        """What has no entry in NaCl has none here."""
        whole = self._ruleset.chain("whole")
        whole.comment("a first fragment cannot be tracked before the others have come")
        whole.rule(("ip frag-off & 0x2000 != 0",), DROP)
        track = self._ruleset.chain("track")
        self._with_header(track, goto(whole))
        track.rule((), Go("notrack"))
        base = self._base(Hook.PREROUTING, "track", _BEFORE_TRACKING)
        open_ = [iface for iface in self._pipeline.ifaces if not iface.chains.get(Hook.PREROUTING)]
        if open_:
            base.comment("fragments for the machine itself are gathered first, where no function sees them before")
            base.rule((f"iifname {self._set(open_)}", "fib daddr type local"), RETURN)
        base.rule((), goto(track))
        self._base(Hook.OUTPUT, "track", _BEFORE_TRACKING).rule((), goto(track))

    def _own_addresses(self) -> None:
        """Packets to the address of another Iface go on where they can be followed, else they end here."""
        base = self._base(Hook.PREROUTING, "own", _OWN_ADDRESSES)
        ifaces = self._pipeline.ifaces
        for iface in ifaces:
            arrived = f"iifname {self._names.device(iface.number)}"
            others = [other for other in ifaces if other is not iface and other.address is not None]
            followed = [other for other in others if iface.forwards and other in self._detours]
            ended = [other for other in others if other not in followed]
            if ended:
                base.rule((arrived, f"ip daddr {_addresses(ended)}"), DROP)
            if followed:
                base.rule((arrived, f"ip daddr {_addresses(followed)}", "ip ttl 0-1"), DROP)
                base.rule((arrived, f"ip daddr {_addresses(followed)}", "ip frag-off & 0x3fff != 0"), DROP)
        if ifaces:
            base.rule((f"iifname {self._set(ifaces)}", "ip daddr 224.0.0.0/4"), DROP)

    def _taken_at_once(self) -> Iterable[_Packets]:
        """What arrives at input on the Iface that it is for."""
        for iface in self._pipeline.ifaces:
            others = [other for other in self._detours if other is not iface]
            elsewhere = (f"ip daddr != {_addresses(others)}",) if others and iface.forwards else ()
            yield iface, (f"iifname {self._names.device(iface.number)}", *elsewhere), InBy.ARRIVAL

    def _on_detour(self) -> Iterable[_Packets]:
        """What arrives at input for another Iface than the one by which it came."""
        for iface in self._detours:
            origins = [other for other in self._pipeline.ifaces if other is not iface and other.forwards]
            if origins:
                to = f"ip daddr {_addresses([iface])}"
                yield iface, (f"iifname {self._set(origins)}", to), InBy.DESTINATION

    def _before_input(self) -> None:
        """On a detour, a packet is forwarded and arrives anew."""
        packets = list(self._on_detour())
        forwarded = [[Place(matches, name) for _, matches, _ in packets] for name in self._routed()]
        self._filters(Hook.INPUT, "forward", _FORWARD_OF_DETOURS, forwarded if packets else [])
        arrived: list[list[Place]] = []
        for iface, matches, in_by in packets:
            _spread(arrived, [Place(matches, name, in_by) for name in iface.chains.get(Hook.PREROUTING, ())])
        self._filters(Hook.INPUT, "prerouting", _PREROUTING_OF_DETOURS, arrived)

    def _forward(self) -> None:
        idle = [iface for iface in self._pipeline.ifaces if not iface.forwards]
        if idle:
            base = self._base(Hook.FORWARD, "idle", _NOT_FORWARDING)
            base.comment("no route names them: they do not forward")
            base.rule((f"iifname {self._set(idle)}",), DROP)
        forwarding = [iface for iface in self._pipeline.ifaces if iface.forwards]
        if forwarding:
            matches = (f"iifname {self._set(forwarding)}",)
            self._filters(Hook.FORWARD, "filter", 0, [[Place(matches, name)] for name in self._routed()])

    def _forward_of_own(self, owners: Sequence[_Packets]) -> None:
        """In NaCl the machine's own packets are routed like others, through forward."""
        forwarding = [matches for iface, matches, _ in owners if iface.forwards]
        positions = [[Place(matches, name, InBy.SOURCE) for matches in forwarding] for name in self._routed()]
        self._filters(Hook.OUTPUT, "forward", _FORWARD_OF_OWN, positions if forwarding else [])
        router = self._pipeline.router
        if router is not None and not router.send_time_exceeded:
            self._base(Hook.OUTPUT, "errors", _NO_ERRORS).rule(("icmp type 11",), DROP)

    def _routed(self) -> tuple[str, ...]:
        return self._pipeline.router.forward if self._pipeline.router else ()

    def _masquerade(self) -> None:
        hiding = [iface for iface in self._pipeline.ifaces if iface.masquerade]
        if not hiding:
            return
        own = ", ".join(format_address(i.address) for i in self._pipeline.ifaces if i.address is not None)
        leaks = self._base(Hook.POSTROUTING, "leaks", _LEAKS)
        leaks.comment("no inside address leaves: what cannot be translated is dropped")
        base = self._base(Hook.POSTROUTING, "masquerade", _NAT[Hook.POSTROUTING] + 1, "nat")
        for iface in hiding:
            out = f"oifname {self._names.device(iface.number)}"
            foreign = f"ip saddr != {{ {own} }}"
            states = "ct state { invalid, untracked }" if self._drops_untracked else "ct state invalid"
            if iface.address is None:
                leaks.rule((out,), DROP)
                continue
            leaks.rule((out, foreign, states), DROP)
            base.rule((out, foreign), Go("masquerade"))

    def _set(self, ifaces: Iterable[Iface]) -> str:
        return f"{{ {', '.join(self._names.device(iface.number) for iface in ifaces)} }}"


def _addresses(ifaces: Iterable[Iface]) -> str:
    return f"{{ {', '.join(format_address(i.address) for i in ifaces if i.address is not None)} }}"


def _spread(positions: list[list[Place]], places: list[Place]) -> None:
    """Put the first of `places` at the first position, and so on."""
    for number, place in enumerate(places):
        if number == len(positions):
            positions.append([])
        positions[number].append(place)
