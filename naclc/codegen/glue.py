"""The second half of the file: the calls that register a machine, step by step (docs/language.md 11)."""

from __future__ import annotations

from typing import Any

from naclc.codegen.glue_chains import (
    Functions,
    attach_chains,
    guard_chains,
    start_router,
    translate_addresses,
    undoes_at_input,
)
from naclc.codegen.glue_ifaces import configure_ifaces, open_ifaces
from naclc.codegen.glue_services import balance_load, printed, sampled, start_syslog, start_timers, track_connections
from naclc.codegen.names import function_name, literal
from naclc.codegen.unit import LogStep, ReturnStep, Unit
from naclc.pipeline.pipeline import Pipeline, Translation
from naclc.semantics.model import Hook, Kind

_Steps = list[tuple[str, list[str]]]


def values(unit: Unit, pipeline: Pipeline) -> dict[str, Any]:
    """The variables of emit/glue.cpp.j2, but `uses` and `plugin`."""
    steps = [(name, lines) for name, lines in _steps(unit, pipeline) if lines]
    return {
        "ifaces": pipeline.ifaces,
        "tracks": _tracks(pipeline),
        "router": pipeline.router is not None,
        "balancer": pipeline.load_balancer,
        "timer_data": _timer_data(pipeline),
        "untracked": pipeline.untracked,
        "guards": _guards(pipeline),
        "steps": [_function(name, lines) for name, lines in steps],
        "calls": [f"{name}()" for name, _ in steps],
        "greeting": literal(_greeting(pipeline)),
        "headers": _headers(unit, pipeline),
    }


def uses(unit: Unit, pipeline: Pipeline) -> dict[str, bool]:
    """Which parts of the templates the registration needs."""
    hooks = {hook for hook, _ in unit.chains}
    kinds = {pipeline.functions[unit.functions[n].name].kind for chain in unit.chains.values() for n in chain}
    steps = {step for iface in pipeline.ifaces for some in iface.translations.values() for step in some}
    stateful = pipeline.conntrack.stateful_tcp
    nics = [iface.nic for iface in pipeline.ifaces if iface.vlan is not None]
    return {
        "input": Hook.INPUT in hooks or undoes_at_input(pipeline.ifaces),
        "number_of": Hook.FORWARD in hooks,
        "filters": Kind.FILTER in kinds,
        "nats": Kind.NAT in kinds,
        "nat": bool(steps),
        "steps": bool(steps),
        "masquerade": Translation.MASQUERADE in steps,
        "demasquerade": Translation.DEMASQUERADE in steps,
        "un_snat": Translation.UN_SNAT in steps,
        "un_dnat": Translation.UN_DNAT in steps,
        "un_dnat_at_input": undoes_at_input(pipeline.ifaces),
        "stateful": stateful,
        "transport": bool(steps) or stateful or pipeline.load_balancer is not None,
        "timer_numbers": bool(_timer_data(pipeline) & {"memory", "cpu", "lb", "timers"}),
        "vlan": bool(nics),
        "vlan_by_mac": any(isinstance(nic, str) for nic in nics),
    }


def _steps(unit: Unit, pipeline: Pipeline) -> _Steps:
    identifiers = tuple(function_name(function.name, number) for number, function in enumerate(unit.functions))
    functions = Functions(unit, pipeline, identifiers, rewrites=_rewrites(unit))
    ifaces = pipeline.ifaces
    steps: _Steps = [("open_ifaces", open_ifaces(ifaces)), ("configure_ifaces", configure_ifaces(ifaces))]
    if pipeline.syslog:
        steps.append(("start_syslog", start_syslog(pipeline.syslog)))
    if _tracks(pipeline):
        steps.append(("track_connections", track_connections(pipeline.conntrack, ifaces)))
    steps.append(("attach_chains", attach_chains(unit, ifaces, functions)))
    if pipeline.router:
        steps.append(("start_router", start_router(pipeline.router, unit, ifaces, functions)))
    steps.append(("translate_addresses", translate_addresses(ifaces)))
    if pipeline.load_balancer:
        steps.append(("balance_load", balance_load(pipeline.load_balancer)))
    steps.append(("guard_chains", guard_chains(ifaces)))
    steps.append(("start_timers", start_timers(pipeline.timers, balances=pipeline.load_balancer is not None)))
    return steps


def _rewrites(unit: Unit) -> bool:
    return any(
        isinstance(step, ReturnStep) and step.rewrite is not None
        for function in unit.functions
        for step in function.steps
    )


def _sends(unit: Unit) -> bool:
    """Whether a function sends messages."""
    return any(
        isinstance(step, LogStep) and step.severity is not None
        for function in unit.functions
        for step in function.steps
    )


def _tracks(pipeline: Pipeline) -> bool:
    return pipeline.conntrack.declared or any(iface.tracks for iface in pipeline.ifaces)


def _timer_data(pipeline: Pipeline) -> frozenset[str]:
    balances = pipeline.load_balancer is not None
    return frozenset(word for timer in pipeline.timers for word in printed(timer.data, balances=balances))


def _guards(pipeline: Pipeline) -> dict[str, bool]:
    """Which faults of IncludeOS this configuration can meet."""
    forwarding = [iface for iface in pipeline.ifaces if iface.forwards]
    return {
        "multicast": bool(forwarding),
        "headroom": len({(str(iface.nic), iface.vlan is None) for iface in forwarding}) > 1,
    }


def _headers(unit: Unit, pipeline: Pipeline) -> list[str]:
    """What the second half includes: of the standard library and of the operating system, what it needs."""
    needs, data = uses(unit, pipeline), _timer_data(pipeline)
    needed = {
        "utility": True,
        "cstdint": needs["transport"] or bool(data),
        "cstddef": _guards(pipeline)["headroom"] or needs["vlan_by_mac"],
        "cstring": _guards(pipeline)["headroom"] or needs["nat"],
        "memory": _tracks(pipeline) or pipeline.router is not None or pipeline.syslog is not None,
        "chrono": bool(pipeline.timers),
        "net/interfaces": True,
        "net/router.hpp": pipeline.router is not None,
        "net/vlan_manager.hpp": needs["vlan"],
        "net/nat/napt.hpp": needs["nat"],
        "net/tcp/tcp_conntrack.hpp": needs["stateful"],
        "syslogd": pipeline.syslog is not None or _sends(unit),
        "microLB": pipeline.load_balancer is not None,
        "timers": bool(pipeline.timers),
        "isotime": "timestamp" in data,
        "profile": sampled(pipeline.timers),
        "uplink/uplink.hpp": "stats" in data,
        "os": True,
        "service": True,
    }
    return sorted(header for header, wanted in needed.items() if wanted)


def _function(name: str, lines: list[str]) -> list[str]:
    return [f"void {name}() {{", *(f"  {line}" for line in lines), "}"]


def _greeting(pipeline: Pipeline) -> str:
    routes = len(pipeline.router.routes) if pipeline.router else 0
    kinds = [pipeline.functions[name].kind for name in pipeline.attached()]
    filters, nats = kinds.count(Kind.FILTER), kinds.count(Kind.NAT)
    parts = [_counted(len(pipeline.ifaces), "interface"), _counted(routes, "route"), _counted(filters, "filter")]
    return f"NaCl: {', '.join([*parts, *([_counted(nats, 'nat')] if nats else [])])}\n"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
