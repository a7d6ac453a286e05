"""Packets made, compared and answered, with scapy: the third opinion on where a field lies.

scapy is loaded with the first packet, not with this module: it takes a third of a second.

References: RFC 791 (IPv4), RFC 9293 (TCP), RFC 768 (UDP), RFC 792 (ICMP).
"""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import Any

from naclc.net.addresses import format_address as dotted
from naclc.net.constants import ICMP_TYPES
from naclc.verify.packetspec import TRANSPORT_PROTOCOLS, PacketSpec, Value, flag_names

_ECHO_REPLY, _ECHO_REQUEST = 0, 8
_FIN_OR_SYN = 3
_DEFAULT_SPORT = 40000


@cache
def inet() -> ModuleType:
    """scapy's IPv4 layers."""
    import logging

    logging.getLogger("scapy.runtime").setLevel(logging.ERROR)  # it warns of interfaces that nobody asked for
    import scapy.layers.inet as layers

    return layers


def build(spec: PacketSpec) -> bytes:
    """The IPv4 packet that `spec` describes, defaults filled in, lengths and checksums right unless given.

    With a `length` or `doff` that is a lie the octets are still those of the true one.
    """
    if spec.raw is not None:
        return spec.raw
    number = spec.number
    transport = _transport(spec)
    header = inet().IP(
        src=dotted(number("src", 0)),
        dst=dotted(number("dst", 0)),
        ttl=number("ttl", 64),
        id=number("id", 1),
        tos=number("dscp", 0) << 2 | number("ecn", 0),
        frag=number("frag-off", 0),
        flags=number("dont-fragment", 0) << 1 | number("more-fragments", 0),
        proto=TRANSPORT_PROTOCOLS.get(spec.transport or "", number("protocol", 0)),
        options=_options(spec.octets("options")),
    )
    if "length" in spec.values:
        header.len = number("length", 0)
    if "checksum" in spec.values:
        header.chksum = number("checksum", 0)
    return bytes(header / transport if transport is not None else header)


def _options(octets: bytes) -> list[Any]:
    """Options as one piece, padded with end-of-list octets to whole words."""
    from scapy.packet import Raw

    return [Raw(octets + bytes(-len(octets) % 4))] if octets else []


def _transport(spec: PacketSpec) -> Any:
    """The scapy layers behind the IP header; None when there is nothing."""
    from scapy.packet import Raw

    layers, number, payload = inet(), spec.number, spec.octets("payload")
    if spec.transport is None:
        return Raw(payload) if payload else None
    if spec.transport == "tcp":
        layer = layers.TCP(
            sport=number("tcp.sport", _DEFAULT_SPORT),
            dport=number("tcp.dport", 0),
            flags=number("tcp.flags", 2),
            seq=number("tcp.sequence", 0),
            ack=number("tcp.ackseq", 0),
            window=number("tcp.window", 8192),
            reserved=number("tcp.reserved", 0),
            urgptr=number("tcp.urgptr", 0),
        )
        if "tcp.doff" in spec.values:
            layer.dataofs = number("tcp.doff", 5)
    elif spec.transport == "udp":
        layer = layers.UDP(sport=number("udp.sport", _DEFAULT_SPORT), dport=number("udp.dport", 0))
    else:
        # Every message has its octets 4 .. 7 as identifier and sequence number here, whatever its type makes of them.
        kind, code = number("icmp.type", _ECHO_REQUEST), number("icmp.code", 0)
        rest = (number("icmp.id", 1) << 16 | number("icmp.seq", 1)).to_bytes(4, "big")
        return Raw(_icmp(bytes((kind, code)), rest + payload, spec))
    if "transport-checksum" in spec.values:
        layer.chksum = number("transport-checksum", 0)
    return layer / Raw(payload) if payload else layer


def _icmp(start: bytes, rest: bytes, spec: PacketSpec) -> bytes:
    from scapy.utils import checksum

    total = spec.number("transport-checksum", checksum(start + b"\0\0" + rest))
    return start + total.to_bytes(2, "big") + rest


def fields(packet: bytes) -> dict[str, Value]:
    """What a tests file can compare of an IPv4 packet, by key (naclc.verify.packetspec).

    Transport keys are there when the transport header is: first fragment, and long enough. Octets that are no IPv4
    packet have no fields.
    """
    if len(packet) < 20 or packet[0] >> 4 != 4 or packet[0] & 15 < 5:
        return {}
    ip = inet().IP(packet)
    start, end = ip.ihl * 4, max(ip.ihl * 4, min(len(packet), ip.len))
    body = packet[start:end]
    result: dict[str, Value] = {
        "src": int.from_bytes(packet[12:16], "big"),
        "dst": int.from_bytes(packet[16:20], "big"),
        "ttl": ip.ttl,
        "id": ip.id,
        "dscp": ip.tos >> 2,
        "ecn": ip.tos & 3,
        "frag-off": ip.frag,
        "more-fragments": bool(ip.flags.MF),
        "dont-fragment": bool(ip.flags.DF),
        "options": packet[20:start],
        "length": ip.len,
        "checksum": ip.chksum,
        "protocol": ip.proto,
        "payload": body,
    }
    if ip.frag == 0:
        result |= _transport_fields(ip.proto, body)
    return result


def _transport_fields(protocol: int, body: bytes) -> dict[str, Value]:
    layers = inet()
    if protocol == 6 and len(body) >= 20:
        tcp = layers.TCP(body)
        names = {"sequence": "seq", "ackseq": "ack", "doff": "dataofs"}
        keys = ("sport", "dport", "flags", "sequence", "ackseq", "window", "doff", "reserved", "urgptr")
        found: dict[str, Value] = {f"tcp.{key}": int(getattr(tcp, names.get(key, key))) for key in keys}
        return found | {"transport-checksum": tcp.chksum, "payload": body[tcp.dataofs * 4 :]}
    if protocol == 17 and len(body) >= 8:
        udp = layers.UDP(body)
        found = {"udp.sport": udp.sport, "udp.dport": udp.dport}
        return found | {"transport-checksum": udp.chksum, "payload": body[8:]}
    if protocol == 1 and len(body) >= 8:
        halves = {"icmp.id": body[4:6], "icmp.seq": body[6:8], "transport-checksum": body[2:4]}
        found = {key: int.from_bytes(octets, "big") for key, octets in halves.items()}
        return found | {"icmp.type": body[0], "icmp.code": body[1], "payload": body[8:]}
    return {}


def differences(wanted: PacketSpec, packet: bytes) -> list[str]:
    """Keys of `wanted` in which `packet` is otherwise."""
    found = fields(packet)
    result = [key for key, value in wanted.values.items() if found.get(key) != value]
    if wanted.transport and found.get("protocol") != TRANSPORT_PROTOCOLS[wanted.transport]:
        result.append("protocol")
    return result


def reply(observed: bytes, changes: PacketSpec) -> bytes | None:
    """What the receiver of `observed` answers, changed key by key; None when `observed` is no IPv4 packet.

    Addresses and ports are swapped, TTL is 64, TCP flags are ACK and the numbers follow on, an echo request becomes
    an echo reply with the same payload; other protocols keep their payload.
    """
    found = fields(observed)
    if not found:
        return None
    values: dict[str, Value] = {"src": found["dst"], "dst": found["src"], "protocol": found["protocol"]}
    transport = next((name for name in TRANSPORT_PROTOCOLS if _first_key(name) in found), None)
    if transport is None:
        values["payload"] = found["payload"]
    elif transport == "icmp":
        values |= {key: found[key] for key in ("icmp.type", "icmp.code", "icmp.id", "icmp.seq", "payload")}
        if found["icmp.type"] == _ECHO_REQUEST:
            values["icmp.type"] = _ECHO_REPLY
    else:
        values |= {f"{transport}.sport": found[f"{transport}.dport"], f"{transport}.dport": found[f"{transport}.sport"]}
    if transport == "tcp":
        length = len(_octets(found["payload"])) + int(bool(int(_number(found["tcp.flags"])) & _FIN_OR_SYN))
        values |= {"tcp.flags": 16, "tcp.sequence": found["tcp.ackseq"]}
        values["tcp.ackseq"] = (int(_number(found["tcp.sequence"])) + length) & 0xFFFFFFFF
    if changes.transport is not None and changes.transport != transport:
        values = {key: value for key, value in values.items() if key in ("src", "dst")}
        transport = changes.transport
    return build(PacketSpec(transport, values | changes.values, changes.raw))


def _first_key(transport: str) -> str:
    return {"tcp": "tcp.sport", "udp": "udp.sport", "icmp": "icmp.type"}[transport]


def _octets(value: Value) -> bytes:
    return value if isinstance(value, bytes) else b""


def _number(value: Value) -> int:
    return 0 if isinstance(value, bytes) else int(value)


def summary(packet: bytes) -> str:
    """One line for a person: `tcp 192.0.2.9:40000 -> 10.0.0.5:80 syn ttl 64`."""
    found = {key: int(value) for key, value in fields(packet).items() if not isinstance(value, bytes)}
    if not found:
        return f"{len(packet)} octets that are no IPv4 packet: {packet[:24].hex()}{'…' if len(packet) > 24 else ''}"
    source, target = dotted(found["src"]), dotted(found["dst"])
    tail = f"ttl {found['ttl']}"
    if found["frag-off"] or found["more-fragments"]:
        tail += f" fragment {found['frag-off']}{'+' if found['more-fragments'] else ''}"
    if "tcp.sport" in found:
        flags = flag_names(found["tcp.flags"])
        return f"tcp {source}:{found['tcp.sport']} -> {target}:{found['tcp.dport']} {flags} {tail}"
    if "udp.sport" in found:
        return f"udp {source}:{found['udp.sport']} -> {target}:{found['udp.dport']} {tail}"
    if "icmp.type" in found:
        kind, code = found["icmp.type"], found["icmp.code"]
        return f"icmp {source} -> {target} {_ICMP_NAMES.get(kind, f'type {kind}')}{f'/{code}' if code else ''} {tail}"
    return f"protocol {found['protocol']} {source} -> {target} {tail}"


_ICMP_NAMES = {number: name for name, number in ICMP_TYPES.items()}
