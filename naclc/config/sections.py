"""Reads the members of a JSON object that IncludeOS's config.json knows, each value of its kind.

A reader answers None for what is missing or wrong; what is wrong has then been reported.

Reports   duplicate-key, unknown-key, missing-key, json-value, value-out-of-range, json-ipv6, json-ignored.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address

from naclc.config.tree import Bool, List, Member, Node, Number, Object, String, kind
from naclc.diagnostics import Label
from naclc.semantics.reporter import Reporter
from naclc.semantics.spelling import nearest, suggestion
from naclc.source import Span
from naclc.syntax import ast

INT_MAX = 2147483647
IPV6_BESIDE = "remove it where IPv4 is all that is meant; IncludeOS configures IPv6 itself"
_LONGEST = 40  # digits and letters of a value that messages show

_NODES = '{"iface": 1, "list": [["10.0.0.2", 80]]}'
_CLIENTS = '{"iface": 0, "port": 80, "waitq_limit": 1000, "session_limit": 1000}'
# A good value for each key.
_EXAMPLES = {
    "net": '[{"iface": 0, "config": "dhcp"}]',
    "config": '"static"',
    "address": '"192.0.2.1"',
    "netmask": '"255.255.255.0"',
    "gateway": '"192.0.2.254"',
    "dns": '"192.0.2.53"',
    "nexthop": '"192.0.2.254"',
    "timeout": "10",
    "vlan": '[{"id": 10, "address": "10.0.10.1", "netmask": "255.255.255.0"}]',
    "id": "10",
    "router": '[[{"address": "10.0.0.0", "netmask": "255.0.0.0", "iface": 0}]]',
    "load_balancer": f'{{"clients": {_CLIENTS}, "nodes": {_NODES}}}',
    "clients": _CLIENTS,
    "nodes": _NODES,
    "list": '[["10.0.0.2", 80]]',
    "port": "80",
    "waitq_limit": "1000",
    "session_limit": "1000",
    "algo": '"round_robin"',
    "active_check": "true",
    "syslog": '{"type": "udp", "address": "192.0.2.53", "iface": 0}',
    "type": '"udp"',
}


@dataclass(frozen=True, slots=True)
class Address:
    """An IPv4 address in host order; `prefix` 1 .. 32 when one is written behind it."""

    value: int
    prefix: int | None
    span: Span


class Section:
    """An object of the configuration: `title` is what messages call it, `span` where what is missing is reported."""

    def __init__(self, reporter: Reporter, title: str, node: Object, span: Span | None = None) -> None:
        self.reporter = reporter
        self.title = title
        self.node = node
        self.span = span or node.start
        self.members: dict[str, Member] = {}
        self._meant: set[str] = set()  # keys that are there, misspelled
        for member in node.members:
            first = self.members.setdefault(member.key.value, member)
            if first is not member:
                label = Label(first.key.span, "first given here")
                message = f"`{short(member.key.value)}` is given twice"
                reporter.error("duplicate-key", message, member.key.span, label, help="remove one of them")

    def refuse_unknown(self, known: tuple[str, ...]) -> None:
        for key, member in self.members.items():
            if key not in known:
                message = f"{self.title} has no key `{short(key)}`"
                meant = nearest(key[:_LONGEST], known)
                self._meant |= {meant} if meant else set()
                self.reporter.error("unknown-key", message, member.key.span, help=suggestion(key[:_LONGEST], known))

    def require(self, key: str) -> bool:
        if key in self.members:
            return True
        if self.is_meant(key):
            return False
        advice = f"add it, as in `{_example(key)}`"
        self.reporter.error("missing-key", f"{self.title} needs the key `{key}`", self.span, help=advice)
        return False

    def is_meant(self, key: str) -> bool:
        """Whether `key` is there, but misspelled: `refuse_unknown` has said so."""
        return key in self._meant

    def value(self, key: str) -> Node | None:
        member = self.members.get(key)
        return None if member is None else member.value

    def key_span(self, key: str) -> Span:
        return self.members[key].key.span

    def mismatch(self, key: str, wanted: str, node: Node, help: str | None = None) -> None:
        self.wrong_kind(f"`{key}`", wanted, node, help or f"as in `{_example(key)}`")

    def wrong_kind(self, what: str, wanted: str, node: Node, help: str | None = None) -> None:
        """Reports a value of the wrong kind."""
        found = kind(node)
        if isinstance(node, String | Number):
            found = f"`{short(node.value if isinstance(node, String) else node.text)}`"
        advice = help or f"as in `{_example(what.strip('`'))}`"
        self.reporter.error("json-value", f"{what} takes {wanted}, not {found}", node.span, help=advice)

    def section(self, key: str) -> Section | None:
        """The object that `key` holds."""
        node = self.value(key)
        if node is None:
            return None
        if not isinstance(node, Object):
            self.mismatch(key, "an object", node)
            return None
        return Section(self.reporter, f"`{self.path(key)}`", node, self.key_span(key))

    def path(self, key: str) -> str:
        return f"{self.title.strip('`')}.{key}" if self.title.startswith("`") else key

    def items(self, key: str, wanted: str) -> tuple[Node, ...] | None:
        """What stands in the list that `key` holds."""
        node = self.value(key)
        if node is None:
            return None
        if not isinstance(node, List):
            self.mismatch(key, f"a list of {wanted}", node)
            return None
        return node.items

    def object_at(self, key: str, index: int, node: Node) -> Section | None:
        """An object in the list of `key`."""
        title = f"`{self.path(key)}[{index}]`"
        if isinstance(node, Object):
            return Section(self.reporter, title, node)
        message, advice = f"{title} is an object, not {kind(node)}", f"as in `{_example(key)}`"
        self.reporter.error("json-value", message, node.span, help=advice)
        return None

    def string(self, key: str) -> String | None:
        node = self.value(key)
        if node is None or isinstance(node, String):
            return node
        self.mismatch(key, "a string", node)
        return None

    def boolean(self, key: str) -> ast.Bool | None:
        node = self.value(key)
        if node is None or isinstance(node, Bool):
            return None if node is None else ast.Bool(node.value, node.span)
        self.mismatch(key, "true or false", node)
        return None

    def integer(self, key: str, low: int | None = None) -> ast.Integer | None:
        """A whole number; with `low` one of `low` .. 2147483647."""
        node = self.value(key)
        return None if node is None else self.whole(f"`{key}`", node, low)

    def whole(self, what: str, node: Node, low: int | None = None) -> ast.Integer | None:
        """As `integer`, of a value that messages call `what`."""
        if not isinstance(node, Number) or not node.text.lstrip("-").isdigit():
            self.wrong_kind(what, "a whole number", node)
            return None
        number = _whole(node.text)
        if low is not None and not low <= number <= INT_MAX:
            message = f"{what} must be {low} to {INT_MAX}, not {short(node.text)}"
            advice = f"write a number of {low} to {INT_MAX}"
            self.reporter.error("value-out-of-range", message, node.span, help=advice)
            return None
        return ast.Integer(number, node.span)

    def address(self, key: str) -> ast.Ipv4 | None:
        """One IPv4 address in a string."""
        node = self.value(key)
        return None if node is None else self.ipv4(f"`{key}`", node)

    def ipv4(self, what: str, node: Node) -> ast.Ipv4 | None:
        """As `address`, of a value that messages call `what`."""
        found = self._ipv4(what, node, with_prefix=False)
        return None if found is None else ast.Ipv4(found.value, found.span)

    def addresses(self, key: str, with_prefix: bool = False) -> Address | None:
        """The first IPv4 address of a string or a list of strings; what else stands there is warned about."""
        node = self.value(key)
        if node is None:
            return None
        first: Address | None = None
        for item in node.items if isinstance(node, List) else (node,):
            if isinstance(item, String) and _is_ipv6(item.value):
                message = f"the IPv6 address `{short(item.value)}` is ignored: naclc configures IPv4 only"
                self.reporter.warning("json-ipv6", message, item.span, help=IPV6_BESIDE)
                continue
            found = self._ipv4(f"`{key}`", item, with_prefix)
            if found and first:
                message = f"`{short(found.span.text.strip(chr(34)))}` is ignored: the first IPv4 address counts"
                label = Label(first.span, "the first one")
                self.reporter.warning("json-ignored", message, found.span, label, help="remove it")
            first = first or found
        return first

    def _ipv4(self, what: str, node: Node, with_prefix: bool) -> Address | None:
        wanted = "an IPv4 address in quotes"
        if not isinstance(node, String):
            self.wrong_kind(what, wanted, node)
            return None
        text, slash, length = node.value.partition("/")
        address = _ipv4(text)
        if address is None or (slash and not with_prefix):
            advice = "as in `192.0.2.1`"
            if _is_ipv6(node.value):
                wanted, advice = "an IPv4 address", "naclc configures IPv4 only"
            elif address is not None:
                advice = f"write `{text}` without the prefix length"
            self.wrong_kind(what, wanted, node, advice)
            return None
        if not slash:
            return Address(address, None, node.span)
        if not (length.isascii() and length.isdigit() and length[0] != "0" and len(length) < 3 and int(length) <= 32):
            advice = f"as in `{text}/24`"
            self.wrong_kind(what, "a prefix length of /1 to /32", node, advice)
            return None
        return Address(address, int(length), node.span)

    def ignored(self, keys: Iterable[str], why: str) -> None:
        """Warns that these of its members have no effect."""
        for key in keys:
            if key in self.members:
                message = f"`{key}` is ignored: {why}"
                self.reporter.warning("json-ignored", message, self.key_span(key), help="remove it")


def _example(key: str) -> str:
    """`key` with a value that it takes."""
    name = key.rpartition(".")[2].partition("[")[0]
    return f'"{name}": {_EXAMPLES.get(name, "0")}'


def member(name: str, at: Span, value: ast.Value) -> ast.Member:
    """A member as if written in NaCl; `at` is where its key stands in the JSON."""
    return ast.Member(ast.Name(name, at), value, at.to(value.span))


def path(name: str, at: Span) -> ast.Path:
    return ast.Path((ast.Name(name, at),), at)


def short(text: str) -> str:
    """`text` for messages: on one line, and cut when it is long."""
    shown = text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
    return "".join(character if character.isprintable() else "?" for character in shown)


def _whole(text: str) -> int:
    """The number; one of more digits than anything can hold is cut to a number that nothing can hold either."""
    return int(text[: _LONGEST + 2])


def _ipv4(text: str) -> int | None:
    try:
        return int(IPv4Address(text))
    except AddressValueError:
        return None


def _is_ipv6(text: str) -> bool:
    if ":" not in text:
        return False
    address, slash, length = text.partition("/")
    try:
        IPv6Address(address)
    except AddressValueError:
        return False
    return not slash or (length.isascii() and length.isdigit() and len(length) <= 3 and int(length) <= 128)
