"""Maps `router`, `load_balancer` and `syslog` to a Gateway, a Load_balancer and a Syslog (docs/language.md section 9).

Reports   duplicate-key, unknown-key, missing-key, unknown-word, unknown-iface, json-value, json-unsupported,
          value-out-of-range, empty-set; json-ignored.
"""

from __future__ import annotations

from itertools import islice

from naclc.config.declared import Declared
from naclc.config.sections import Section, member, path, short
from naclc.config.tree import List, Node, Number, String, kind
from naclc.semantics.spelling import suggestion
from naclc.source import Span
from naclc.syntax import ast

ROUTE_KEYS = ("address", "netmask", "iface", "nexthop", "cost")
BALANCER_KEYS = ("clients", "nodes")
CLIENTS_KEYS = ("iface", "port", "waitq_limit", "session_limit")
TLS_KEYS = ("certificate", "key")
NODES_KEYS = ("iface", "list", "algo", "active_check")
SYSLOG_KEYS = ("type", "address", "port", "iface", "path")
ALGORITHM = "round_robin"
DEFAULT_COST = 100
DEFAULT_SYSLOG_PORT = 6514  # RFC 5425 4.1


def _iface(declared: Declared, section: Section) -> list[ast.Member]:
    """The member `iface`, a NIC that `net` declares."""
    number = section.integer("iface") if section.require("iface") else None
    if number is None:
        return []
    if number.value not in declared.nics:
        if declared.nics_known:
            message = f"`net` configures no NIC {short(number.span.text)}"
            known = ", ".join(f"`{nic}`" for nic in islice(declared.nics, 16))
            advice = f"known: {known}" if known else "configure it in `net`"
            section.reporter.error("unknown-iface", message, number.span, help=advice)
        return []
    return [member("iface", section.key_span("iface"), path(f"nic{number.value}", number.span))]


def _taken(section: Section, names: dict[str, str], values: dict[str, ast.Value | None]) -> list[ast.Member]:
    """Members of the model's `names` for the JSON keys that have a value."""
    return [
        member(names.get(key, key), section.key_span(key), value) for key, value in values.items() if value is not None
    ]


# --- router ---


def read_router(declared: Declared, root: Section) -> None:
    """The first table is the Gateway `router`; any further one is ignored, with a warning."""
    tables = root.items("router", "tables, each a list of routes")
    if tables is None:
        return
    for index, table in enumerate(tables[1:], 1):
        message = f"the routing table `router[{index}]` is ignored: only the first one is used"
        start = Span(table.span.source, table.span.start, table.span.start + 1)
        root.reporter.warning("json-ignored", message, start, help="put its routes into `router[0]`")
    routes: list[ast.Value] = []
    at = root.key_span("router")
    if tables:
        table = tables[0]
        if not isinstance(table, List):
            message = f"`router[0]` is a list of routes, not {kind(table)}"
            root.reporter.error("json-value", message, table.span, help="as in `[[{ … }]]`")
            return
        routes = [_read_route(declared, root, index, node) for index, node in enumerate(table.items)]
    declared.add("Gateway", "router", at, ast.List(tuple(routes), root.members["router"].value.span))


def _read_route(declared: Declared, root: Section, index: int, node: Node) -> ast.Value:
    route = root.object_at("router[0]", index, node)
    if route is None:
        return ast.Object((), node.span)
    route.refuse_unknown(ROUTE_KEYS)
    members = []
    for key, name in (("address", "net"), ("netmask", "netmask")):
        value = route.address(key) if route.require(key) else None
        if value:
            members.append(member(name, route.key_span(key), value))
    members += _iface(declared, route)
    members += _taken(route, {}, {"nexthop": route.address("nexthop"), "cost": route.integer("cost", 0)})
    if "cost" not in route.members:
        members.append(member("cost", node.span, ast.Integer(DEFAULT_COST, node.span)))
    return ast.Object(tuple(members), node.span)


# --- load_balancer ---


def read_load_balancer(declared: Declared, root: Section) -> None:
    """The Load_balancer `load_balancer`."""
    balancer = root.section("load_balancer")
    if balancer is None:
        return
    balancer.refuse_unknown(BALANCER_KEYS)
    at = root.key_span("load_balancer")
    members = [member("layer", at, path("tcp", at))]
    clients = balancer.section("clients") if balancer.require("clients") else None
    if clients:
        value = ast.Object(tuple(_read_clients(declared, clients)), clients.node.span)
        members.append(member("clients", balancer.key_span("clients"), value))
    nodes = balancer.section("nodes") if balancer.require("nodes") else None
    if nodes:
        value = ast.Object(tuple(_read_nodes(declared, nodes)), nodes.node.span)
        members.append(member("servers", balancer.key_span("nodes"), value))
    declared.add("Load_balancer", "load_balancer", at, ast.Object(tuple(members), balancer.node.span))


def _read_clients(declared: Declared, clients: Section) -> list[ast.Member]:
    clients.refuse_unknown((*CLIENTS_KEYS, *TLS_KEYS))
    for key in TLS_KEYS:
        if key in clients.members:
            message = f"`{key}` asks for TLS, which naclc's load balancer does not do"
            advice = "balance plain TCP: remove `certificate` and `key`, and let the nodes do TLS themselves"
            clients.reporter.error("json-unsupported", message, clients.key_span(key), help=advice)
    members = _iface(declared, clients)
    for key in ("port", "waitq_limit", "session_limit"):
        clients.require(key)
    values: dict[str, ast.Value | None] = {
        "port": clients.integer("port"),
        "waitq_limit": clients.integer("waitq_limit", 1),
        "session_limit": clients.integer("session_limit", 1),
    }
    return members + _taken(clients, {"waitq_limit": "wait_queue_limit"}, values)


def _read_nodes(declared: Declared, nodes: Section) -> list[ast.Member]:
    nodes.refuse_unknown(NODES_KEYS)
    members = _iface(declared, nodes)
    algorithm = nodes.string("algo")
    if algorithm and algorithm.value != ALGORITHM:
        message = f"there is no algorithm `{short(algorithm.value)}`"
        advice = suggestion(short(algorithm.value), (ALGORITHM,))
        nodes.reporter.error("unknown-word", message, algorithm.span, help=advice)
    members.append(member("algorithm", nodes.span, path(ALGORITHM, nodes.span)))
    pool = _read_pool(nodes) if nodes.require("list") else None
    if pool:
        members.append(member("pool", nodes.key_span("list"), pool))
    check = nodes.boolean("active_check")
    if "active_check" not in nodes.members:
        check = ast.Bool(True, nodes.span)
    return members + ([member("active_check", nodes.span, check)] if check else [])


def _read_pool(nodes: Section) -> ast.List | None:
    items = nodes.items("list", "nodes, each `[address, port]`")
    if items is None:
        return None
    span = nodes.members["list"].value.span
    if not items:
        nodes.reporter.error("empty-set", "`list` is empty", span, help='put nodes into it, as in `["10.0.0.2", 80]`')
        return None
    read = [_read_node(nodes, index, node) for index, node in enumerate(items)]
    return ast.List(tuple(node for node in read if node), span)


def _read_node(nodes: Section, index: int, node: Node) -> ast.Object | None:
    title = f"`{nodes.path('list')}[{index}]`"
    match node:
        case List(items=(String() as address, Number() as port)):
            at = nodes.ipv4(title, address)
            number = nodes.whole(title, port)
            if at is None or number is None:
                return None
            members = (member("address", address.span, at), member("port", port.span, number))
            return ast.Object(members, node.span)
    message = f"{title} is a list of an address and a port"
    nodes.reporter.error("json-value", message, node.span, help='as in `["10.0.0.2", 80]`')
    return None


# --- syslog ---


def read_syslog(declared: Declared, root: Section) -> None:
    """The Syslog `syslog` when its type is `udp`; with another type, or none, messages stay on the console."""
    syslog = root.section("syslog")
    if syslog is None:
        return
    syslog.refuse_unknown(SYSLOG_KEYS)
    kind_of = syslog.string("type")
    if "type" in syslog.members and kind_of is None:
        return
    if kind_of is None or kind_of.value != "udp":
        why = "without `type`" if kind_of is None else f"with the `type` `{short(kind_of.value)}`"
        syslog.ignored(("address", "port", "iface"), f"{why} messages stay on the console")
        return
    at = root.key_span("syslog")
    address = syslog.address("address") if syslog.require("address") else None
    iface = syslog.integer("iface", 0) if syslog.require("iface") else None
    if iface and iface.value != 0:
        message = f"syslog messages leave by NIC 0, not by NIC {iface.value}"
        syslog.reporter.error("json-unsupported", message, iface.span, help="give the server a place behind NIC 0")
    port = syslog.integer("port")
    members = _taken(syslog, {}, {"address": address, "port": port})
    if "port" not in syslog.members:
        members.append(member("port", at, ast.Integer(DEFAULT_SYSLOG_PORT, at)))
    declared.add("Syslog", "syslog", at, ast.Object(tuple(members), syslog.node.span))
    declared.silence("shadows-builtin", at)  # the name is not the user's
