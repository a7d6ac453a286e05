"""Which NIC an Iface is on, and the MAC address of each: the same on every executor that has NICs.

NIC number N has the MAC 02:00:00:00:00:NN; an Iface whose index is a MAC gets the first NIC that no number claims,
and that NIC gets its MAC.
"""

from __future__ import annotations

from naclc.pipeline.pipeline import Pipeline


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
