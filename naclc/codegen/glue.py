"""The second half of the file: the calls that register interfaces, chains and routes (docs/language.md 11)."""

from __future__ import annotations

from typing import Any

from naclc.codegen.names import function_name, literal
from naclc.codegen.unit import Unit
from naclc.pipeline.pipeline import Iface, Pipeline, Route, Router
from naclc.semantics.model import Hook

_IFACE_HOOKS = (Hook.PREROUTING, Hook.INPUT, Hook.OUTPUT, Hook.POSTROUTING)


def values(unit: Unit, pipeline: Pipeline) -> dict[str, Any]:
    """The variables of emit/glue.cpp.j2, but `uses` and `plugin`."""
    identifiers = tuple(function_name(function.name, number) for number, function in enumerate(unit.functions))
    guards = _guards(pipeline)
    steps: list[tuple[str, list[str]]] = []
    if pipeline.ifaces:
        steps.append(("configure_ifaces", _configure(pipeline.ifaces)))
    if _tracks(pipeline):
        steps.append(("track_connections", _track(pipeline.ifaces)))
    if pipeline.ifaces:
        steps.append(("attach_chains", _chains(unit, pipeline.ifaces, identifiers)))
    if pipeline.router:
        steps.append(("start_router", _route(pipeline.router, unit, pipeline.ifaces, identifiers)))
    return {
        "ifaces": pipeline.ifaces,
        "tracks": _tracks(pipeline),
        "router": pipeline.router is not None,
        "untracked": pipeline.untracked,
        "guards": guards,
        "steps": [_function(name, lines) for name, lines in steps],
        "calls": [f"{name}()" for name, _ in steps],
        "greeting": literal(_greeting(pipeline)),
        "headers": _headers(unit, pipeline, guards),
    }


def uses(unit: Unit) -> dict[str, bool]:
    hooks = {hook for hook, _ in unit.chains}
    return {"input": Hook.INPUT in hooks, "number_of": Hook.FORWARD in hooks}


def _tracks(pipeline: Pipeline) -> bool:
    return any(iface.tracks for iface in pipeline.ifaces)


def _guards(pipeline: Pipeline) -> dict[str, bool]:
    """Which faults of IncludeOS this configuration can meet."""
    forwarding = [iface for iface in pipeline.ifaces if iface.forwards]
    return {
        "multicast": bool(forwarding),
        "headroom": len({str(iface.nic) for iface in forwarding}) > 1,
    }


def _headers(unit: Unit, pipeline: Pipeline, guards: dict[str, bool]) -> list[str]:
    """What the second half includes: the standard library's, then the operating system's."""
    standard = ["utility"]
    if guards["headroom"]:
        standard += ["cstddef", "cstring"]
    if _tracks(pipeline) or pipeline.router:
        standard.append("memory")
    system = ["net/interfaces"]
    if pipeline.router:
        system.append("net/router.hpp")
    return sorted([*standard, *system, "os", "service"])


def _function(name: str, lines: list[str]) -> list[str]:
    return [f"void {name}() {{", *(f"  {line}" for line in lines), "}"]


def _address(value: int | None) -> str:
    number = value or 0
    return f"{{{number >> 24}, {number >> 16 & 255}, {number >> 8 & 255}, {number & 255}}}"


def _configure(ifaces: tuple[Iface, ...]) -> list[str]:
    lines: list[str] = []
    for iface in ifaces:
        nic = str(iface.nic) if isinstance(iface.nic, int) else literal(iface.nic)
        lines.append(f"ifaces[{iface.number}] = &net::Interfaces::get({nic});  // {iface.name}")
        if iface.address is not None:
            addresses = [_address(value) for value in (iface.address, iface.netmask, iface.gateway)]
            if iface.dns is not None:
                addresses.append(_address(iface.dns))
            lines.append(f"ifaces[{iface.number}]->network_config({', '.join(addresses)});")
    return lines


def _track(ifaces: tuple[Iface, ...]) -> list[str]:
    tracking = [iface for iface in ifaces if iface.tracks]
    return [
        "connections = std::make_shared<net::Conntrack>();",
        *(f"ifaces[{iface.number}]->enable_conntrack(connections);  // {iface.name}" for iface in tracking),
    ]


def _chains(unit: Unit, ifaces: tuple[Iface, ...], identifiers: tuple[str, ...]) -> list[str]:
    """The chains of all Ifaces: the user's functions, between the guards."""
    lines: list[str] = []
    for iface in ifaces:
        lines.append(f"guard_before(*ifaces[{iface.number}]);  // {iface.name}")
        for hook in _IFACE_HOOKS:
            for number in unit.chains.get((hook, iface.number), ()):
                chain = f"ifaces[{iface.number}]->ip_obj().{hook.value}_chain()"
                lines += _push(chain, identifiers[number], hook, iface)
        lines.append(f"guard_after(*ifaces[{iface.number}]);")
    return lines


def _push(chain: str, identifier: str, hook: Hook, iface: Iface | None) -> list[str]:
    """push_back of a filter that knows its hook and its Iface."""
    number = str(iface.number) if iface else ""
    stack, known_in, known_out = {
        Hook.PREROUTING: ("", number, "kNoIface"),
        Hook.INPUT: ("", number, "kNoIface"),
        Hook.OUTPUT: ("", "kNoIface", "kNoIface"),
        Hook.POSTROUTING: ("", "kNoIface", number),
        Hook.FORWARD: (" from", "number_of(from)", "kNoIface"),
    }[hook]
    template = f"{identifier}, true" if hook is Hook.INPUT else identifier
    name = f"  // {iface.name}" if iface else ""
    return [
        f"{chain}.chain.push_back([](Packet_ptr packet, Inet&{stack}, Entry_ptr entry) {{{name}",
        f"  return filter<{template}>(std::move(packet), entry, {known_in}, {known_out});",
        "});",
    ]


def _route(router: Router, unit: Unit, ifaces: tuple[Iface, ...], identifiers: tuple[str, ...]) -> list[str]:
    lines = [
        "// Longest netmask first, then lowest cost: of equal netmasks the first that matches is taken.",
        "router = std::make_unique<net::Router<IP4>>(net::Router<IP4>::Routing_table{",
        *(f"    {_route_entry(route)},  // {ifaces[route.iface].name}" for route in router.routes),
        "});",
        f"router->send_time_exceeded = {'true' if router.send_time_exceeded else 'false'};",
    ]
    for number in unit.chains.get((Hook.FORWARD, None), ()):
        lines += _push("router->forward_chain", identifiers[number], Hook.FORWARD, None)
    lines.append("router->forward_chain.chain.push_back(check_ttl);")
    forwarding = [iface for iface in ifaces if iface.forwards]
    lines += [f"ifaces[{iface.number}]->set_forward_delg(router->forward_delg());" for iface in forwarding]
    return lines


def _route_entry(route: Route) -> str:
    addresses = ", ".join(_address(value) for value in (route.net, route.netmask, route.nexthop))
    return f"{{{addresses}, *ifaces[{route.iface}], {route.cost}}}"


def _greeting(pipeline: Pipeline) -> str:
    routes = len(pipeline.router.routes) if pipeline.router else 0
    filters = len(pipeline.attached())
    parts = _counted(len(pipeline.ifaces), "interface"), _counted(routes, "route"), _counted(filters, "filter")
    return f"NaCl: {', '.join(parts)}\n"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
