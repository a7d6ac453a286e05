"""The pipeline as text: Ifaces with their chains, routes in order of preference, functions callees first."""

from __future__ import annotations

from naclc.net.addresses import format_address
from naclc.pipeline.pipeline import Iface, LoadBalancer, Pipeline, Router
from naclc.semantics.depth import run_deep
from naclc.semantics.dump import format_network, function_lines
from naclc.semantics.model import Config, EntryState


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
    lines += _conntrack_lines(pipeline)
    if pipeline.syslog:
        lines.append(f"syslog to {format_address(pipeline.syslog.address)}:{pipeline.syslog.port}")
    if pipeline.load_balancer:
        lines += _load_balancer_lines(pipeline.load_balancer, names)
    for timer in pipeline.timers:
        lines.append(f"timer {timer.name} every {timer.interval} s: {', '.join(timer.data)}")
    for function in pipeline.functions.values():
        lines += function_lines(function, names)
    return "".join(f"{line}\n" for line in lines)


def _iface_lines(iface: Iface) -> list[str]:
    facts = [f"nic {iface.nic}"]
    if iface.vlan is not None:
        facts.append(f"vlan {iface.vlan}")
    if iface.config is not Config.STATIC:
        facts.append(f"{iface.config} timeout {iface.dhcp_timeout} s")
    if iface.address is not None and iface.netmask is not None:
        facts.append(format_network(iface.address, iface.netmask))
    if iface.gateway is not None:
        facts.append(f"gateway {format_address(iface.gateway)}")
    if iface.dns is not None:
        facts.append(f"dns {format_address(iface.dns)}")
    if iface.send_queue_limit is not None:
        facts.append(f"send queue limit {iface.send_queue_limit}")
    if iface.buffer_limit is not None:
        facts.append(f"buffer limit {iface.buffer_limit}")
    facts += ["tracks"] * iface.tracks + ["forwards"] * iface.forwards + ["masquerade"] * iface.masquerade
    lines = [f"iface {iface.number} {iface.name}: {', '.join(facts)}"]
    for hook, names in iface.chains.items():
        steps = "".join(f", then {step}" for step in iface.translations.get(hook, ()))
        lines.append(f"  {hook}: {_chain(names)}{steps}")
    return lines


def _router_lines(router: Router, names: list[str]) -> list[str]:
    lines = [f"router: {'' if router.send_time_exceeded else 'no '}time exceeded"]
    for route in router.routes:
        nexthop = "direct" if route.nexthop is None else f"via {format_address(route.nexthop)}"
        lines.append(
            f"  {format_network(route.net, route.netmask)} on {names[route.iface]} {nexthop} cost {route.cost}"
        )
    return [*lines, f"  forward: {_chain(router.forward)}"]


def _conntrack_lines(pipeline: Pipeline) -> list[str]:
    conntrack = pipeline.conntrack
    lines = [f"untracked {pipeline.untracked}"]
    if conntrack.declared:
        lines.append(f"conntrack: limit {conntrack.limit}{', stateful tcp' if conntrack.stateful_tcp else ''}")
        lines += [f"  reserve {conntrack.reserve}"] * (conntrack.reserve is not None)
        for state in EntryState:
            times = (f"{protocol} {time} s" for (at, protocol), time in conntrack.timeouts.items() if at is state)
            lines.append(f"  {state}: {', '.join(times)}")
    return lines


def _load_balancer_lines(balancer: LoadBalancer, names: list[str]) -> list[str]:
    clients = f"{names[balancer.client_iface]} port {balancer.client_port}"
    limits = f"wait queue {balancer.wait_queue_limit}, sessions {balancer.session_limit}"
    nodes = ", ".join(f"{format_address(node.address)}:{node.port}" for node in balancer.nodes)
    check = ", active check" if balancer.active_check else ""
    return [
        f"load balancer: clients on {clients}, {limits}",
        f"  servers on {names[balancer.server_iface]}: {nodes}{check}",
    ]


def _chain(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "-"
