"""The abstract syntax tree: what was written, nothing resolved. Made by naclc.syntax alone.

The whole grammar of docs/language.md section 2 is here, whatever the later stages support.
"""

from __future__ import annotations

from dataclasses import dataclass

from naclc.source import Span


@dataclass(frozen=True, slots=True)
class Name:
    """An identifier as spelled, or a keyword where one may stand as a name part."""

    text: str
    span: Span


# --- values ---


@dataclass(frozen=True, slots=True)
class Integer:
    value: int  # any size; negative when written `(-1)`
    span: Span


@dataclass(frozen=True, slots=True)
class Decimal:
    text: str  # `1.5`, `-1.5`
    span: Span


@dataclass(frozen=True, slots=True)
class Bool:
    value: bool
    span: Span


@dataclass(frozen=True, slots=True)
class String:
    value: str  # escapes resolved
    span: Span


@dataclass(frozen=True, slots=True)
class Ipv4:
    value: int  # host order, 0 .. 2**32-1
    span: Span


@dataclass(frozen=True, slots=True)
class Cidr:
    address: int  # host order, as written: host bits are not masked
    prefix: int  # 0 .. 32
    span: Span


@dataclass(frozen=True, slots=True)
class Range:
    """Both ends included. Ends of one kind and first <= last are checked by the parser's actions."""

    first: Integer | Ipv4 | Decimal
    last: Integer | Ipv4 | Decimal
    span: Span


@dataclass(frozen=True, slots=True)
class Path:
    parts: tuple[Name, ...]  # one at least
    span: Span

    @property
    def text(self) -> str:
        return ".".join(part.text for part in self.parts)


@dataclass(frozen=True, slots=True)
class Member:
    key: Name
    value: Value
    span: Span


@dataclass(frozen=True, slots=True)
class Object:
    members: tuple[Member, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class List:
    items: tuple[Value, ...]
    span: Span


Value = Integer | Decimal | Bool | String | Ipv4 | Cidr | Range | Path | Object | List


# --- conditions ---


@dataclass(frozen=True, slots=True)
class Test:
    """`left operator right`; operator is one of == != < <= > >= in, and `not in` as a Not around `in`."""

    left: Value
    operator: str
    right: Value
    span: Span


@dataclass(frozen=True, slots=True)
class Not:
    operand: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class And:
    operands: tuple[Expression, ...]  # two at least, left to right
    span: Span


@dataclass(frozen=True, slots=True)
class Or:
    operands: tuple[Expression, ...]
    span: Span


Expression = And | Or | Not | Test | Value  # a bare value is a condition if it is Bool


# --- statements of a body ---


@dataclass(frozen=True, slots=True)
class Action:
    name: Name
    arguments: tuple[Value, ...] | None  # None: written without parentheses
    span: Span


@dataclass(frozen=True, slots=True)
class Body:
    statements: tuple[Statement, ...]
    span: Span  # with its braces


@dataclass(frozen=True, slots=True)
class Cond:
    condition: Expression
    then: Body
    otherwise: Body | Cond | None
    span: Span


@dataclass(frozen=True, slots=True)
class Function:
    type: Name  # Filter or Nat, as spelled; unchecked
    subtype: Name
    name: Name | None
    body: Body
    span: Span


Statement = Function | Action | Cond


# --- top level ---


@dataclass(frozen=True, slots=True)
class Typed:
    type: Name
    name: Name
    value: Value
    span: Span


@dataclass(frozen=True, slots=True)
class Untyped:
    """`name: value`, or the dotted assignment `name.part: value`."""

    target: Path
    value: Value
    span: Span


Declaration = Function | Typed | Untyped


@dataclass(frozen=True, slots=True)
class Program:
    declarations: tuple[Declaration, ...]
    span: Span
