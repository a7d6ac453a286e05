"""The arguments of log, syslog, dnat and snat (docs/language.md 6.2).

Reports   bad-arguments, not-a-value, unknown-word, type-mismatch, bad-address, port-out-of-range, nat-port-icmp.
"""

from __future__ import annotations

from dataclasses import dataclass

from naclc.diagnostics import Label
from naclc.net.addresses import format_address, is_unicast
from naclc.net.constants import SEVERITIES
from naclc.net.fields import Field
from naclc.semantics.advice import not_a_value
from naclc.semantics.conditions import Conditions
from naclc.semantics.keys import check_port, origin_label
from naclc.semantics.model import Protocol
from naclc.semantics.reporter import Reporter
from naclc.semantics.scope import Scope
from naclc.semantics.values import SETS, Element, Sort, Value, View
from naclc.semantics.words import read_word
from naclc.source import Span
from naclc.syntax import ast


@dataclass(frozen=True, slots=True)
class NewEnd:
    """The address and port that a dnat or snat gives; `port_span` is where the port stands."""

    address: int | None
    port: int | None
    port_span: Span | None


class Arguments:
    """Reads the arguments of the actions of one function."""

    def __init__(self, scope: Scope, conditions: Conditions, owner: Element) -> None:
        self._scope = scope
        self._reporter = scope.reporter
        self._conditions = conditions
        self._owner = owner

    def refuse(self, action: ast.Action) -> None:
        """For an action that takes none."""
        if action.arguments:
            span = action.arguments[0].span.to(action.arguments[-1].span)
            message, advice = f"`{action.name.text}` takes no arguments", f"write `{action.name.text}`"
            self._reporter.error("bad-arguments", message, span, help=advice)

    # --- log and syslog ---

    def parts(self, action: ast.Action, first: int, context: Protocol | None) -> tuple[str | Field, ...] | None:
        """The strings and fields from argument `first` on."""
        arguments = (action.arguments or ())[first:]
        if not arguments:
            what = "at least one argument" if first == 0 else "a severity and at least one argument more"
            example = 'log("refused ", ip.saddr, "\\n")' if first == 0 else 'syslog(warning, "refused ", ip.saddr)'
            message = f"`{action.name.text}` needs {what}"
            self._reporter.error("bad-arguments", message, action.name.span, help=f"as in `{example}`")
            return None
        parts = [self._part(action.name.text, argument, context) for argument in arguments]
        good = tuple(part for part in parts if part is not None)
        return good if len(good) == len(parts) else None

    def _part(self, action: str, argument: ast.Value, context: Protocol | None) -> str | Field | None:
        value = self._conditions.operand(argument, context)
        if value.sort is Sort.STRING:
            return value.text
        if value.field:
            return value.field
        if not self._refuse_element(value) and value.sort is not Sort.BAD:
            message = f"`{action}` takes strings and packet fields, not {value.what}"
            advice = f'put it in quotes, `"{argument.span.text}"`, to write it as text'
            if value.sort is Sort.IFACE:
                advice = f'write its name as text, `"{argument.span.text}"`, or the field `iface.in` or `iface.out`'
            elif value.sort in SETS or len(argument.span.text) > 40 or '"' in argument.span.text:
                advice = "name a packet field, or write the text in quotes"
            self._reporter.error("bad-arguments", message, argument.span, help=advice)
        return None

    def _refuse_element(self, value: Value) -> bool:
        if value.sort not in (Sort.FUNCTION, Sort.ELEMENT):
            return False
        message = f"`{value.span.text}` is {value.what}, not a value"
        self._reporter.error("not-a-value", message, value.span, help=not_a_value(value))
        return True

    def message(self, action: ast.Action, context: Protocol | None) -> tuple[int, tuple[str | Field, ...]] | None:
        """The severity, 0 .. 7, and the parts of a syslog."""
        severity = self._severity(action)
        if severity is None and len(action.arguments or ()) == 1:
            return None
        parts = self.parts(action, 1, context)
        return None if severity is None or parts is None else (severity, parts)

    def _severity(self, action: ast.Action) -> int | None:
        if not action.arguments:
            return None
        argument = action.arguments[0]
        view = View(argument, (), self._owner, False)
        value = self._scope.follow(view, frozenset(SEVERITIES))
        if not isinstance(argument, ast.Path) or value.sort is Sort.FIELD:
            message = f"the first argument of `{action.name.text}` is a severity, not {value.what}"
            advice = f"one of {', '.join(SEVERITIES)}"
            self._reporter.error("bad-arguments", message, argument.span, help=advice)
            return None
        word = read_word(self._scope, view, "severity", SEVERITIES)
        return None if word is None else SEVERITIES.index(word)

    # --- dnat and snat ---

    def new_end(self, action: ast.Action, context: Protocol | None) -> NewEnd | None:
        """What a dnat or snat rewrites to: an address, a port, or both in this order."""
        arguments = action.arguments or ()
        values = [self._scope.ground(View(argument, (), self._owner, False)) for argument in arguments]
        ends = [self._may_be_end(action, value) for value in values]
        if not all(ends):
            return None
        address: Value | None = None
        port: Value | None = None
        match [value.sort is Sort.ADDR for value in values]:
            case [True]:
                address = values[0]
            case [False]:
                port = values[0]
            case [True, False]:
                address, port = values
            case _:
                span = arguments[0].span.to(arguments[-1].span) if arguments else action.name.span
                message = f"`{action.name.text}` takes an address, a port, or an address and a port"
                advice = f"as in `{action.name.text}(10.0.0.5, 8080)`"
                self._reporter.error("bad-arguments", message, span, help=advice)
                return None
        good = [self._check_address(action, address), self._check_port(action, port, context)]
        if not all(good):
            return None
        return NewEnd(address.number if address else None, port.number if port else None, port.span if port else None)

    def _may_be_end(self, action: ast.Action, value: Value) -> bool:
        if value.sort in (Sort.ADDR, Sort.INT, Sort.PORT):
            return True
        if value.sort is not Sort.BAD and not self._refuse_element(value):
            advice = f"as in `{action.name.text}(10.0.0.5, 8080)`"
            if value.sort is Sort.IFACE:
                advice = f"write {value.span.text}.address"
            message = f"`{action.name.text}` takes addresses and ports, not {value.what}"
            self._reporter.error("bad-arguments", message, value.span, help=advice)
        return False

    def _check_address(self, action: ast.Action, value: Value | None) -> bool:
        if value is None or is_unicast(value.number):
            return True
        message = f"`{action.name.text}` cannot take {format_address(value.number)}: no machine has it"
        advice = "write the address of one machine: not 0.0.0.0, loopback, multicast or broadcast"
        self._reporter.error("bad-address", message, value.span, *origin_label(value), help=advice)
        return False

    def _check_port(self, action: ast.Action, value: Value | None, context: Protocol | None) -> bool:
        if value is None:
            return True
        if context is Protocol.ICMP:
            refuse_port_in_icmp(self._reporter, action.name.text, value.span)
            return False
        return check_port(self._reporter, action.name.text, value)


def refuse_port_in_icmp(reporter: Reporter, action: str, span: Span, *labels: Label) -> None:
    message = f"`{action}` cannot give a port here: ICMP has none"
    reporter.error("nat-port-icmp", message, span, *labels, help="give an address alone")
