"""Address translation: docs/language.md 8.5, what dnat, snat and the steps added to a chain do to a packet.

    user functions ─▶ rewrite (dnat, snat) ─▶ steps of the chain ─▶ on with the packet, or a Reason to drop it

The entry remembers: `first` is the way back for replies, `second` how they come. Two Nats that rewrite one packet
leave the last one's `second`; the way back is `first` all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from heapq import heappop, heappush

from naclc.interpret import header
from naclc.interpret.events import Reason
from naclc.interpret.flows import Direction, Endpoint, Flow, FlowTable, Tuple, tuple_of
from naclc.interpret.header import End
from naclc.interpret.transit import Transit
from naclc.pipeline.evaluation import Rewrite, RewriteKind
from naclc.pipeline.pipeline import Iface, Translation
from naclc.semantics.model import Hook

MASQUERADE_PORTS = range(49152, 65536)  # the dynamic ports of RFC 6335 section 6
_ACTS_AT = {
    RewriteKind.DNAT: frozenset({Hook.PREROUTING, Hook.OUTPUT}),
    RewriteKind.SNAT: frozenset({Hook.POSTROUTING, Hook.INPUT}),
}


class Translator:
    """Rewrites packets, and keeps the entries of one connection table up to date with it.

    `own` are the machine's own addresses, which are not masqueraded. A masqueraded flow gets the lowest of `ports`
    that is free on its Iface (docs/language.md 8.6 leaves the choice open); it is free again when its entry is gone.
    """

    def __init__(
        self, flows: FlowTable, own: frozenset[int], untracked: str, ports: Sequence[int] = MASQUERADE_PORTS
    ) -> None:
        self._flows = flows
        self._own = own
        self._untracked = untracked
        self._ports = ports
        self._free: dict[tuple[int, int], list[int]] = {}  # by Iface number and protocol, once it is used: a heap
        self._holders: dict[tuple[int, int, int], Flow] = {}  # by Iface number, protocol and port

    def rewrite(self, rewrite: Rewrite, hook: Hook, transit: Transit) -> Reason | None:
        """A dnat or snat at `hook`. It has no effect on a reply, at another hook, or on a port of ICMP."""
        flow = transit.flow
        if flow is None or transit.direction is not Direction.ORIGINAL or hook not in _ACTS_AT[rewrite.kind]:
            return None
        now = _tuple(transit)
        if rewrite.port is not None and now.protocol == header.ICMP:
            return None
        if rewrite.kind is RewriteKind.DNAT:
            target = _replaced(now.destination, rewrite)
            second = Tuple(now.protocol, target, flow.second.destination)
        else:
            target = _replaced(now.source, rewrite)
            second = Tuple(now.protocol, flow.second.source, target)
        if not self._flows.expect(flow, second):
            return Reason.NAT_COLLISION
        _readdress(transit, End.DESTINATION if rewrite.kind is RewriteKind.DNAT else End.SOURCE, target)
        return None

    def step(self, translation: Translation, iface: Iface, transit: Transit) -> Reason | None:
        """One of the steps after the functions of a chain of `iface`."""
        flow = transit.flow
        if translation is Translation.MASQUERADE:
            return self._masquerade(iface, transit)
        if flow is None:
            return None
        now = _tuple(transit)
        match translation:
            case Translation.DEMASQUERADE:
                if transit.direction is Direction.REPLY and flow.first.source != flow.second.destination:
                    _readdress(transit, End.DESTINATION, flow.first.source)
            case Translation.UN_SNAT:
                if now.destination == flow.second.destination != flow.first.source:
                    _readdress(transit, End.DESTINATION, flow.first.source)
            case Translation.UN_DNAT:
                if now.source == flow.second.source != flow.first.destination:
                    _readdress(transit, End.SOURCE, flow.first.destination)
        return None

    def release(self) -> None:
        """Free the ports of flows that are gone from the table. For after a sweep."""
        for place, flow in list(self._holders.items()):
            if flow not in self._flows:
                self._give_back(place)

    def _give_back(self, place: tuple[int, int, int]) -> None:
        number, protocol, port = place
        del self._holders[place]
        heappush(self._free[number, protocol], port)

    def _masquerade(self, out: Iface, transit: Transit) -> Reason | None:
        source, flow = header.source(transit.packet), transit.flow
        if flow is None:
            return Reason.UNTRACKED if self._untracked == "drop" and source != out.address else None
        if transit.direction is not Direction.ORIGINAL or source in self._own:
            return None
        if out.address is None:
            return Reason.NO_ADDRESS
        fault = self._hide(flow, out, out.address)
        if fault is None:
            _readdress(transit, End.SOURCE, flow.second.destination)
        return fault

    def _hide(self, flow: Flow, out: Iface, address: int) -> Reason | None:
        """Let the replies to `flow` come to `address` of `out`, at a port that is the flow's alone."""
        if flow.first.protocol == header.ICMP:
            behind = Endpoint(address, flow.first.source.port)
            return None if self._expect_at(flow, behind) else Reason.NAT_COLLISION
        known = flow.masquerade
        if known is not None and known[0] == out.number and self._expect_at(flow, Endpoint(address, known[1])):
            return None
        return self._hide_anew(flow, out.number, address)

    def _hide_anew(self, flow: Flow, number: int, address: int) -> Reason | None:
        protocol = flow.first.protocol
        if (number, protocol) not in self._free:
            self._free[number, protocol] = sorted(self._ports)
        free = self._free[number, protocol]
        if flow.masquerade is not None:  # behind another Iface until now, or its port is another flow's by now
            self._give_back((flow.masquerade[0], protocol, flow.masquerade[1]))
            flow.masquerade = None
        taken = []  # by a flow that is not masqueraded
        fault: Reason | None = Reason.PORTS_EXHAUSTED
        while fault is not None and free:
            port = heappop(free)
            if self._expect_at(flow, Endpoint(address, port)):
                self._holders[number, protocol, port] = flow
                flow.masquerade = (number, port)
                fault = None
            else:
                taken.append(port)
        for port in taken:
            heappush(free, port)
        return fault

    def _expect_at(self, flow: Flow, behind: Endpoint) -> bool:
        return self._flows.expect(flow, Tuple(flow.first.protocol, flow.second.source, behind))


def _tuple(transit: Transit) -> Tuple:
    found = tuple_of(transit.packet)
    assert found is not None, "a packet with an entry has a transport header"
    return found


def _replaced(endpoint: Endpoint, rewrite: Rewrite) -> Endpoint:
    return Endpoint(
        endpoint.address if rewrite.address is None else rewrite.address,
        endpoint.port if rewrite.port is None else rewrite.port,
    )


def _readdress(transit: Transit, end: End, to: Endpoint) -> None:
    port = None if header.protocol(transit.packet) == header.ICMP else to.port
    transit.packet = header.readdressed(transit.packet, end, to.address, port)
