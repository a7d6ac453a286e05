"""Which NIC an Iface is on, by which tag, and the MAC address of each: the same on every executor that has NICs.

NIC number N has the MAC 02:00:00:00:00:NN; an Iface whose index is a MAC gets the first NIC that no number claims,
and that NIC gets its MAC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from naclc.pipeline.pipeline import Iface, Pipeline


@dataclass(frozen=True, slots=True, order=True)
class Link:
    """One network at a NIC: its frames without a tag (`vlan` -1), or those with the tag of one VLAN. A tag of 0 names
    no VLAN: it is one of the frames without (IEEE 802.1Q, priority tag)."""

    nic: int
    vlan: int = -1

    @property
    def network(self) -> Link:
        """The network that frames of this link belong to."""
        return self if self.vlan > 0 else Link(self.nic)

    @property
    def tag(self) -> int | None:
        return None if self.vlan < 0 else self.vlan


@dataclass(frozen=True, slots=True)
class Wiring:
    """Where each Iface of a machine is plugged in.

    A *port* is what a step names as the place where a packet arrives: the name of an Iface, `#2` for NIC 2, `#2.10`
    for VLAN 10 of it, which may have no Iface.
    """

    links: Mapping[str, Link]
    ifaces: Mapping[Link, Iface]

    @classmethod
    def of(cls, pipeline: Pipeline) -> Wiring:
        numbers = nic_numbers(pipeline)
        links = {
            iface.name: Link(numbers[iface.name], -1 if iface.vlan is None else iface.vlan) for iface in pipeline.ifaces
        }
        return cls(links, {links[iface.name]: iface for iface in pipeline.ifaces})

    def link(self, port: str) -> Link:
        """Raises KeyError when no Iface has that name."""
        if not port.startswith("#"):
            return self.links[port]
        nic, _, vlan = port[1:].partition(".")
        return Link(int(nic), int(vlan) if vlan else -1)

    def receiver(self, port: str) -> Iface | None:
        """The Iface that receives what arrives on `port`; None: none does."""
        return self.ifaces.get(self.link(port).network)

    def name(self, link: Link) -> str:
        """The port that `link` is."""
        iface = self.ifaces.get(link.network)
        return iface.name if iface else port(link.nic, link.network.tag)


def port(nic: int, vlan: int | None) -> str:
    """`#2`, `#2.10`."""
    return f"#{nic}" if vlan is None else f"#{nic}.{vlan}"


def nic_numbers(pipeline: Pipeline) -> dict[str, int]:
    """NIC number of each Iface, by name."""
    numbers = {iface.name: iface.nic for iface in pipeline.ifaces if isinstance(iface.nic, int)}
    taken = set(numbers.values())
    by_mac: dict[str, int] = {}
    for iface in pipeline.ifaces:
        if isinstance(iface.nic, str):
            if iface.nic not in by_mac:
                by_mac[iface.nic] = next(number for number in range(len(taken) + 1) if number not in taken)
                taken.add(by_mac[iface.nic])
            numbers[iface.name] = by_mac[iface.nic]
    return numbers


def nic_count(pipeline: Pipeline) -> int:
    """How many NICs the machine of `pipeline` has, 1 at least."""
    return max([number + 1 for number in nic_numbers(pipeline).values()], default=1)


def mac_addresses(pipeline: Pipeline) -> tuple[str, ...]:
    """The MAC address of each NIC, aa:bb:cc:dd:ee:ff."""
    macs = [f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}" for number in range(nic_count(pipeline))]
    numbers = nic_numbers(pipeline)
    for iface in pipeline.ifaces:
        if isinstance(iface.nic, str):
            macs[numbers[iface.name]] = iface.nic
    return tuple(macs)
