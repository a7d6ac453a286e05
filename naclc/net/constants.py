"""The built-in constants of the language (docs/language.md 7.2). Names are lower-case; look them up that way.

Numbers: IANA's registries of service names and port numbers, of protocol numbers and of ICMP types; RFC 9293 for
the TCP flags, RFC 3540 for ns. The states' numbers are our own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from naclc.net.fields import State


class ConstantKind(StrEnum):
    """What a constant names; it can be compared with fields of that type alone."""

    PORT = "port name"
    PROTOCOL = "protocol name"
    ICMP_TYPE = "ICMP type name"
    FLAG = "TCP flag name"
    STATE = "connection state"


@dataclass(frozen=True, slots=True)
class Constant:
    name: str
    kind: ConstantKind
    value: int


PORTS = {
    "ftp-data": 20,
    "ftp": 21,
    "ssh": 22,
    "telnet": 23,
    "smtp": 25,
    "dns": 53,
    "domain": 53,
    "dhcp-server": 67,
    "dhcp-client": 68,
    "tftp": 69,
    "http": 80,
    "kerberos": 88,
    "pop3": 110,
    "sunrpc": 111,
    "ntp": 123,
    "netbios-ns": 137,
    "netbios-dgm": 138,
    "netbios-ssn": 139,
    "imap": 143,
    "snmp": 161,
    "snmp-trap": 162,
    "bgp": 179,
    "ldap": 389,
    "https": 443,
    "smb": 445,
    "isakmp": 500,
    "syslog-udp": 514,
    "submission": 587,
    "ldaps": 636,
    "dns-over-tls": 853,
    "rsync": 873,
    "imaps": 993,
    "pop3s": 995,
    "openvpn": 1194,
    "radius": 1812,
    "radius-acct": 1813,
    "mqtt": 1883,
    "nfs": 2049,
    "mysql": 3306,
    "rdp": 3389,
    "stun": 3478,
    "ipsec-nat-t": 4500,
    "vxlan": 4789,
    "sip": 5060,
    "sips": 5061,
    "xmpp-client": 5222,
    "mdns": 5353,
    "postgresql": 5432,
    "amqp": 5672,
    "vnc": 5900,
    "redis": 6379,
    "syslog-tls": 6514,
    "http-alt": 8080,
    "mqtts": 8883,
    "memcached": 11211,
    "mongodb": 27017,
    "wireguard": 51820,
}

PROTOCOLS = {
    "hopopt": 0,
    "icmp": 1,
    "igmp": 2,
    "ggp": 3,
    "ip": 4,
    "ipencap": 4,
    "st": 5,
    "tcp": 6,
    "cbt": 7,
    "egp": 8,
    "igp": 9,
    "pup": 12,
    "udp": 17,
    "hmp": 20,
    "dccp": 33,
    "ipv6": 41,
    "ipv6-route": 43,
    "ipv6-frag": 44,
    "idrp": 45,
    "rsvp": 46,
    "gre": 47,
    "esp": 50,
    "ah": 51,
    "narp": 54,
    "ipv6-icmp": 58,
    "ipv6-nonxt": 59,
    "ipv6-opts": 60,
    "eigrp": 88,
    "ospf": 89,
    "ax25": 93,
    "ipip": 94,
    "etherip": 97,
    "encap": 98,
    "pim": 103,
    "ipcomp": 108,
    "vrrp": 112,
    "pgm": 113,
    "l2tp": 115,
    "isis": 124,
    "sctp": 132,
    "fc": 133,
    "mobility-header": 135,
    "udplite": 136,
    "mpls-in-ip": 137,
    "manet": 138,
    "shim6": 139,
    "wesp": 140,
    "rohc": 141,
    "ethernet": 143,
}

ICMP_TYPES = {
    "echo-reply": 0,
    "destination-unreachable": 3,
    "source-quench": 4,
    "redirect": 5,
    "echo-request": 8,
    "router-advertisement": 9,
    "router-solicitation": 10,
    "time-exceeded": 11,
    "parameter-problem": 12,
    "timestamp-request": 13,
    "timestamp-reply": 14,
    "information-request": 15,
    "information-reply": 16,
    "address-mask-request": 17,
    "address-mask-reply": 18,
    "traceroute": 30,
    "photuris": 40,
    "extended-echo-request": 42,
    "extended-echo-reply": 43,
}

FLAGS = {"fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32, "ece": 64, "cwr": 128, "ns": 256}

STATES = {state.name.lower(): int(state) for state in State}

# The words of syslog, in the order of their numbers 0 .. 7 (RFC 5424 6.2.1). They are words, not constants.
SEVERITIES = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")

_TABLES = (
    (ConstantKind.PORT, PORTS),
    (ConstantKind.PROTOCOL, PROTOCOLS),
    (ConstantKind.ICMP_TYPE, ICMP_TYPES),
    (ConstantKind.FLAG, FLAGS),
    (ConstantKind.STATE, STATES),
)

CONSTANTS: dict[str, Constant] = {
    name: Constant(name, kind, value) for kind, table in _TABLES for name, value in table.items()
}

# Names that the original language had for Ifaces in tests; they never worked.
RETIRED = frozenset({"oif", "oifname", "iif", "iifname"})
