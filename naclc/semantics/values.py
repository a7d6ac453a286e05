"""Top-level elements, and what a value turns out to be once its names are followed."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from naclc.net.constants import ConstantKind
from naclc.net.fields import Field
from naclc.semantics.model import Kind, Protocol
from naclc.source import Span
from naclc.syntax import ast


class ElementKind(StrEnum):
    """The values are what messages call them."""

    UNTYPED = "a constant"
    IFACE = "an Iface"
    GATEWAY = "a Gateway"
    CONNTRACK = "a Conntrack"
    LOAD_BALANCER = "a Load_balancer"
    SYSLOG = "a Syslog"
    TIMER = "a Timer"
    UNKNOWN = "an element of unknown type"
    FUNCTION = "a function"


@dataclass(slots=True, eq=False)
class Addition:
    """One part of a dotted assignment. `value` is None where only longer paths go through."""

    name: ast.Name
    owner: Element
    value: ast.Value | None = None
    children: dict[str, Addition] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Element:
    """Something with a name in the one flat namespace. `additions` is the root of its dotted assignments.

    `function_kind` and `protocol` are set for functions; None when the type or subtype is unknown.
    """

    name: str
    kind: ElementKind
    span: Span  # of the name
    value: ast.Value | None  # None for functions
    additions: Addition | None = None
    type_name: str = ""
    function_kind: Kind | None = None
    protocol: Protocol | None = None

    @property
    def typed(self) -> bool:
        return self.kind is not ElementKind.UNTYPED


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A value as it stands in one place: with the members that dotted assignments add there.

    `owner` is the element in whose text the value is written; `fold`: keys are read without case.
    """

    value: ast.Value
    additions: tuple[Addition, ...]
    owner: Element
    fold: bool

    @property
    def key(self) -> tuple[int, ...]:
        """Equal for views with the same members."""
        return (id(self.value), self.fold, *map(id, self.additions))


class Sort(StrEnum):
    """What a value is; the strings are what messages call it."""

    INT = "a number"
    DECIMAL = "a decimal number"
    BOOL = "a Bool"
    STRING = "a string"
    ADDR = "an address"
    CIDR = "a CIDR"
    INT_RANGE = "a range of numbers"
    ADDR_RANGE = "a range of addresses"
    DECIMAL_RANGE = "a range of decimal numbers"
    PORT = "a port name"
    PROTO = "a protocol name"
    ICMP = "an ICMP type name"
    FLAG = "a TCP flag name"
    STATE = "a connection state"
    WORD = "a word"
    IFACE = "an Iface"
    FUNCTION = "a function"
    ELEMENT = "an element"
    FIELD = "a packet field"
    LIST = "a list"
    OBJECT = "an object"
    BAD = "something wrong"  # already reported: asks for silence


SETS = frozenset({Sort.CIDR, Sort.INT_RANGE, Sort.ADDR_RANGE, Sort.DECIMAL_RANGE, Sort.LIST, Sort.OBJECT})

CONSTANT_SORTS = {
    ConstantKind.PORT: Sort.PORT,
    ConstantKind.PROTOCOL: Sort.PROTO,
    ConstantKind.ICMP_TYPE: Sort.ICMP,
    ConstantKind.FLAG: Sort.FLAG,
    ConstantKind.STATE: Sort.STATE,
}
NAMED_CONSTANTS = frozenset(CONSTANT_SORTS.values())


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """A value with its names followed.

    `span` is where it stands in the place that asks, `origin` where its literal is written. `number` holds numbers,
    addresses, Bools (0, 1), the first end of a range, the address of a CIDR; `last` the last end, the prefix.
    `literal`: no user name was followed on the way.
    """

    sort: Sort
    span: Span
    origin: Span
    number: int = 0
    last: int = 0
    text: str = ""
    field: Field | None = None
    element: Element | None = None
    view: View | None = None
    literal: bool = True

    @property
    def what(self) -> str:
        """What messages call it."""
        if self.sort is Sort.ELEMENT and self.element:
            return f"a {self.element.type_name}"
        return str(self.sort)


@dataclass(frozen=True, slots=True, eq=False)
class Unknown:
    """Why a path leads nowhere. `part` is the index of the culprit among its parts."""

    code: str
    message: str
    part: int
    help: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A member of an object: its key as written and its value."""

    name: ast.Name
    view: View


def literal_value(view: View, span: Span, direct: bool) -> Value:
    """The value of a view that holds no path."""
    value = view.value
    origin = value.span
    match value:
        case ast.Integer():
            return Value(Sort.INT, span, origin, number=value.value, literal=direct)
        case ast.Ipv4():
            return Value(Sort.ADDR, span, origin, number=value.value, literal=direct)
        case ast.Cidr():
            return Value(Sort.CIDR, span, origin, number=value.address, last=value.prefix, literal=direct)
        case ast.Range():
            return _range_value(value, span, direct)
        case ast.Bool():
            return Value(Sort.BOOL, span, origin, number=int(value.value), literal=direct)
        case ast.String():
            return Value(Sort.STRING, span, origin, text=value.value, literal=direct)
        case ast.List():
            return Value(Sort.LIST, span, origin, view=view, literal=direct)
        case ast.Object():
            return Value(Sort.OBJECT, span, origin, view=view, literal=direct)
        case _:
            return Value(Sort.DECIMAL, span, origin, literal=direct)


def _range_value(value: ast.Range, span: Span, direct: bool) -> Value:
    first, last = value.first, value.last
    if isinstance(first, ast.Integer) and isinstance(last, ast.Integer):
        return Value(Sort.INT_RANGE, span, value.span, number=first.value, last=last.value, literal=direct)
    if isinstance(first, ast.Ipv4) and isinstance(last, ast.Ipv4):
        return Value(Sort.ADDR_RANGE, span, value.span, number=first.value, last=last.value, literal=direct)
    return Value(Sort.DECIMAL_RANGE, span, value.span, literal=direct)
