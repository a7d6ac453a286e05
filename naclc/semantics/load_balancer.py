"""Reads and checks the Load_balancer (docs/language.md 5.4).

Reports   unknown-key, missing-key, type-mismatch, unknown-word, unknown-iface, value-out-of-range, port-out-of-range,
          bad-address, empty-set; duplicate-node.
"""

from __future__ import annotations

from naclc.diagnostics import Label
from naclc.net.addresses import format_address
from naclc.semantics.keys import Keys, members_of, open_element
from naclc.semantics.model import LoadBalancer, Node
from naclc.semantics.scope import ALGORITHMS, LAYERS, Scope
from naclc.semantics.values import Element, Sort, View
from naclc.source import Span

KEYS = ("layer", "clients", "servers")
CLIENTS = ("iface", "port", "wait_queue_limit", "session_limit")
SERVERS = ("iface", "algorithm", "pool", "active_check")
NODE = ("address", "port")
DEFAULT_LIMIT = 1000


def read_load_balancer(scope: Scope, element: Element) -> LoadBalancer | None:
    """None when something that it cannot be without is missing or wrong."""
    keys = open_element(scope, element)
    if keys is None:
        return None
    keys.refuse_unknown(KEYS)
    if keys.require("layer"):
        keys.word("layer", "layer", LAYERS)
    clients = _read_clients(keys)
    servers = _read_servers(keys)
    if clients is None or servers is None:
        return None
    return LoadBalancer(element.name, *clients, *servers, element.span)


def _open(keys: Keys, key: str, known: tuple[str, ...]) -> Keys | None:
    part = keys.inner(key) if keys.require(key) else None
    if part:
        part.refuse_unknown(known)
    return part


def _read_clients(keys: Keys) -> tuple[str, int, int, int] | None:
    """Iface, port, wait_queue_limit and session_limit."""
    clients = _open(keys, "clients", CLIENTS)
    if clients is None:
        return None
    iface = clients.iface("iface")
    port = clients.port("port") if clients.require("port") else None
    wait_queue_limit = clients.integer("wait_queue_limit", 1) or DEFAULT_LIMIT
    session_limit = clients.integer("session_limit", 1) or DEFAULT_LIMIT
    if iface is None or port is None:
        return None
    return iface.name, port, wait_queue_limit, session_limit


def _read_servers(keys: Keys) -> tuple[str, tuple[Node, ...], bool] | None:
    """Iface, pool and active_check."""
    servers = _open(keys, "servers", SERVERS)
    if servers is None:
        return None
    iface = servers.iface("iface")
    if servers.require("algorithm"):
        servers.word("algorithm", "algorithm", ALGORITHMS)
    nodes = _read_pool(servers) if servers.require("pool") else ()
    active_check = bool(servers.boolean("active_check"))
    return (iface.name, nodes, active_check) if iface else None


def _read_pool(servers: Keys) -> tuple[Node, ...]:
    """The nodes without errors."""
    nodes: dict[tuple[int, int], Node] = {}
    pool = []
    for place in servers.items("pool", "nodes") or ():
        node = _read_node(servers.scope, place)
        if node is None:
            continue
        pool.append(node)
        first = nodes.setdefault((node.address, node.port), node)
        if first is not node:
            text = f"{format_address(node.address)}:{node.port}"
            message, label = f"the node {text} is in this pool twice", Label(first.span, "first given here")
            advice = "remove one of them, unless it shall get twice the share"
            servers.reporter.warning("duplicate-node", message, node.span, label, help=advice)
    return tuple(pool)


def _read_node(scope: Scope, place: View) -> Node | None:
    value = scope.ground(place)
    span: Span = place.value.span
    if value.sort is not Sort.OBJECT or value.view is None:
        if value.sort is not Sort.BAD:
            message = f"a node is an object with `address` and `port`, not {value.what}"
            advice = "as in `{ address: 10.0.0.2, port: 80 }`"
            scope.reporter.error("type-mismatch", message, span, help=advice)
        return None
    keys = Keys(scope, "a node", span, members_of(scope, value.view))
    keys.refuse_unknown(NODE)
    address = keys.host_address("address") if keys.require("address") else None
    port = keys.port("port") if keys.require("port") else None
    return None if address is None or port is None else Node(address, port, span)
