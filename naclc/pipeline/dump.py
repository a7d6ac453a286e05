"""The pipeline as text: Ifaces with their chains, routes in order of preference, functions callees first."""

from __future__ import annotations

from naclc.net.addresses import format_address
from naclc.pipeline.pipeline import Iface, Pipeline, Router
from naclc.semantics.depth import run_deep
from naclc.semantics.dump import format_network, function_lines


def dump(pipeline: Pipeline) -> str:
    """One line a fact, two blanks a level."""
    return run_deep(_dump, pipeline)


def _dump(pipeline: Pipeline) -> str:
    names = [iface.name for iface in pipeline.ifaces]
    lines: list[str] = []
    for iface in pipeline.ifaces:
        lines += _iface_lines(iface)
    if pipeline.router:
        lines += _router_lines(pipeline.router, names)
    lines.append(f"untracked {pipeline.untracked}")
    for function in pipeline.functions.values():
        lines += function_lines(function, names)
    return "".join(f"{line}\n" for line in lines)


def _iface_lines(iface: Iface) -> list[str]:
    facts = [f"nic {iface.nic}"]
    if iface.address is not None and iface.netmask is not None:
        facts.append(format_network(iface.address, iface.netmask))
    if iface.gateway is not None:
        facts.append(f"gateway {format_address(iface.gateway)}")
    if iface.dns is not None:
        facts.append(f"dns {format_address(iface.dns)}")
    facts += ["tracks"] * iface.tracks + ["forwards"] * iface.forwards
    lines = [f"iface {iface.number} {iface.name}: {', '.join(facts)}"]
    return lines + [f"  {hook}: {_chain(names)}" for hook, names in iface.chains.items()]


def _router_lines(router: Router, names: list[str]) -> list[str]:
    lines = [f"router: {'' if router.send_time_exceeded else 'no '}time exceeded"]
    for route in router.routes:
        nexthop = "direct" if route.nexthop is None else f"via {format_address(route.nexthop)}"
        lines.append(
            f"  {format_network(route.net, route.netmask)} on {names[route.iface]} {nexthop} cost {route.cost}"
        )
    return [*lines, f"  forward: {_chain(router.forward)}"]


def _chain(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "-"
