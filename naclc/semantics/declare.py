"""Enters the declarations of a program into the namespace, dotted assignments included.

Reports   duplicate-name, duplicate-element, duplicate-key, bad-name, bad-assignment, missing-name, unknown-type,
          unknown-subtype; shadows-builtin.
"""

from __future__ import annotations

from naclc.diagnostics import Label
from naclc.net.constants import CONSTANTS
from naclc.semantics.model import Kind, Protocol
from naclc.semantics.reporter import Reporter
from naclc.semantics.scope import Scope
from naclc.semantics.spelling import suggestion
from naclc.semantics.values import Addition, Element, ElementKind
from naclc.syntax import ast

ELEMENT_TYPES = {
    "Iface": ElementKind.IFACE,
    "Gateway": ElementKind.GATEWAY,
    "Conntrack": ElementKind.CONNTRACK,
    "Load_balancer": ElementKind.LOAD_BALANCER,
    "Syslog": ElementKind.SYSLOG,
    "Timer": ElementKind.TIMER,
}
ONCE = frozenset({ElementKind.GATEWAY, ElementKind.CONNTRACK, ElementKind.LOAD_BALANCER, ElementKind.SYSLOG})
_TYPE_NAMES = {name.lower(): name for name in ELEMENT_TYPES}
FUNCTION_TYPES = {"filter": Kind.FILTER, "nat": Kind.NAT}
ACTIONS = ("accept", "drop", "log", "syslog", "dnat", "snat")
_ASSIGNABLE = tuple(kind for kind in ElementKind if kind is not ElementKind.FUNCTION)
RESERVED = frozenset({"tcp", "udp", "icmp", "ct", "ip"})


def kind_of(name: ast.Name, reporter: Reporter) -> Kind | None:
    """Filter or Nat; None when `name` is no function type, which is reported."""
    kind = FUNCTION_TYPES.get(name.text.lower())
    if kind is None:
        message = f"there is no function type `{name.text}`"
        reporter.error("unknown-type", message, name.span, help=suggestion(name.text, [*Kind]))
    return kind


def protocol_of(name: ast.Name, reporter: Reporter) -> Protocol | None:
    """The subtype of a function; None when there is no such subtype, which is reported."""
    text = name.text.upper()
    if text in Protocol.__members__:
        return Protocol(text)
    advice = suggestion(name.text, [*Protocol]) or "the subtypes are IP, TCP, UDP and ICMP"
    if text in ("IPV6", "IP6", "ICMPV6"):
        advice = "NaCl knows IPv4 only, as `IP`"
    reporter.error("unknown-subtype", f"there is no subtype `{name.text}`", name.span, help=advice)
    return None


def declare(program: ast.Program, scope: Scope) -> list[tuple[ast.Function, Element]]:
    """Fills `scope` and answers the top-level functions, those whose name was refused included."""
    declarer = _Declarer(scope)
    assignments = []
    for declaration in program.declarations:
        match declaration:
            case ast.Function():
                declarer.function(declaration)
            case ast.Typed():
                declarer.typed(declaration)
            case ast.Untyped() if len(declaration.target.parts) == 1:
                name = declaration.target.parts[0]
                declarer.enter(Element(name.text, ElementKind.UNTYPED, name.span, declaration.value))
            case ast.Untyped():
                assignments.append(declaration)
    for assignment in assignments:
        declarer.assign(assignment)
    return declarer.functions


class _Declarer:
    def __init__(self, scope: Scope) -> None:
        self.functions: list[tuple[ast.Function, Element]] = []
        self._scope = scope
        self._reporter = scope.reporter
        self._once: dict[ElementKind, ast.Name] = {}

    def enter(self, element: Element) -> None:
        """Gives `element` its name, if it may have it."""
        name, span = element.name, element.span
        if name.lower() in RESERVED:
            self._reporter.error(
                "bad-name", f"`{name}` is a protocol's name, nothing else may have it", span, help="choose another name"
            )
            self._scope.silenced.add(name)
            return
        if "-" in name:
            advice = f"write `{name.replace('-', '_')}`"
            self._reporter.error("bad-name", f"the name `{name}` must not contain `-`", span, help=advice)
        first = self._scope.elements.setdefault(name, element)
        if first is not element:
            label = Label(first.span, "first declared here")
            self._reporter.error(
                "duplicate-name", f"`{name}` is declared twice", span, label, help="give one of them another name"
            )
            return
        if name.lower() in CONSTANTS or name.lower() in ACTIONS or name.lower() == "iface":
            message = f"`{name}` is also the name of something built in"
            self._reporter.warning("shadows-builtin", message, span, help="choose another name, unless you mean to")

    def function(self, function: ast.Function) -> None:
        kind = kind_of(function.type, self._reporter)
        protocol = protocol_of(function.subtype, self._reporter)
        name = function.name
        if name is None:
            where = function.type.span.to(function.subtype.span)
            self._reporter.error(
                "missing-name", "a function at top level needs a name", where, help="write the name before the `{`"
            )
            name = ast.Name("", where)
        element = Element(
            name.text,
            ElementKind.FUNCTION,
            name.span,
            None,
            function_kind=kind,
            protocol=protocol,
            type_name="function",
        )
        if name.text:
            self.enter(element)
        self.functions.append((function, element))

    def typed(self, typed: ast.Typed) -> None:
        spelled = typed.type.text
        type_name = _TYPE_NAMES.get(spelled.lower())
        kind = ElementKind.UNKNOWN if type_name is None else ELEMENT_TYPES[type_name]
        if type_name is None:
            known = [*ELEMENT_TYPES, *Kind]
            message = f"there is no type `{spelled}`"
            self._reporter.error("unknown-type", message, typed.type.span, help=suggestion(spelled, known))
        if kind in ONCE:
            self._check_once(kind, typed)
        self.enter(Element(typed.name.text, kind, typed.name.span, typed.value, type_name=type_name or spelled))

    def _check_once(self, kind: ElementKind, typed: ast.Typed) -> None:
        first = self._once.setdefault(kind, typed.name)
        if first is not typed.name:
            message = f"there can be only one {_TYPE_NAMES[typed.type.text.lower()]}"
            label, advice = Label(first.span, "the first one"), "merge the two, or remove one of them"
            self._reporter.error("duplicate-element", message, typed.name.span, label, help=advice)

    def assign(self, assignment: ast.Untyped) -> None:
        """Enters a dotted assignment into the additions of its element."""
        head, *parts = assignment.target.parts
        element = self._scope.elements.get(head.text)
        if element is None:
            if head.text not in self._scope.silenced:
                message = f"there is no element `{head.text}` to add to"
                advice = self._scope.suggest(head.text, *_ASSIGNABLE) or f"declare it, as in `{head.text}: {{ }}`"
                self._reporter.error("bad-assignment", message, head.span, help=advice)
            return
        if element.kind is ElementKind.FUNCTION:
            label = Label(element.span, "declared here")
            message = f"`{head.text}` is a function: nothing can be added to it"
            advice = "remove the assignment; what a function does is written between its braces"
            self._reporter.error("bad-assignment", message, head.span, label, help=advice)
            return
        if element.additions is None:
            element.additions = Addition(head, element)
        addition = element.additions
        for part in parts:
            key = part.text.lower() if element.typed else part.text
            addition = addition.children.setdefault(key, Addition(part, element))
        if addition.value is not None:
            self._scope.duplicate_key(parts[-1], addition.name)
            return
        addition.value = assignment.value
        addition.name = parts[-1]
