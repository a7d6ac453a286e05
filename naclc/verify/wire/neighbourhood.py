"""The hosts around a machine, all played by the tester: they answer ARP and DHCP, take syslog messages, and keep what
else the machine sends.

    frame ─▶ tag off ─┬─ ARP question ─▶ an answer, if the neighbour is there
                      ├─ ARP answer   ─▶ to one of the tester's own questions
                      ├─ DHCP client  ─▶ an answer, where the machine is to get a lease
                      ├─ syslog       ─▶ messages
                      └─ IPv4         ─▶ sent
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from naclc.interpret.machine import Lease
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.model import Config
from naclc.verify import syslog
from naclc.verify.executor import Sent
from naclc.verify.neighbours import Neighbours
from naclc.verify.nics import Link, Wiring, mac_addresses
from naclc.verify.wire import dhcp, frames
from naclc.verify.wire.datagram import parse_datagram

_SERVERS_MAC = b"\x06\x02"  # the octets that the MAC addresses of DHCP servers begin with


@dataclass(slots=True)
class Seen:
    """What came since the step began. `answered`: how many questions of the machine were answered."""

    sent: list[Sent] = field(default_factory=list)
    messages: list[syslog.Message] = field(default_factory=list)
    answered: int = 0


class Neighbourhood:
    """`transmit` puts a frame on the wire of a NIC; `leases` are given by Iface name."""

    def __init__(
        self,
        pipeline: Pipeline,
        neighbours: Neighbours,
        leases: Mapping[str, Lease],
        transmit: Callable[[int, bytes], None],
    ) -> None:
        self.wiring = Wiring.of(pipeline)
        self.seen = Seen()
        self.servers = {self.wiring.links[name]: dhcp.Server(lease) for name, lease in leases.items()}
        self._syslog = pipeline.syslog
        self._neighbours = neighbours
        self._transmit = transmit
        self._macs = [frames.mac_octets(mac) for mac in mac_addresses(pipeline)]
        own = (iface.address for link, iface in self.wiring.ifaces.items() if link == Link(0))
        self._reporter = next(own, None)  # syslog messages come from NIC 0
        self._round = 0
        self._waiting: set[Link] = set()  # for the answers to our own questions

    def ipv4(self, link: Link, packet: bytes) -> None:
        """A neighbour sends `packet`: the one of its source address."""
        source = int.from_bytes(packet[12:16], "big") if len(packet) >= 20 else 0
        frame = frames.ipv4_frame(self._macs[link.nic], frames.neighbour_mac(source), packet)
        self._transmit(link.nic, frames.tagged(frame, link.tag))

    def ask(self, links: Iterable[Link]) -> None:
        """A new round of ARP questions for the machine's addresses: on each of `links`, which have one."""
        self._round += 1
        self._waiting = set(links)
        self.repeat()

    def repeat(self) -> None:
        """Ask those again that have not been answered."""
        for link in sorted(self._waiting):
            address = self.wiring.ifaces[link].address or 0
            question = frames.arp_request(self._asker(link), 0, address)
            self._transmit(link.nic, frames.tagged(question, link.tag))

    @property
    def unanswered(self) -> tuple[Link, ...]:
        return tuple(sorted(self._waiting))

    def take(self, nic: int, frame: bytes) -> None:
        vlan, frame = frames.untagged(frame)
        link = Link(nic, -1 if vlan is None else vlan)
        arp = frames.parse_arp(frame)
        if arp is not None:
            return self._take_arp(link, arp)
        packet = frames.parse_ipv4(frame)
        if packet is None or self._takes_lease(link, packet) or self._takes_message(packet):
            return None
        iface = self.wiring.ifaces.get(link)
        hop = frames.neighbour_of(frame[:6])
        if hop is not None and iface is not None:
            hop = self._neighbours.reached(iface, hop)
        self.seen.sent.append(Sent(self.wiring.name(link), packet, hop))
        return None

    def _take_arp(self, link: Link, arp: frames.Arp) -> None:
        if not arp.request:
            if arp.target_mac == self._asker(link):
                self._waiting.discard(link)
            return
        iface = self.wiring.ifaces.get(link)
        if iface is None or arp.target == arp.sender:
            return
        server = self.servers.get(link)
        if self._neighbours.answers(iface, arp.target) or (server and arp.target == server.address):
            self.seen.answered += 1
            mac = frames.neighbour_mac(arp.target)
            reply = frames.arp_reply(arp.sender_mac, mac, arp.target, arp.sender)
            self._transmit(link.nic, frames.tagged(reply, link.tag))

    def _takes_lease(self, link: Link, packet: bytes) -> bool:
        """Whether `packet` is the machine's own DHCP; it is answered where it is to be."""
        iface = self.wiring.ifaces.get(link)
        own = (0, iface.address) if iface is not None else ()
        if iface is None or iface.config is Config.STATIC or int.from_bytes(packet[12:16], "big") not in own:
            return False
        if not dhcp.is_clients(packet):
            return False
        server = self.servers.get(link)
        answer = server.take(packet) if server is not None else None
        if answer is not None:
            self.seen.answered += 1
            frame = frames.ipv4_frame(answer.mac, _SERVERS_MAC + answer.source.to_bytes(4, "big"), answer.packet)
            self._transmit(link.nic, frames.tagged(frame, link.tag))
        return True

    def _takes_message(self, packet: bytes) -> bool:
        """Whether `packet` is the machine's own message to the syslog server."""
        if self._syslog is None:
            return False
        found = parse_datagram(packet)
        if found is None or (found.source, found.target) != (self._reporter, self._syslog.address):
            return False
        message = syslog.in_datagram(found.payload) if found.dport == self._syslog.port else None
        if message is None:
            return False
        self.seen.messages.append(message)
        return True

    def _asker(self, link: Link) -> bytes:
        """The MAC address that asks in this round."""
        return b"\x06\x01" + (self._round & 0xFFFFFF).to_bytes(3, "big") + bytes((link.nic & 255,))
