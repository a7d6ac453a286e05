"""Machines that do more than forward: the same traffic through connection tracking, ten rules, and each kind of
translation, beside a plain router."""

from __future__ import annotations

from pathlib import Path

_IFACES = """
Iface outside {{
  index: 0,
  address: 192.168.100.254,
  netmask: 255.255.255.0,
{outside}}}
Iface inside {{
  index: 1,
  address: 192.168.101.3,
  netmask: 255.255.255.248,
{inside}}}
Gateway router {{
  to_outside: {{ net: 192.168.100.0, netmask: 255.255.255.0, iface: outside }},
  to_inside: {{ net: 192.168.101.0, netmask: 255.255.255.248, iface: inside }},
{forward}}}
"""
# The traffic is UDP from outside to port 9 of a host inside; the last rule lets it pass.
_RULES = """
Filter::IP rules {
  if (ip.saddr == ip.daddr) { drop }
  if (ip.saddr in 10.0.0.0/8) { drop }
  if (ip.ttl < 2) { drop }
  Filter::TCP {
    if (tcp.dport in [ssh, telnet]) { drop }
    if (tcp.dport == http and ip.saddr in 192.168.100.0/25) { accept }
    if (tcp.has-syn and tcp.has-fin) { drop }
  }
  Filter::ICMP {
    if (icmp.type == redirect) { drop }
  }
  Filter::UDP {
    if (udp.dport in [tftp, syslog-udp, 5000-6000]) { drop }
    if (udp.sport == dns) { drop }
  }
  accept
}
"""


def policies(work: Path) -> dict[str, Path]:
    """A policy for each way through, by its name, written to `work`."""
    translate = "Nat::UDP translate { if (udp.dport > 0) { %s } }\n"
    texts = {
        "plain": _text(),
        "tracked": _text(forward="  forward: all,\n") + "Filter::IP all { accept }\n",
        "ten_rules": _text(forward="  forward: rules,\n") + _RULES,
        "snat": _text(inside="  postrouting: translate,\n") + translate % "snat(192.168.101.4)",
        "dnat": _text(outside="  prerouting: translate,\n") + translate % "dnat(192.168.101.2)",
        "masquerade": _text(inside="  masquerade: true,\n"),
    }
    made = {}
    for name, text in texts.items():
        made[name] = work / f"{name}.nacl"
        made[name].write_text(text)
    return made


def _text(outside: str = "", inside: str = "", forward: str = "") -> str:
    return _IFACES.format(outside=outside, inside=inside, forward=forward)
