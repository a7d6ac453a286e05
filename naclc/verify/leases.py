"""What DHCP gave an Iface: the policy as it is at run time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from naclc.interpret.machine import Lease
from naclc.pipeline.pipeline import Iface, Pipeline
from naclc.semantics.model import Config


def leased(pipeline: Pipeline, leases: Mapping[str, Lease]) -> Pipeline:
    """`pipeline` with the addresses that the Ifaces in `leases` (by name) have got."""
    return replace(pipeline, ifaces=tuple(_leased(iface, leases.get(iface.name)) for iface in pipeline.ifaces))


def without_lease(pipeline: Pipeline, leases: Mapping[str, Lease]) -> tuple[Iface, ...]:
    """The Ifaces that ask for a lease and get none; those with a fallback have it after their `dhcp_timeout`."""
    return tuple(i for i in pipeline.ifaces if i.config is not Config.STATIC and i.name not in leases)


def _leased(iface: Iface, lease: Lease | None) -> Iface:
    if lease is None or iface.config is Config.STATIC:
        return iface
    return replace(iface, address=lease.address, netmask=lease.netmask, gateway=lease.router)
