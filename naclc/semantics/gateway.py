"""Reads and checks the Gateway (docs/language.md 5.2).

Reports   unknown-key, missing-key, type-mismatch, net-and-host, bad-address, bad-netmask, value-out-of-range,
          unknown-iface, bad-assignment; host-bits, nexthop-outside, duplicate-route, route-no-nexthop, no-routes.
"""

from __future__ import annotations

from dataclasses import dataclass

from naclc.diagnostics import Label
from naclc.net.addresses import ALL_ONES, format_address, in_subnet, prefix_of
from naclc.semantics.chains import read_chain
from naclc.semantics.ifaces import ReadIface
from naclc.semantics.keys import Keys, list_places, members_of
from naclc.semantics.model import Attachment, Config, Gateway, Hook, Route
from naclc.semantics.scope import Scope
from naclc.semantics.spelling import suggestion
from naclc.semantics.values import Element, ElementKind, Entry, Sort, View
from naclc.source import Span
from naclc.syntax import ast

OPTIONS = ("send_time_exceeded", "forward")
ROUTE_KEYS = ("net", "host", "netmask", "iface", "nexthop", "cost")


def read_gateway(scope: Scope, element: Element, ifaces: dict[str, ReadIface]) -> Gateway | None:
    """The Gateway without its faulty routes; None when its value is no object and no list.

    `ifaces` are those that could be read; what a route needs to know of another one is then left unchecked.
    """
    root = scope.root(element)
    value = scope.ground(root)
    if value.sort is Sort.BAD:
        return None
    if value.sort not in (Sort.OBJECT, Sort.LIST) or value.view is None:
        message = f"a Gateway is an object or a list of routes, not {value.what}"
        advice = "as in `{ r1: { net: 10.0.0.0, netmask: 255.0.0.0, iface: eth0 } }`"
        scope.reporter.error("type-mismatch", message, root.value.span, help=advice)
        return None
    reader = _GatewayReader(scope, ifaces)
    options = reader.read_list(value.view) if value.sort is Sort.LIST else reader.read_object(value.view)
    if not reader.written:
        message, advice = f"Gateway `{element.name}` has no route: nothing is forwarded", "give it one, or remove it"
        scope.reporter.warning("no-routes", message, element.span, help=advice)
    keys = Keys(scope, f"Gateway `{element.name}`", element.span, options)
    time_exceeded = keys.boolean("send_time_exceeded")
    forward: tuple[Attachment, ...] | None = None
    if "forward" in options:
        forward = read_chain(scope, Hook.FORWARD, options["forward"])
    return Gateway(
        element.name, tuple(reader.routes), forward, True if time_exceeded is None else time_exceeded, element.span
    )


@dataclass(frozen=True, slots=True)
class _Destination:
    """`net` is masked; `text` as messages write it."""

    net: int
    netmask: int

    @property
    def text(self) -> str:
        return f"{format_address(self.net)}/{prefix_of(self.netmask)}"


class _GatewayReader:
    """`written` counts what stands where a route may, `routes` are those without errors."""

    def __init__(self, scope: Scope, ifaces: dict[str, ReadIface]) -> None:
        self.routes: list[Route] = []
        self.written = 0
        self._scope = scope
        self._reporter = scope.reporter
        self._ifaces = ifaces
        self._spans: dict[tuple[int, int], Span] = {}

    def read_object(self, view: View) -> dict[str, Entry]:
        """Reads the routes and answers the options."""
        options = {}
        for key, entry in self._scope.members(view).items():
            if key in OPTIONS:
                options[key] = entry
            else:
                self._read_named(entry)
        return options

    def read_list(self, view: View) -> dict[str, Entry]:
        for item in list_places(self._scope, view):
            self._read_item(item)
        options = {}
        own = (addition for addition in view.additions if addition.owner.kind is ElementKind.GATEWAY)
        for addition in own:
            for child in addition.children.values():
                key = child.name.text.lower()
                if key in OPTIONS and child.value is not None:
                    options[key] = Entry(child.name, View(child.value, (), child.owner, True))
                    for below in child.children.values():
                        self._refuse_below(below.name, child.name)
                else:
                    self._refuse_addition(child.name)
        return options

    def _refuse_addition(self, name: ast.Name) -> None:
        self._reporter.error(
            "bad-assignment",
            f"a Gateway that is a list of routes takes no `{name.text}`",
            name.span,
            help="only send_time_exceeded and forward can be added; give the routes names to add more",
        )

    def _refuse_below(self, name: ast.Name, option: ast.Name) -> None:
        message = f"cannot add `{name.text}` to `{option.text}`: it is no object"
        self._reporter.error("bad-assignment", message, name.span, help="remove it")

    def _read_item(self, place: View) -> None:
        value = self._scope.ground(place)
        self.written += 1
        if value.sort is Sort.OBJECT and value.view:
            self._read_route(value.view, value.span)
        elif value.sort is not Sort.BAD:
            advice = "as in `{ net: 10.0.0.0, netmask: 255.0.0.0, iface: eth0 }`"
            self._reporter.error("type-mismatch", f"a route is an object, not {value.what}", value.span, help=advice)

    def _read_named(self, entry: Entry) -> None:
        value = self._scope.ground(entry.view)
        self.written += 1
        if value.sort is Sort.OBJECT and value.view:
            self._read_route(value.view, entry.name.span)
        elif value.sort is not Sort.BAD:
            self._reporter.error(
                "unknown-key",
                f"a Gateway has no key `{entry.name.text}`, and {value.what} is no route",
                entry.name.span,
                help=suggestion(entry.name.text, OPTIONS),
            )

    def _read_route(self, view: View, span: Span) -> None:
        keys = Keys(self._scope, "a route", span, members_of(self._scope, view))
        keys.refuse_unknown(ROUTE_KEYS)
        destination = self._read_destination(keys)
        iface = keys.iface("iface")
        nexthop = keys.host_address("nexthop", none_allowed=True)
        cost = keys.integer("cost")
        if destination is None or iface is None:
            return
        self._check_duplicate(destination, span)
        self._check_nexthop(keys, destination, iface, nexthop)
        route = Route(
            destination.net, destination.netmask, iface.name, nexthop or None, 1 if cost is None else cost, span
        )
        self.routes.append(route)

    def _read_destination(self, keys: Keys) -> _Destination | None:
        if "net" in keys.entries and "host" in keys.entries:
            first, last = sorted((keys.key_span("net"), keys.key_span("host")), key=lambda span: span.start)
            label = Label(first, "first given here")
            advice = "keep `net` and `netmask` for a network, or `host` alone for one machine"
            self._reporter.error("net-and-host", "a route has either `net` or `host`", last, label, help=advice)
            return None
        if "host" in keys.entries:
            host = keys.host_address("host")
            keys.netmask("netmask", 32)
            return None if host is None else _Destination(host, ALL_ONES)
        if not keys.given("net") and not keys.given("host"):
            advice = "as in `net: 10.0.0.0, netmask: 255.0.0.0`, or `host: 10.0.0.1` for one machine"
            self._reporter.error("missing-key", f"{keys.title} needs `net` or `host`", keys.span, help=advice)
            keys.netmask("netmask", 0)
            return None
        if "net" not in keys.entries:
            return None
        net = keys.address("net")
        there = "netmask" in keys.entries or (not keys.holds_cidr("net") and keys.require("netmask"))
        mask = keys.netmask("netmask", 0) if there else None
        if net is None or mask is None:
            return None
        self._check_host_bits(keys, net, mask)
        return _Destination(net & mask, mask)

    def _check_host_bits(self, keys: Keys, net: int, mask: int) -> None:
        if net & mask != net:
            self._reporter.warning(
                "host-bits",
                f"{format_address(net)} has host bits set, they are ignored",
                keys.value_span("net"),
                help=f"write {format_address(net & mask)}",
            )

    def _check_duplicate(self, destination: _Destination, span: Span) -> None:
        first = self._spans.setdefault((destination.net, destination.netmask), span)
        if first is not span:
            self._reporter.warning(
                "duplicate-route",
                f"there is another route to {destination.text}",
                span,
                Label(first, "first given here"),
                help="the lower cost wins, then the one written first",
            )

    def _check_nexthop(self, keys: Keys, destination: _Destination, element: Element, nexthop: int | None) -> None:
        """`nexthop` None: not written or wrong. Nothing is said about an Iface whose subnet is configured elsewhere."""
        iface = self._ifaces.get(element.name)
        if iface is None or iface.config is not Config.STATIC or iface.address is None or iface.netmask is None:
            return
        if nexthop:
            if not in_subnet(nexthop, iface.address, iface.netmask):
                self._reporter.warning(
                    "nexthop-outside",
                    f"the nexthop {format_address(nexthop)} is outside the subnet of `{element.name}`",
                    keys.value_span("nexthop"),
                    Label(iface.address_span, f"the address of `{element.name}`"),
                    help="name a router in that subnet, or the Iface in whose subnet it is",
                )
        elif (nexthop == 0 or "nexthop" not in keys.entries) and not iface.gateway:
            covered = destination.netmask >= iface.netmask and in_subnet(destination.net, iface.address, iface.netmask)
            if not covered and not keys.has_unknown:
                self._reporter.warning(
                    "route-no-nexthop",
                    f"no next hop: {destination.text} is not in the subnet of `{element.name}`, which has no gateway",
                    keys.span,
                    help="give the route a nexthop",
                )
