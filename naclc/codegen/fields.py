"""Where each field lies in a packet, as a C++ expression over `ip` and `transport`.

References: RFC 791 3.1 (IPv4), RFC 2474 and RFC 3168 (DSCP, ECN), RFC 9293 3.1 (TCP), RFC 3540 (the NS bit), RFC 768
(UDP), RFC 792 (ICMP). Offsets in octets.
"""

from __future__ import annotations

from naclc.net.fields import Field

_EXPRESSIONS = {
    "ip.version": "ip[0] >> 4",
    "ip.hdrlength": "(ip[0] & 0xfu) * 4",
    "ip.dscp": "ip[1] >> 2",
    "ip.ecn": "ip[1] & 3",
    "ip.length": "load16(ip + 2)",
    "ip.id": "load16(ip + 4)",
    "ip.frag-off": "load16(ip + 6) & 0x1fff",
    "ip.ttl": "ip[8]",
    "ip.protocol": "ip[9]",
    "ip.checksum": "load16(ip + 10)",
    "ip.saddr": "load32(ip + 12)",
    "ip.daddr": "load32(ip + 16)",
    "tcp.sport": "load16(transport)",
    "tcp.dport": "load16(transport + 2)",
    "tcp.sequence": "load32(transport + 4)",
    "tcp.ackseq": "load32(transport + 8)",
    "tcp.doff": "transport[12] >> 4",
    "tcp.reserved": "transport[12] >> 1 & 7",
    "tcp.has-ns": "transport[12] & 1",
    "tcp.flags": "transport[13]",
    "tcp.window": "load16(transport + 14)",
    "tcp.checksum": "load16(transport + 16)",
    "tcp.urgptr": "load16(transport + 18)",
    "udp.sport": "load16(transport)",
    "udp.dport": "load16(transport + 2)",
    "udp.length": "load16(transport + 4)",
    "udp.checksum": "load16(transport + 6)",
    "icmp.type": "transport[0]",
    "icmp.code": "transport[1]",
    "ct.state": "state",
    "iface.in": "in",
    "iface.out": "out",
}

# Big-endian loads of that many bits.
LOADS = {
    16: "static_cast<uint32_t>(p[0]) << 8 | p[1]",
    32: "load16(p) << 16 | load16(p + 2)",
}


def expression(field: Field) -> str:
    """The value of `field`, in host order, inside a member function of the generated struct Packet."""
    if field.flag_bit is not None:
        return f"transport[13] >> {field.flag_bit} & 1"
    return _EXPRESSIONS[field.name]
