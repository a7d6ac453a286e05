"""Model to pipeline: who is attached where, which routes are tried in which order, which functions are needed.

Before   what the user declared, in source order, used or not
After    what a packet meets; function bodies are the same objects
"""

from __future__ import annotations

from collections.abc import Iterator

from naclc.net.addresses import prefix_of
from naclc.pipeline.pipeline import (
    DEFAULT_TIMEOUTS,
    Conntrack,
    Iface,
    LoadBalancer,
    Node,
    Pipeline,
    Route,
    Router,
    SyslogServer,
    Timer,
    Translation,
)
from naclc.semantics import model
from naclc.semantics.model import Hook, Kind, Untracked
from naclc.source import Span

_IFACE_HOOKS = (Hook.PREROUTING, Hook.INPUT, Hook.OUTPUT, Hook.POSTROUTING)


def lower(configuration: model.Configuration) -> Pipeline:
    """The pipeline of a model without errors."""
    gateway = configuration.gateway
    routed = frozenset(route.iface for route in gateway.routes) if gateway else frozenset()
    nats = frozenset(function.name for function in configuration.functions if function.kind is Kind.NAT)
    ifaces = tuple(_iface(iface, iface.name in routed, nats) for iface in configuration.ifaces)
    numbers = {iface.name: iface.number for iface in ifaces}
    router = _router(gateway, numbers) if gateway else None
    functions = _used_functions(configuration, ifaces, router)
    statements: dict[int, Span] = {}
    for function in configuration.functions:
        if function.name in functions:
            statements.update((statement.id, statement.span) for statement in walk(function.body))
    server = configuration.syslog
    balancer = configuration.load_balancer
    return Pipeline(
        ifaces,
        router,
        functions,
        statements,
        untracked=configuration.conntrack.untracked if configuration.conntrack else Untracked.DROP,
        conntrack=_conntrack(configuration.conntrack),
        syslog=SyslogServer(server.address, server.port) if server else None,
        load_balancer=_load_balancer(balancer, numbers) if balancer else None,
        timers=tuple(Timer(timer.name, timer.interval, timer.data) for timer in configuration.timers),
    )


def walk(body: tuple[model.Statement, ...]) -> Iterator[model.Statement]:
    """All statements of a body and of the bodies inside it, in source order."""
    pending = list(reversed(body))
    while pending:
        statement = pending.pop()
        yield statement
        if isinstance(statement, model.If):
            pending += reversed(statement.otherwise)
            pending += reversed(statement.then)
        elif isinstance(statement, model.Block):
            pending += reversed(statement.body)


def _names(chain: tuple[model.Attachment, ...] | None) -> tuple[str, ...]:
    return tuple(attachment.function for attachment in chain or ())


def _iface(iface: model.Iface, routed: bool, nats: frozenset[str]) -> Iface:
    chains = {hook: _names(iface.chains.get(hook)) for hook in _IFACE_HOOKS}
    nat_hooks = frozenset(hook for hook, chain in chains.items() if not nats.isdisjoint(chain))
    return Iface(
        iface.name,
        iface.number,
        iface.nic,
        iface.address,
        iface.netmask,
        iface.gateway,
        iface.dns,
        tracks=routed or iface.masquerade or bool(iface.chains),
        forwards=routed,
        chains=chains,
        vlan=iface.vlan,
        config=iface.config,
        dhcp_timeout=iface.dhcp_timeout,
        masquerade=iface.masquerade,
        has_nat=bool(nat_hooks),
        translations=_translations(iface.masquerade, nat_hooks),
        send_queue_limit=iface.send_queue_limit,
        buffer_limit=iface.buffer_limit,
    )


def _translations(masquerade: bool, nat_hooks: frozenset[Hook]) -> dict[Hook, tuple[Translation, ...]]:
    """The table of docs/language.md 8.5, from its first row to its last."""
    has_nat = bool(nat_hooks)
    rows = (
        (masquerade, Hook.PREROUTING, Translation.DEMASQUERADE),
        (masquerade, Hook.POSTROUTING, Translation.MASQUERADE),
        (has_nat, Hook.PREROUTING, Translation.UN_SNAT),
        (has_nat, Hook.POSTROUTING, Translation.UN_DNAT),
        (Hook.OUTPUT in nat_hooks, Hook.INPUT, Translation.UN_DNAT),
        (Hook.INPUT in nat_hooks, Hook.OUTPUT, Translation.UN_SNAT),
    )
    steps: dict[Hook, tuple[Translation, ...]] = {}
    for applies, hook, translation in rows:
        if applies:
            steps[hook] = (*steps.get(hook, ()), translation)
    return steps


def _conntrack(conntrack: model.Conntrack | None) -> Conntrack:
    if conntrack is None:
        return Conntrack()
    timeouts = DEFAULT_TIMEOUTS | conntrack.timeouts
    return Conntrack(True, conntrack.limit, conntrack.reserve, conntrack.stateful_tcp, timeouts)


def _load_balancer(balancer: model.LoadBalancer, numbers: dict[str, int]) -> LoadBalancer:
    return LoadBalancer(
        numbers[balancer.client_iface],
        balancer.client_port,
        balancer.wait_queue_limit,
        balancer.session_limit,
        numbers[balancer.server_iface],
        tuple(Node(node.address, node.port) for node in balancer.nodes),
        balancer.active_check,
    )


def _router(gateway: model.Gateway, numbers: dict[str, int]) -> Router:
    """Longest netmask first, then lowest cost, then source order (docs/language.md 8.4)."""
    ordered = sorted(gateway.routes, key=lambda route: (-(prefix_of(route.netmask) or 0), route.cost))
    routes = tuple(
        Route(route.net, route.netmask, numbers[route.iface], route.nexthop, route.cost) for route in ordered
    )
    return Router(routes, _names(gateway.forward), gateway.send_time_exceeded)


def _used_functions(
    configuration: model.Configuration, ifaces: tuple[Iface, ...], router: Router | None
) -> dict[str, model.Function]:
    """Those that are attached or called by one that is, callees before callers, else in source order."""
    declared = {function.name: function for function in configuration.functions}
    attached = {name for iface in ifaces for chain in iface.chains.values() for name in chain}
    attached.update(router.forward if router else ())
    used: dict[str, model.Function] = {}
    for root, function in declared.items():
        path = [(root, _callees(function))] if root in attached else []
        while path:
            name, callees = path[-1]
            callee = next(callees, None)
            if callee is None:
                used.setdefault(name, declared[name])
                path.pop()
            elif callee not in used:
                path.append((callee, _callees(declared[callee])))
    return used


def _callees(function: model.Function) -> Iterator[str]:
    calls = (statement.function for statement in walk(function.body) if isinstance(statement, model.Call))
    return iter(dict.fromkeys(calls))
