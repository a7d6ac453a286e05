"""A sample of `make soak` on machines of every kind of NIC."""

from __future__ import annotations

import pytest

from naclc.verify import qemu
from tests.soak.soak import faults, soak

PACKETS = 20_000
# Each of these the sample must have met, as often as this; vmxnet3 does not hand up frames to others.
MET = {"received": 10_000, "delivered": 500, "forwarded": 1000, "held": 100, "originated": 200, "arp": 500}
REASONS = (
    *("giant", "ethertype", "arp-malformed", "arp-own-address", "vlan-double-tag", "vlan-unexpected", "vlan-unknown"),
    *("bad-version", "bad-header-length", "bad-total-length", "bad-checksum", "bad-source", "multicast"),
    *("fragment-malformed", "fragment-overlap", "reassembly-full", "input", "forward", "postrouting", "ttl-expired"),
    *("no-route", "nat-collision", "arp-timeout", "arp-queue-full", "icmp-bad-checksum", "udp-malformed"),
    *("udp-bad-checksum", "tcp-malformed", "tcp-bad-checksum"),
)


@pytest.mark.vm
@pytest.mark.parametrize("nic", qemu.NICS)
def test_random_packets_are_all_accounted_for(nic: str) -> None:
    soaked = soak(nic, PACKETS, seed=1)
    assert faults(soaked) == []
    machine = soaked.after.counters["machine"]
    assert {name: machine[name] for name in MET if machine[name] < MET[name]} == {}
    assert [reason for reason in REASONS if not machine.get(f"drop.{reason}")] == []
