"""Ifaces in the second half of the file: which NIC or VLAN each is, and how it gets its address."""

from __future__ import annotations

from naclc.codegen.names import literal
from naclc.pipeline.pipeline import Iface
from naclc.semantics.model import Config


def cpp_address(value: int | None) -> str:
    """An address in braces; None: 0.0.0.0.

    >>> cpp_address(0x0A000001)
    '{10, 0, 0, 1}'
    """
    number = value or 0
    return f"{{{number >> 24}, {number >> 16 & 255}, {number >> 8 & 255}, {number & 255}}}"


def open_ifaces(ifaces: tuple[Iface, ...]) -> list[str]:
    """Statements that fill the table of Ifaces."""
    return [f"ifaces[{iface.number}] = &{_stack(iface)};  // {iface.name}" for iface in ifaces]


def _stack(iface: Iface) -> str:
    nic = str(iface.nic) if isinstance(iface.nic, int) else literal(iface.nic)
    if iface.vlan is None:
        return f"net::Interfaces::get({nic})"
    if isinstance(iface.nic, str):
        nic = f"nic_with({nic})"
    return f"add_vlan({nic}, {iface.vlan})"


def configure_ifaces(ifaces: tuple[Iface, ...]) -> list[str]:
    """Statements that configure them; none where all are configured elsewhere."""
    lines: list[str] = []
    for iface in ifaces:
        lines += _addresses(iface)
        if iface.send_queue_limit is not None:
            lines.append(f"ifaces[{iface.number}]->nic().set_sendq_limit({iface.send_queue_limit});")
        if iface.buffer_limit is not None:
            lines.append(f"ifaces[{iface.number}]->nic().set_buffer_limit({iface.buffer_limit});")
    return lines


def _addresses(iface: Iface) -> list[str]:
    if iface.config is Config.STATIC:
        return [] if iface.address is None else [f"{_network_config(iface)}  // {iface.name}"]
    if iface.config is Config.DHCP_WITH_FALLBACK:
        missed = [_network_config(iface)]
    else:
        text = literal(f"NaCl: no address for {iface.name} by DHCP\n")
        missed = [f"constexpr char kMissed[] = {text};", "os::print(kMissed, sizeof kMissed - 1);"]
    return [
        f"ifaces[{iface.number}]->negotiate_dhcp({iface.dhcp_timeout}, [](bool timed_out) {{  // {iface.name}",
        "  if (!timed_out) return;",
        *(f"  {line}" for line in missed),
        "});",
    ]


def _network_config(iface: Iface) -> str:
    addresses = [cpp_address(value) for value in (iface.address, iface.netmask, iface.gateway)]
    if iface.dns is not None:
        addresses.append(cpp_address(iface.dns))
    return f"ifaces[{iface.number}]->network_config({', '.join(addresses)});"
