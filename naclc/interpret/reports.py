"""Syslog messages on their way to a server: datagrams that the machine sends like any packet of its own.

<14>1 - 192.0.2.1 service 1 UDPOUT - TEXT          from NIC 0 (docs/language.md 5.5; RFC 5424, RFC 5426)
"""

from __future__ import annotations

from collections.abc import Iterable

from naclc.interpret import answers, header
from naclc.interpret.events import Syslogged
from naclc.pipeline.pipeline import Iface, SyslogServer

_USER = 8  # the facility, times 8: messages of programs
_PORT = 65535  # that the datagrams come from; each machine has its own
_UDP_HEADER = 8  # octets


def reporter(ifaces: Iterable[Iface]) -> Iface | None:
    """The Iface that messages leave by: NIC 0 without a tag. A NIC that is named by its MAC address is taken for NIC 0
    when no Iface is on a NIC of that number."""
    plain = [iface for iface in ifaces if iface.vlan is None]
    numbered = [iface for iface in plain if iface.nic == 0]
    return next(iter(numbered or (iface for iface in plain if isinstance(iface.nic, str))), None)


def datagram(message: Syslogged, iface: Iface, server: SyslogServer, identification: int) -> bytes:
    """The packet that carries `message`."""
    own = iface.address or 0
    host = ".".join(str(octet) for octet in own.to_bytes(4, "big"))
    payload = f"<{_USER + message.severity}>1 - {host} service 1 UDPOUT - ".encode() + message.text
    length = (_UDP_HEADER + len(payload)).to_bytes(2, "big")
    head = _PORT.to_bytes(2, "big") + server.port.to_bytes(2, "big") + length
    packet = answers.ipv4(header.UDP, own, server.address, head + bytes(2) + payload, identification)
    checksum = header.transport_checksum(packet) or 0xFFFF
    at = header.IPV4_HEADER + 6
    return packet[:at] + checksum.to_bytes(2, "big") + packet[at + 2 :]
