"""A policy as it is once DHCP has given its Ifaces their addresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from naclc.interpret.machine import Lease
from naclc.pipeline.pipeline import Iface, Pipeline
from naclc.semantics.model import Config


def leased(pipeline: Pipeline, leases: Mapping[int, Lease]) -> Pipeline:
    """`pipeline` with the addresses of `leases`, by Iface number. A static Iface keeps its own."""
    return replace(pipeline, ifaces=tuple(_leased(iface, leases.get(iface.number)) for iface in pipeline.ifaces))


def _leased(iface: Iface, lease: Lease | None) -> Iface:
    if lease is None or iface.config is Config.STATIC:
        return iface
    return replace(iface, address=lease.address, netmask=lease.netmask, gateway=lease.router)
