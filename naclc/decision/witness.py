"""From values of fields to a packet that has them: examples for people, probes for machines.

A packet is as valid as the wanted values allow: lengths and checksums are right unless they are wanted otherwise, and
a wanted checksum is made right by a word that is free (the identification, or two octets of data).

References: RFC 791 3.1 (IPv4), RFC 9293 3.1 (TCP), RFC 768 (UDP), RFC 792 (ICMP), RFC 1071 (checksum).
"""

from __future__ import annotations

from collections.abc import Mapping

from naclc.net.fields import FIELDS, NO_IFACE, PROTOCOL_NUMBERS, State
from naclc.pipeline.evaluation import Facts

# In an assignment: 1, the transport header is there; 0, it is not (docs/language.md 8.3).
TRANSPORT = "transport-header"

# What a field has when nothing is wanted of it. Addresses are for documentation (RFC 5737): 192.0.2.1, 198.51.100.1.
DEFAULTS = {
    "ip.version": 4,
    "ip.hdrlength": 20,
    "ip.dscp": 0,
    "ip.ecn": 0,
    "ip.id": 1,
    "ip.frag-off": 0,
    "ip.ttl": 64,
    "ip.protocol": 17,
    "ip.saddr": 0xC0000201,
    "ip.daddr": 0xC6336401,
    "tcp.sport": 40000,
    "tcp.dport": 40001,
    "tcp.sequence": 1,
    "tcp.ackseq": 0,
    "tcp.doff": 5,
    "tcp.reserved": 0,
    "tcp.has-ns": 0,
    "tcp.flags": 0x02,  # SYN
    "tcp.window": 65535,
    "tcp.urgptr": 0,
    "udp.sport": 40000,
    "udp.dport": 40001,
    "icmp.type": 8,  # echo request
    "icmp.code": 0,
    "ct.state": State.NEW.value,
}
_TCP, _UDP, _ICMP = PROTOCOL_NUMBERS["TCP"], PROTOCOL_NUMBERS["UDP"], PROTOCOL_NUMBERS["ICMP"]
_NAMES = {_TCP: "tcp", _UDP: "udp", _ICMP: "icmp"}
_HEADER = {_TCP: 20, _UDP: 8, _ICMP: 8}  # octets that make a transport header
_CHECKSUM_AT = {_TCP: 16, _UDP: 6, _ICMP: 2}
# 16-bit words of a header that may have any value, the most harmless first: the urgent pointer counts with URG only.
_FREE_WORDS = {
    _TCP: (("tcp.urgptr", 18), ("tcp.window", 14), ("tcp.sequence", 6), ("tcp.ackseq", 10), ("tcp.sport", 0)),
    _UDP: (("udp.sport", 0), ("udp.dport", 2)),
    _ICMP: (),
}
_NO_OPERATION = b"\x01"  # as IP and as TCP option


class NoSuchPacket(ValueError):
    """No packet can have these values: a length below the headers', a header length that is no multiple of 4 …"""


def facts_from_assignment(assignment: Mapping[str, int]) -> Facts:
    """The packet of `assignment` with its ct.state, iface.in and iface.out. Raises NoSuchPacket."""
    state = assignment.get("ct.state", State.NEW.value)
    if state not in set(State):
        raise NoSuchPacket(f"ct.state {state}")
    into, out = assignment.get("iface.in", NO_IFACE), assignment.get("iface.out", NO_IFACE)
    return Facts(packet_from_assignment(assignment), State(state), into, out)


def packet_from_assignment(assignment: Mapping[str, int]) -> bytes:
    """An IPv4 packet whose fields have the values of `assignment`.

    Args:
        assignment: host-order values by field name; `transport-header` 0 asks for a packet that is cut before its
            transport header ends. Fields that are not named have a usual value. Without ip.protocol the protocol is
            that of the first tcp, udp or icmp field named, else UDP.

    Returns:
        The packet from the first octet of its IP header to the end of its total length.

    Raises:
        NoSuchPacket: the values exclude each other.

    >>> packet_from_assignment({"udp.dport": 53, "ip.ttl": 3})[8:10].hex(), len(packet_from_assignment({}))
    ('0311', 28)
    """
    wanted = {**DEFAULTS, "ip.protocol": _protocol(assignment), **assignment}
    _check_widths(assignment)
    start = wanted["ip.hdrlength"]
    if start not in range(20, 61, 4):
        raise NoSuchPacket(f"ip.hdrlength {start}")
    room = assignment["ip.length"] - start if "ip.length" in assignment else None
    if room is not None and room < 0:
        raise NoSuchPacket(f"ip.length {assignment['ip.length']} with ip.hdrlength {start}")
    data = _data(wanted, assignment, room)
    addresses = wanted["ip.saddr"].to_bytes(4, "big") + wanted["ip.daddr"].to_bytes(4, "big")
    data = _with_checksum(data, wanted, assignment, addresses)
    return _ip_header(wanted, assignment, start, start + len(data), addresses) + data


def _protocol(assignment: Mapping[str, int]) -> int:
    for name in assignment:
        number = PROTOCOL_NUMBERS.get(name.split(".")[0].upper())
        if number is not None:
            return number
    return DEFAULTS["ip.protocol"]


def _check_widths(assignment: Mapping[str, int]) -> None:
    for name, value in assignment.items():
        if name in FIELDS and not 0 <= value < 1 << FIELDS[name].width:
            raise NoSuchPacket(f"{name} {value}")


def _data(wanted: Mapping[str, int], assignment: Mapping[str, int], room: int | None) -> bytes:
    """What follows the IP header: `room` octets, or as many as it takes. Its checksum is still 0."""
    protocol = wanted["ip.protocol"]
    there = assignment.get(TRANSPORT, int(protocol in _HEADER and wanted["ip.frag-off"] == 0))
    if not there or protocol not in _HEADER:
        cut = protocol in _HEADER and wanted["ip.frag-off"] == 0
        if cut and room is not None and room >= _HEADER[protocol]:
            raise NoSuchPacket(f"a header of protocol {protocol} that is not there in {room} octets")
        return bytes(room if room is not None else 4 if cut else 8)
    if wanted["ip.frag-off"] != 0:
        raise NoSuchPacket("a transport header in a later fragment")
    if room is not None and room < _HEADER[protocol]:
        raise NoSuchPacket(f"a header of protocol {protocol} in {room} octets")
    length = f"{_NAMES[protocol]}.length"
    header = {_TCP: _tcp, _UDP: _udp, _ICMP: _icmp}[protocol](wanted)
    fixed = assignment.get(f"{_NAMES[protocol]}.checksum")
    if room is None and fixed is not None:
        header += b"\0\0"  # for the word that makes the checksum right
    data = header if room is None else (header + bytes(room))[:room]
    if protocol == _UDP:
        data = data[:4] + assignment.get(length, len(data)).to_bytes(2, "big") + data[6:]
    return data


def _tcp(wanted: Mapping[str, int]) -> bytes:
    flags = wanted["tcp.flags"]
    for name, value in wanted.items():
        field = FIELDS.get(name)
        if field is not None and field.flag_bit is not None:
            flags = flags & ~(1 << field.flag_bit) | value << field.flag_bit
    ports = wanted["tcp.sport"] << 16 | wanted["tcp.dport"]
    control = wanted["tcp.doff"] << 12 | wanted["tcp.reserved"] << 9 | wanted["tcp.has-ns"] << 8 | flags
    words = (ports, wanted["tcp.sequence"], wanted["tcp.ackseq"], control << 16 | wanted["tcp.window"])
    options = _NO_OPERATION * max(0, wanted["tcp.doff"] * 4 - 20)
    return b"".join(word.to_bytes(4, "big") for word in (*words, wanted["tcp.urgptr"])) + options


def _udp(wanted: Mapping[str, int]) -> bytes:
    return wanted["udp.sport"].to_bytes(2, "big") + wanted["udp.dport"].to_bytes(2, "big") + bytes(4)


def _icmp(wanted: Mapping[str, int]) -> bytes:
    return bytes((wanted["icmp.type"], wanted["icmp.code"], 0, 0, 0, 1, 0, 1))  # identifier 1, sequence 1


def _with_checksum(data: bytes, wanted: Mapping[str, int], assignment: Mapping[str, int], addresses: bytes) -> bytes:
    """`data` with its checksum: as wanted, and then made right by a word that is free, if there is one."""
    protocol = wanted["ip.protocol"]
    if protocol not in _HEADER or wanted["ip.frag-off"] != 0 or len(data) < _HEADER[protocol]:
        return data
    at = _CHECKSUM_AT[protocol]
    pseudo = b"" if protocol == _ICMP else addresses + bytes((0, protocol)) + len(data).to_bytes(2, "big")
    fixed = assignment.get(f"{_NAMES[protocol]}.checksum")
    if fixed is None:
        computed = ~_sum(pseudo + data) & 0xFFFF
        if protocol == _UDP and computed == 0:
            computed = 0xFFFF  # 0 would say that there is no checksum
        return data[:at] + computed.to_bytes(2, "big") + data[at + 2 :]
    data = data[:at] + fixed.to_bytes(2, "big") + data[at + 2 :]
    if protocol == _UDP and fixed == 0:
        return data  # no checksum
    free = _free_word(data, wanted, assignment)
    if free is None:
        return data
    data = data[:free] + b"\0\0" + data[free + 2 :]
    return data[:free] + _missing(pseudo + data).to_bytes(2, "big") + data[free + 2 :]


def _free_word(data: bytes, wanted: Mapping[str, int], assignment: Mapping[str, int]) -> int | None:
    """Where two octets lie whose value nobody wants: the last of the data, or a field."""
    protocol = wanted["ip.protocol"]
    header = max(20, wanted["tcp.doff"] * 4) if protocol == _TCP else 8
    last = len(data) - 2 & ~1
    if last >= header:
        return last
    return next((at for name, at in _FREE_WORDS[protocol] if name not in assignment), None)


def _ip_header(
    wanted: Mapping[str, int], assignment: Mapping[str, int], start: int, total: int, addresses: bytes
) -> bytes:
    if total > 0xFFFF:
        raise NoSuchPacket(f"{total} octets")
    head = bytes((wanted["ip.version"] << 4 | start // 4, wanted["ip.dscp"] << 2 | wanted["ip.ecn"]))
    head += total.to_bytes(2, "big") + wanted["ip.id"].to_bytes(2, "big") + wanted["ip.frag-off"].to_bytes(2, "big")
    head += bytes((wanted["ip.ttl"], wanted["ip.protocol"]))
    tail = addresses + _NO_OPERATION * (start - 20)
    fixed = assignment.get("ip.checksum")
    if fixed is None:
        return head + (~_sum(head + tail) & 0xFFFF).to_bytes(2, "big") + tail
    checksum = fixed.to_bytes(2, "big")
    if "ip.id" not in assignment:
        head = head[:4] + b"\0\0" + head[6:]
        head = head[:4] + _missing(head + checksum + tail).to_bytes(2, "big") + head[6:]
    return head + checksum + tail


def _sum(octets: bytes) -> int:
    """The one's complement sum of 16-bit words; an odd last octet counts as the upper half of one."""
    octets += b"\0" * (len(octets) % 2)
    total = sum(int.from_bytes(octets[at : at + 2], "big") for at in range(0, len(octets), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def _missing(octets: bytes) -> int:
    """The word that, in place of one that is 0, makes the checksum in `octets` right."""
    return 0xFFFF - _sum(octets)
