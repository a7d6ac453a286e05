"""A JSON text as a tree: what was written and where (RFC 8259). Made by naclc.config.read."""

from __future__ import annotations

from dataclasses import dataclass

from naclc.source import Span


@dataclass(frozen=True, slots=True)
class Null:
    span: Span


@dataclass(frozen=True, slots=True)
class Bool:
    value: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Number:
    text: str  # as written: `-1`, `5.0`, `1e3`
    span: Span


@dataclass(frozen=True, slots=True)
class String:
    value: str  # escapes resolved; no lone surrogates
    span: Span  # with its quotes


@dataclass(frozen=True, slots=True)
class List:
    items: tuple[Node, ...]
    span: Span  # with its brackets


@dataclass(frozen=True, slots=True)
class Member:
    key: String
    value: Node


@dataclass(frozen=True, slots=True)
class Object:
    members: tuple[Member, ...]  # keys may repeat
    span: Span  # with its braces

    @property
    def start(self) -> Span:
        """The opening brace."""
        return Span(self.span.source, self.span.start, self.span.start + 1)


Node = Null | Bool | Number | String | List | Object

_KINDS: dict[type, str] = {
    Null: "null",
    Bool: "true or false",
    Number: "a number",
    String: "a string",
    List: "a list",
    Object: "an object",
}


def kind(node: Node) -> str:
    """What messages call such a value."""
    return _KINDS[type(node)]
