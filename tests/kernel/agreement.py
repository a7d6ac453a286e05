"""Does Linux with the exported rules do what the reference interpreter does? Packet by packet, field by field.

Compared   whether a packet leaves, on which Iface, with which octets; whether it is delivered; what answers it: the
           addresses, ports, TCP flags and numbers, ICMP type, code and echoed data.
Not        the port that masquerading picks; identification, TTL, DSCP and quotes of the machine's own packets; its
           ICMP errors about routing, which no rule makes.
Excluded   packets about which Linux does not ask any rule, or whose connections it follows differently: `excluded`
           names each reason, and they are counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from naclc.export.detours import detours
from naclc.export.nft import is_stateful
from naclc.interpret import header
from naclc.interpret.events import Delivered, Dropped, Event, Held, Reason, Sent
from naclc.interpret.header import End
from naclc.interpret.machine import Machine, broadcast_of, is_multicast
from naclc.net.addresses import format_address
from naclc.pipeline.pipeline import Iface, Pipeline
from naclc.probes.probe import ProbeStep
from naclc.semantics.model import Kind
from naclc.verify.packets import summary
from tests.kernel.linux import LinuxRouter

MTU = 1500
_NO_OPERATION, _END_OF_OPTIONS = 1, 0
_REQUESTS = {8, 13, 15, 17}  # ICMP messages with which Linux begins to follow a connection
_QUERIES = _REQUESTS | {0, 14, 16, 18}  # and those that belong to one
_ROUTING_ERRORS = {(3, 0), (3, 1), (3, 4), (3, 13)}  # net, host unreachable, too big, prohibited
_FIN, _SYN, _RST, _ACK = 1, 2, 4, 16
_OPENERS = {_SYN, _ACK, _ACK | 8}  # TCP flags with which Linux begins to follow a connection, as NaCl does with any
_ARRIVAL = {Reason.TRUNCATED, Reason.BAD_VERSION, Reason.BAD_HEADER_LENGTH, Reason.BAD_TOTAL_LENGTH}


@dataclass(slots=True)
class Agreement:
    """`steps` packets were compared, `forwarded` and `delivered` of them with that outcome; the others were dropped.
    `differences` says where the kernel did something else."""

    steps: int = 0
    forwarded: int = 0
    delivered: int = 0
    dropped: int = 0
    excluded: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)


class Comparison:
    """One policy on one router. `agreement` is the result so far. With `answers` False the machine's own packets are
    not compared: for policies that ask them for what Linux and NaCl choose differently."""

    def __init__(self, pipeline: Pipeline, router: LinuxRouter, *, answers: bool = True) -> None:
        self._answers = answers
        self._pipeline = pipeline
        self._router = router
        self._ifaces = {iface.name: iface for iface in pipeline.ifaces}
        self._names = {iface.number: iface.name for iface in pipeline.ifaces}
        self._own = {iface.address for iface in pipeline.ifaces}
        self._followed = {iface.address for iface in detours(pipeline)}
        self._stateful = is_stateful(pipeline)
        self._translates = any(function.kind is Kind.NAT for function in pipeline.functions.values())
        self._hides = any(iface.masquerade for iface in pipeline.ifaces)
        self.agreement = Agreement()

    def probe(self, name: str, steps: Iterable[ProbeStep], *, gathered: bool = False) -> None:
        """Send `steps` one after the other to a machine that has no connections, and to its reference. `gathered`:
        they are all the fragments of a datagram for the machine itself."""
        machine = Machine(self._pipeline)
        self._router.flush()
        self._ports: dict[tuple[int, int], int] = {}  # masqueraded: protocol and the reference's port -> the kernel's
        for number, step in enumerate(steps, 1):
            events = machine.receive(self._ifaces[step.iface].number, step.packet)
            reason = None if gathered else self._excluded(step, number, events)
            if reason:
                self.agreement.excluded[reason] += 1
                return
            problem = self._compare(step, events)
            self.agreement.steps += 1
            if problem:
                about = f"{name}, packet {number}: {shown(step.packet)} on {step.iface}: {problem}"
                self.agreement.differences.append(about)
                return
            dropped = any(isinstance(event, Dropped) for event in events)
            if self._stateful and (dropped or (number == 1 and _begins_nothing(step.packet))):
                return  # Linux keeps no entry of a dropped packet, NaCl does: what follows is another story

    def _compare(self, step: ProbeStep, events: tuple[Event, ...]) -> str | None:
        out, local = self._router.send(step.iface, self._with_known_port(step.packet))
        forwarded, answers = split(events)
        expected = [(self._names[sent.iface], sent.packet) for sent in forwarded]
        for place in expected:
            found = next((seen for seen in out if seen[0] == place[0] and self._same(place[1], seen[1])), None)
            if found is None:
                return f"expected {listed([place])}, seen {listed(out)}"
            out.remove(found)
            self.agreement.forwarded += 1
        problem = self._compare_delivery(step, events, local)
        if problem:
            return problem
        broadcast = header.destination(step.packet) == 0xFFFFFFFF or self._is_broadcast(step)
        if self._answers and transport_is_right(step.packet) and not broadcast:
            wanted = sorted((self._names[sent.iface], *essence(sent.packet)) for sent in answers)
            made = sorted((name, *essence(packet)) for name, packet in out)
        else:  # Linux trusts the checksums that a virtual link brings, and answers broadcasts from another address
            wanted = []
            made = sorted((name, *essence(packet)) for name, packet in out if header.source(packet) not in self._own)
        if not forwarded and not any(isinstance(event, Delivered) for event in events):
            self.agreement.dropped += 1
        wanted, made = ([each for each in some if not self._is_free(each)] for some in (wanted, made))
        return None if wanted == made else f"expected to answer {wanted}, seen {made}"

    def _is_free(self, answer: tuple[object, ...]) -> bool:
        """Whether no rule makes or changes this answer. Linux translates an ICMP error like the connection that it is
        about, NaCl like any packet."""
        if answer[1] != header.ICMP:
            return False
        return answer[4] in (11, 12) or answer[4:6] in _ROUTING_ERRORS or (self._translates and answer[4] == 3)

    def _is_broadcast(self, step: ProbeStep) -> bool:
        return header.destination(step.packet) == broadcast_of(self._ifaces[step.iface])

    def _compare_delivery(self, step: ProbeStep, events: tuple[Event, ...], local: list[bytes]) -> str | None:
        delivered = any(isinstance(event, Delivered) for event in events)
        if header.protocol(step.packet) not in header.TRANSPORT_HEADER:
            return None  # judged by its answer
        self.agreement.delivered += delivered
        if delivered is not bool(local):
            return f"expected {'' if delivered else 'not '}to be delivered, seen {'' if local else 'not '}so"
        return None

    def _same(self, expected: bytes, seen: bytes) -> bool:
        """Whether the octets are equal, but for the port that masquerading picked, which is then remembered."""
        if expected == seen:
            return True
        protocol = header.protocol(expected)
        if not self._hides or protocol not in (header.TCP, header.UDP) or header.source(seen) not in self._own:
            return False
        name = f"{'tcp' if protocol == header.TCP else 'udp'}.sport"
        port = header.read_field(seen, name)
        if header.readdressed(expected, End.SOURCE, header.source(seen), port) != seen:
            return False
        self._ports[protocol, header.read_field(expected, name)] = port
        return True

    def _with_known_port(self, packet: bytes) -> bytes:
        """`packet` as the kernel's neighbours would send it, who know the port that it picked."""
        protocol = header.protocol(packet)
        if protocol not in (header.TCP, header.UDP) or not header.has_transport_header(packet):
            return packet
        name = f"{'tcp' if protocol == header.TCP else 'udp'}.dport"
        port = self._ports.get((protocol, header.read_field(packet, name)))
        if port is None or header.destination(packet) not in self._own:
            return packet
        return header.readdressed(packet, End.DESTINATION, header.destination(packet), port)

    def _excluded(self, step: ProbeStep, number: int, events: tuple[Event, ...]) -> str | None:
        packet, iface = step.packet, self._ifaces[step.iface]
        dropped = {event.reason for event in events if isinstance(event, Dropped)}
        if dropped & _ARRIVAL or len(packet) > MTU:
            return "malformed, or longer than the link takes"
        if any(isinstance(event, Held) for event in events):
            return "a fragment that waits for others"
        reason = self._of_addresses(packet, iface) or _of_options(packet)
        if reason is None and self._stateful:
            reason = _of_tracking(packet, number)
        if reason is None and self._stateful and number == 1 and _begins_nothing(packet):
            delivered = any(isinstance(event, Delivered) for event in events)
            if self._translates or self._hides or delivered:  # forwarding asks for no more than its state
                reason = "a first packet of which Linux makes no connection"
        return reason

    def _of_addresses(self, packet: bytes, iface: Iface) -> str | None:
        source, destination = header.source(packet), header.destination(packet)
        if source in self._own or source >> 24 in (0, 127) or source >> 28 == 0xF:
            return "a source address that Linux refuses to route"
        if destination >> 24 in (0, 127) or (destination >> 28 == 0xF and destination != 0xFFFFFFFF):
            return "a destination address that Linux refuses to route"
        if destination in self._own and destination != iface.address:
            fragment = header.flags(packet) & header.MORE_FRAGMENTS or header.fragment_offset(packet)
            if iface.forwards and (fragment or destination not in self._followed):
                return "the address of another Iface, to which no rule follows it"
        if is_multicast(destination) or destination in {broadcast_of(i) for i in self._ifaces.values() if i != iface}:
            return "multicast, or the broadcast address of another Iface"
        return None


def split(events: Iterable[Event]) -> tuple[list[Sent], list[Sent]]:
    """What was forwarded, and what the machine sent of its own."""
    forwarded: list[Sent] = []
    own: list[Sent] = []
    kept = forwarded
    for event in events:
        if isinstance(event, Delivered | Dropped):
            kept = own
        elif isinstance(event, Sent):
            kept.append(event)
    return forwarded, own


def _of_options(packet: bytes) -> str | None:
    options = packet[header.IPV4_HEADER : header.hdrlength(packet)]
    return "IP options that Linux reads" if options.strip(bytes((_NO_OPERATION, _END_OF_OPTIONS))) else None


def _begins_nothing(packet: bytes) -> bool:
    """Whether Linux makes no connection of `packet` where NaCl does."""
    if not header.has_transport_header(packet):
        return False
    if header.protocol(packet) == header.ICMP:
        return header.read_field(packet, "icmp.type") not in _REQUESTS
    return header.protocol(packet) == header.TCP and header.read_field(packet, "tcp.flags") not in _OPENERS


def _of_tracking(packet: bytes, number: int) -> str | None:
    """Why Linux follows a connection differently of which `packet` is the packet `number`."""
    if header.flags(packet) & header.MORE_FRAGMENTS and header.has_transport_header(packet):
        return "a first fragment, which Linux cannot track by itself"
    if number == 1 or not header.has_transport_header(packet):
        return None
    if header.protocol(packet) == header.ICMP and header.read_field(packet, "icmp.type") not in _QUERIES:
        return "an ICMP error as part of a connection"
    return None


def transport_is_right(packet: bytes) -> bool:
    """Whether a receiver accepts the TCP, UDP or ICMP message."""
    message = packet[header.hdrlength(packet) :]
    match header.protocol(packet):
        case header.ICMP:
            return header.checksum(message) == 0
        case header.UDP if len(message) >= 8 and header.read_field(packet, "udp.length") == len(message):
            return message[6:8] == b"\0\0" or header.transport_checksum(packet) == 0
        case header.TCP if len(message) >= 20 and 20 <= 4 * header.read_field(packet, "tcp.doff") <= len(message):
            return header.transport_checksum(packet) == 0
    return header.protocol(packet) not in header.TRANSPORT_HEADER


def essence(packet: bytes) -> tuple[object, ...]:
    """What is compared of an own packet of the machine."""
    ends = (header.protocol(packet), format_address(header.source(packet)), format_address(header.destination(packet)))
    message = packet[header.hdrlength(packet) :]
    if header.protocol(packet) == header.ICMP:
        return (*ends, message[0], message[1], message[4:].hex() if message[0] == 0 else "")
    if header.protocol(packet) != header.TCP or not header.has_transport_header(packet):
        return (*ends, message.hex())
    numbers = ("tcp.sport", "tcp.dport", "tcp.flags", "tcp.sequence", "tcp.ackseq")
    return (*ends, *(header.read_field(packet, name) for name in numbers))


def shown(packet: bytes) -> str:
    return f"{summary(packet)} ({packet.hex()})"


def listed(packets: Iterable[tuple[str, bytes]]) -> str:
    return ", ".join(f"{name}: {shown(packet)}" for name, packet in packets) or "nothing"
