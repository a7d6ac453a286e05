"""Reads the members of a typed element: each key once, its value checked and in one unit.

A reader answers None for a key that is missing or wrong; what is wrong has then been reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from naclc.diagnostics import Label
from naclc.net.addresses import format_address, is_unicast, mask_of, prefix_of
from naclc.semantics import advice
from naclc.semantics.reporter import Reporter
from naclc.semantics.scope import Scope
from naclc.semantics.sets import shown
from naclc.semantics.spelling import nearest, suggestion
from naclc.semantics.values import Element, ElementKind, Entry, Sort, Value, View
from naclc.semantics.words import read_word
from naclc.source import Span
from naclc.syntax import ast

INT_MAX = 2147483647
MAX_PORT = 65535
MAX_VLAN = 4094  # IEEE 802.1Q: 0 and 4095 are reserved


class Keys:
    """The members of one element or object in it; `title` is what messages call it, `span` where it is named."""

    def __init__(self, scope: Scope, title: str, span: Span, entries: dict[str, Entry]) -> None:
        self.scope = scope
        self.reporter = scope.reporter
        self.title = title
        self.span = span
        self.entries = entries
        self._meant: set[str] = set()  # keys that are there, misspelled
        self.has_unknown = False

    def refuse_unknown(self, known: tuple[str, ...]) -> None:
        for key, entry in self.entries.items():
            if key not in known:
                self.has_unknown = True
                meant = nearest(entry.name.text, known)
                self._meant |= {meant} if meant else set()
                self.reporter.error(
                    "unknown-key",
                    f"{self.title} has no key `{entry.name.text}`",
                    entry.name.span,
                    help=suggestion(entry.name.text, known),
                )

    def given(self, key: str) -> bool:
        """Whether `key` is there, be it misspelled: then nobody misses it. Ask after `refuse_unknown`."""
        return key in self.entries or key in self._meant

    def require(self, key: str) -> bool:
        if self.given(key):
            return key in self.entries
        message, cure = f"{self.title} needs the key `{key}`", f"as in `{advice.example(self.scope, key)}`"
        self.reporter.error("missing-key", message, self.span, help=cure)
        return False

    def key_span(self, key: str) -> Span:
        return self.entries[key].name.span

    def value_span(self, key: str) -> Span:
        return self.entries[key].view.value.span

    def value(self, key: str) -> Value | None:
        """The value of `key`, names followed; None when the key is not there or its name leads nowhere."""
        entry = self.entries.get(key)
        if entry is None:
            return None
        value = self.scope.ground(entry.view)
        return None if value.sort is Sort.BAD else value

    def mismatch(self, key: str, wanted: str, value: Value, help: str | None = None) -> None:
        message = f"`{key}` takes {wanted}, not {value.what}"
        cure = help or advice.for_key(self.scope, key, value)
        self.reporter.error("type-mismatch", message, value.span, *origin_label(value), help=cure)

    def inner(self, key: str) -> Keys | None:
        """The members of the object that `key` holds."""
        value = self.value(key)
        if value is None:
            return None
        if value.sort is not Sort.OBJECT or value.view is None:
            self.mismatch(key, "an object", value)
            return None
        return Keys(self.scope, f"`{key}`", self.key_span(key), members_of(self.scope, value.view))

    def items(self, key: str, wanted: str, words: Sequence[str] = ()) -> list[View] | None:
        """The places of the list that `key` holds, lists in it flattened; at least one."""
        entry = self.entries.get(key)
        value = self.scope.ground(entry.view, frozenset(words)) if entry else None
        if value is None or value.sort is Sort.BAD:
            return None
        if value.sort is not Sort.LIST or value.view is None:
            self.mismatch(key, f"a list of {wanted}", value)
            return None
        places = list(list_places(self.scope, value.view, frozenset(words)))
        if not places:
            self.reporter.error("empty-set", f"`{key}` is empty", value.span, help=f"put {wanted} into it")
            return None
        return places

    def word(self, key: str, what: str, words: Sequence[str]) -> str | None:
        entry = self.entries.get(key)
        return None if entry is None else read_word(self.scope, entry.view, what, words)

    def iface(self, key: str) -> Element | None:
        if not self.require(key):
            return None
        view = self.entries[key].view
        value = self.scope.ground(view, refuse=self._refuse_iface)
        if value.sort is Sort.IFACE:
            return value.element
        if value.sort is Sort.BAD:
            return None
        if isinstance(view.value, ast.Path):
            self._refuse_iface(view.value, value)
        else:
            self.mismatch(key, "the name of an Iface", value)
        return None

    def _refuse_iface(self, path: ast.Path, value: Value | None = None) -> None:
        message = (
            f"there is no Iface `{path.text}`" if value is None else f"`{path.text}` is {value.what}, not an Iface"
        )
        cure = self.scope.suggest(path.text, ElementKind.IFACE)
        cure = cure or "name an Iface of the policy; one is declared as in `Iface eth0 { index: 0 }`"
        self.reporter.error("unknown-iface", message, path.span, help=cure)

    def integer(self, key: str, low: int = 0) -> int | None:
        value = self._number(key)
        if value is None or low <= value.number <= INT_MAX:
            return value.number if value else None
        message = f"`{key}` must be {low} to {INT_MAX}, not {shown(value.number)}"
        cure = f"write a number of {low} to {INT_MAX}, or remove the key"
        if key == "index":
            cure = f"NICs count from 0, as in `{advice.example(self.scope, key)}`"
        self.reporter.error("value-out-of-range", message, value.span, *origin_label(value), help=cure)
        return None

    def vlan(self, key: str) -> int | None:
        value = self._number(key)
        if value is None or 1 <= value.number <= MAX_VLAN:
            return value.number if value else None
        message = f"`{key}` must be 1 to {MAX_VLAN}, not {shown(value.number)}"
        cure = "a VLAN tag has 12 bits, and 0 and 4095 are reserved"
        self.reporter.error("vlan-out-of-range", message, value.span, *origin_label(value), help=cure)
        return None

    def _number(self, key: str) -> Value | None:
        value = self.value(key)
        if value is not None and value.sort is not Sort.INT:
            self.mismatch(key, "a number", value)
            return None
        return value

    def port(self, key: str) -> int | None:
        value = self.value(key)
        if value is None:
            return None
        if value.sort not in (Sort.INT, Sort.PORT):
            self.mismatch(key, "a port", value)
            return None
        return value.number if check_port(self.reporter, key, value) else None

    def boolean(self, key: str) -> bool | None:
        value = self.value(key)
        if value is None:
            return None
        if value.sort is not Sort.BOOL:
            self.mismatch(key, "true or false", value)
            return None
        return bool(value.number)

    def address(self, key: str) -> int | None:
        """Any address."""
        value = self.value(key)
        if value is None:
            return None
        if value.sort is not Sort.ADDR:
            cure = None
            if value.sort is Sort.CIDR:
                mask = format_address(mask_of(value.last))
                cure = f"write `{key}: {format_address(value.number)}`, and `netmask: {mask}` beside it"
            self.mismatch(key, "an address", value, cure)
            return None
        return value.number

    def holds_cidr(self, key: str) -> bool:
        """Whether `key` has a CIDR, which it cannot have: nobody misses the netmask beside it."""
        value = self.value(key)
        return value is not None and value.sort is Sort.CIDR

    def host_address(self, key: str, none_allowed: bool = False) -> int | None:
        """An address that a machine can have; with `none_allowed` also 0.0.0.0, which is answered as 0."""
        address = self.address(key)
        if address is None or is_unicast(address) or (none_allowed and address == 0):
            return address
        self.reporter.error(
            "bad-address",
            f"`{key}` cannot be {format_address(address)}: no machine has it",
            self.value_span(key),
            help="write the address of one machine: not 0.0.0.0, loopback, multicast or broadcast",
        )
        return None

    def netmask(self, key: str, shortest: int, longest: int = 32) -> int | None:
        """A contiguous mask with `shortest` .. `longest` leading ones."""
        mask = self.address(key)
        if mask is None:
            return None
        prefix = prefix_of(mask)
        if prefix is not None and shortest <= prefix <= longest:
            return mask
        problem = "must be ones and then zeros" if prefix is None else f"cannot be {format_address(mask)} here"
        cure = "a mask has its ones first, as in 255.255.255.0"
        if shortest == 32:
            cure = "a host route has the netmask 255.255.255.255"
        elif prefix is not None:
            cure = "a subnet has a mask of 1 to 32 ones, as in 255.255.255.0"
        self.reporter.error("bad-netmask", f"`{key}` {problem}", self.value_span(key), help=cure)
        return None


def open_element(scope: Scope, element: Element) -> Keys | None:
    """The members of a typed element whose value must be an object; None when it is none."""
    root = scope.root(element)
    value = scope.ground(root)
    if value.sort is Sort.OBJECT and value.view:
        return Keys(scope, f"{element.type_name} `{element.name}`", element.span, members_of(scope, value.view))
    if value.sort is not Sort.BAD:
        message = f"{element.kind} is an object, not {value.what}"
        cure = f"write {element.type_name} {element.name} {{ … }}"
        scope.reporter.error("type-mismatch", message, root.value.span, help=cure)
    return None


def check_port(reporter: Reporter, what: str, value: Value) -> bool:
    """Whether a number is 1 .. 65535; reported if not."""
    if 1 <= value.number <= MAX_PORT:
        return True
    message = f"`{what}` must be 1 to {MAX_PORT}, not {shown(value.number)}"
    cure = "0 is no port, and a port has 16 bits"
    reporter.error("port-out-of-range", message, value.span, *origin_label(value), help=cure)
    return False


def members_of(scope: Scope, view: View) -> dict[str, Entry]:
    """The members of an object in a typed element: the case of their keys does not count."""
    return scope.members(View(view.value, view.additions, view.owner, True))


def list_places(scope: Scope, view: View, words: frozenset[str] = frozenset()) -> Iterator[View]:
    """What stands in a list, lists in it flattened; a name that is one of `words` is that word."""
    pending = [(view, frozenset[tuple[int, ...]]())]
    while pending:
        place, around = pending.pop()
        if isinstance(place.value, ast.List) and place.key not in around:
            inside = around | {place.key}
            pending += [(View(item, (), place.owner, True), inside) for item in reversed(place.value.items)]
            continue
        value = scope.follow(place, words)
        if value.sort is Sort.LIST and value.view and isinstance(place.value, ast.Path):
            pending.append((value.view, around))
        elif value.sort is not Sort.LIST:
            yield place


def origin_label(value: Value) -> tuple[Label, ...]:
    """Where a value that is used by name is written."""
    if value.origin == value.span or value.literal:
        return ()
    return (Label(value.origin, f"{value.what} is written here"),)
