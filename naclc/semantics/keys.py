"""Reads the members of a typed element: each key once, its value checked and in one unit.

A reader answers None for a key that is missing or wrong; what is wrong has then been reported.
"""

from __future__ import annotations

from naclc.diagnostics import Label
from naclc.net.addresses import format_address, is_unicast, mask_of, prefix_of
from naclc.semantics.scope import Scope
from naclc.semantics.sets import shown
from naclc.semantics.spelling import suggestion
from naclc.semantics.values import Entry, Sort, Value
from naclc.source import Span

INT_MAX = 2147483647


class Keys:
    """The members of one element or route; `title` is what messages call it, `span` where it is named."""

    def __init__(self, scope: Scope, title: str, span: Span, entries: dict[str, Entry]) -> None:
        self.scope = scope
        self.reporter = scope.reporter
        self.title = title
        self.span = span
        self.entries = entries

    def refuse_unknown(self, known: tuple[str, ...]) -> None:
        for key, entry in self.entries.items():
            if key not in known:
                self.reporter.error(
                    "unknown-key",
                    f"{self.title} has no key `{entry.name.text}`",
                    entry.name.span,
                    help=suggestion(entry.name.text, known),
                )

    def require(self, key: str) -> bool:
        if key in self.entries:
            return True
        self.reporter.error("missing-key", f"{self.title} needs the key `{key}`", self.span)
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
        self.reporter.error("type-mismatch", message, value.span, *origin_label(value), help=help)

    def integer(self, key: str, low: int = 0, high: int = INT_MAX) -> int | None:
        value = self.value(key)
        if value is None:
            return None
        if value.sort is not Sort.INT:
            self.mismatch(key, "a number", value)
            return None
        if not low <= value.number <= high:
            self.reporter.error(
                "value-out-of-range",
                f"`{key}` must be {low} to {high}, not {shown(value.number)}",
                value.span,
                *origin_label(value),
            )
            return None
        return value.number

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
            advice = None
            if value.sort is Sort.CIDR:
                mask = format_address(mask_of(value.last))
                advice = f"write `{key}: {format_address(value.number)}`, and `netmask: {mask}` beside it"
            self.mismatch(key, "an address", value, advice)
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
        advice = "a mask has its ones first, as in 255.255.255.0"
        if shortest == 32:
            advice = "a host route has the netmask 255.255.255.255"
        elif prefix is not None:
            advice = "a subnet has a mask of 1 to 32 ones, as in 255.255.255.0"
        self.reporter.error("bad-netmask", f"`{key}` {problem}", self.value_span(key), help=advice)
        return None


def origin_label(value: Value) -> tuple[Label, ...]:
    """Where a value that is used by name is written."""
    if value.origin == value.span or value.literal:
        return ()
    return (Label(value.origin, f"{value.what} is written here"),)
