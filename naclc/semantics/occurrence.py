"""Tests of what no packet can be, as far as the test itself shows it (docs/language.md 8.2 and 8.7).

Reports   never-occurs.
"""

from __future__ import annotations

from naclc.net.fields import Field, State
from naclc.semantics.model import Between, Kind, Leaf, Single, Untracked
from naclc.semantics.reporter import Reporter
from naclc.source import Span

_VERSIONS = frozenset({4})
_HEADER_LENGTHS = frozenset(range(20, 61, 4))
_STATES = frozenset({State.NEW, State.ESTABLISHED})


class Occurrence:
    """What can occur in a function of one kind, `kind` None when it is not known."""

    def __init__(self, reporter: Reporter, kind: Kind | None, untracked: Untracked) -> None:
        self._reporter = reporter
        self._states: frozenset[int] = _STATES
        if untracked is Untracked.FILTER and kind is not Kind.NAT:
            self._states |= {State.UNTRACKED}
        self._kind = kind
        self._untracked = untracked

    def _possible(self, field: Field) -> frozenset[int] | None:
        """All values a field can have; None: any that fits it."""
        match field.name:
            case "ip.version":
                return _VERSIONS
            case "ip.hdrlength":
                return _HEADER_LENGTHS
            case "ct.state":
                return self._states
        return None

    def check_compare(self, field: Field, operator: str, value: int, span: Span) -> None:
        """`span` is where the value stands."""
        possible = self._possible(field)
        if possible is None:
            return
        found = {
            "==": value in possible,
            "!=": value in possible and possible != {value},
            "<": min(possible) < value,
            "<=": min(possible) <= value,
            ">": max(possible) > value,
            ">=": max(possible) >= value,
        }
        if not found[operator]:
            self._warn(field, span)

    def check_leaves(self, field: Field, leaves: tuple[Leaf, ...]) -> None:
        possible = self._possible(field)
        if possible is None:
            return
        for leaf in leaves:
            match leaf:
                case Single():
                    occurs = leaf.value in possible
                case Between():
                    occurs = any(leaf.first <= value <= leaf.last for value in possible)
                case _:
                    occurs = True
            if not occurs:
                self._warn(field, leaf.span)

    def _warn(self, field: Field, span: Span) -> None:
        states = " or ".join(State(value).name.lower() for value in sorted(self._states))
        facts = {
            "ip.version": "`ip.version` is always 4",
            "ip.hdrlength": "`ip.hdrlength` is 20, 24 or another multiple of 4 up to 60",
            "ct.state": f"`ct.state` is {states} here",
        }
        self._reporter.warning("never-occurs", f"this never occurs: {facts[field.name]}", span, help=self._help(field))

    def _help(self, field: Field) -> str | None:
        if field.name != "ct.state":
            return None
        if self._kind is Kind.NAT:
            return "a Nat runs for packets of known connections only"
        if self._untracked is Untracked.DROP:
            return "no Filter sees packets without a connection, unless a Conntrack says `untracked: filter`"
        return "no connection is ever related or invalid"
