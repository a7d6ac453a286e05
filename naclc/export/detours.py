"""Packets to the address of another Iface: NaCl forwards them to it, where they arrive anew; Linux takes them at once.

    NaCl    PREROUTING of I ─ FORWARD ─ PREROUTING of O ─ INPUT of O
    Linux   prerouting ─────────────────────────────────── input

The rules of all four run at Linux' two hooks, in that order. Where this cannot be said such packets are dropped.
"""

from __future__ import annotations

from naclc.export.bodies import called, fields_of
from naclc.pipeline.lower import walk
from naclc.pipeline.pipeline import Iface, Pipeline
from naclc.semantics import model
from naclc.semantics.model import Hook, Kind


def detours(pipeline: Pipeline) -> tuple[Iface, ...]:
    """The Ifaces to whose address packets from other Ifaces are followed."""
    return tuple(iface for iface in pipeline.ifaces if _follows(pipeline, iface))


def _follows(pipeline: Pipeline, target: Iface) -> bool:
    """Whether the way is as above and no function on it translates, or asks for the TTL, which is another in NaCl."""
    address, router = target.address, pipeline.router
    if address is None or router is None:
        return False
    route = next((route for route in router.routes if address & route.netmask == route.net), None)
    if route is None or route.iface != target.number:
        return False
    met = [*router.forward, *target.chains.get(Hook.PREROUTING, ()), *target.chains.get(Hook.INPUT, ())]
    return not any(_asks_or_translates(pipeline, name) for name in called(pipeline, met))


def _asks_or_translates(pipeline: Pipeline, name: str) -> bool:
    function = pipeline.functions[name]
    conditions = (statement.condition for statement in walk(function.body) if isinstance(statement, model.If))
    return function.kind is Kind.NAT or any("ip.ttl" in set(fields_of(condition)) for condition in conditions)
