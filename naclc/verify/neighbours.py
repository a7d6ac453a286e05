"""Who answers ARP around the machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from naclc.pipeline.pipeline import Iface, Pipeline
from naclc.verify.cases import Cidr

_BROADCAST = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Neighbours:
    """`listed`: the addresses that answer, by Iface name; on an Iface that is not listed every on-link address but
    the machine's own does."""

    listed: Mapping[str, tuple[Cidr, ...]]

    def with_syslog(self, pipeline: Pipeline) -> Neighbours:
        """These, and the syslog server of the policy: the tester is that server, whether or not it is listed."""
        if pipeline.syslog is None:
            return self
        server = Cidr(pipeline.syslog.address, _BROADCAST)
        near = {iface.name for iface in pipeline.ifaces if _on_link(server.address, iface)}
        return Neighbours({name: (*some, server) if name in near else some for name, some in self.listed.items()})

    def reached(self, iface: Iface, next_hop: int) -> int:
        """`next_hop`, and 255.255.255.255 for the broadcast address of the Iface's subnet: one frame reaches all."""
        return _BROADCAST if next_hop == _broadcast_of(iface) else next_hop

    def answers(self, iface: Iface, address: int) -> bool:
        """Whether a frame for the next hop `address` on `iface` gets there."""
        if address in (_BROADCAST, _broadcast_of(iface)):
            return True
        if iface.name in self.listed:
            return address != iface.address and any(address in cidr for cidr in self.listed[iface.name])
        return address != iface.address and _on_link(address, iface)


EVERYBODY = Neighbours({})


def _on_link(address: int, iface: Iface) -> bool:
    return iface.address is not None and iface.netmask is not None and address in Cidr(iface.address, iface.netmask)


def _broadcast_of(iface: Iface) -> int | None:
    if iface.address is None or iface.netmask is None or iface.netmask >= 0xFFFFFFFE:
        return None
    return iface.address | ~iface.netmask & _BROADCAST
