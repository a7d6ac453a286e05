"""Function bodies: statements of the syntax tree to statements of the model (docs/language.md section 6).

Reports   unknown-type, unknown-subtype, wrong-function, wrong-subtype, unknown-action, bad-arguments, not-a-value,
          not-supported-yet; nested-name, empty-body, after-verdict; and what naclc.semantics.conditions reports.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

from naclc.diagnostics import Label
from naclc.net.fields import Field
from naclc.semantics import model
from naclc.semantics.conditions import Conditions
from naclc.semantics.declare import ACTIONS, kind_of, protocol_of
from naclc.semantics.model import Kind, Protocol
from naclc.semantics.scope import Scope
from naclc.semantics.sets import Sets
from naclc.semantics.spelling import suggestion
from naclc.semantics.values import Element, ElementKind, Sort
from naclc.source import Span
from naclc.syntax import ast

VERDICTS = ("accept", "drop")


@dataclass(frozen=True, slots=True)
class Context:
    """Where a statement stands: the protocol (None: not known) and whether it is still the function's own."""

    protocol: Protocol | None
    open: bool

    def inside(self, protocol: Protocol | None) -> Context:
        """The context of a block written here."""
        return self if protocol is Protocol.IP else Context(protocol, False)


@dataclass(frozen=True, slots=True)
class CallSite:
    target: Element
    span: Span
    context: Context


@dataclass(slots=True)
class FunctionInfo:
    """A top-level function and what has to be known of it where it is called or attached."""

    element: Element
    function: model.Function | None
    calls: list[CallSite] = field(default_factory=list)
    open_blocks: list[tuple[Protocol, Span]] = field(default_factory=list)
    iface_uses: list[tuple[Field, Span]] = field(default_factory=list)
    accepts: bool = False


def an(protocol: Protocol | None) -> str:
    """`protocol` with its article, for messages."""
    return f"{'an' if protocol in (Protocol.IP, Protocol.ICMP) else 'a'} {protocol}"


def may_run(child: Protocol, parent: Protocol | None) -> bool:
    """Whether a function of subtype `child` may stand in, or be called from, a context of `parent`."""
    return parent is None or child is Protocol.IP or parent is Protocol.IP or child is parent


class Bodies:
    """Reads all functions of a program; statement ids rise over all of them."""

    def __init__(self, scope: Scope, ifaces: dict[str, int]) -> None:
        self._scope = scope
        self._ifaces = ifaces
        self._sets = Sets(scope, ifaces)
        self._ids = count()

    def read(self, function: ast.Function, element: Element) -> FunctionInfo:
        info = FunctionInfo(element, None)
        if element.function_kind is Kind.NAT:
            self._scope.reporter.not_supported("a Nat function", function.type.span)
            return info
        reader = _BodyReader(self._scope, Conditions(self._scope, self._sets, self._ifaces, element), self._ids, info)
        body = reader.body(function.body, Context(element.protocol, element.protocol is Protocol.IP))
        info.iface_uses = reader.conditions.iface_uses
        protocol = element.protocol or Protocol.IP
        info.function = model.Function(Kind.FILTER, protocol, element.name, body, element.span)
        return info


class _BodyReader:
    def __init__(self, scope: Scope, conditions: Conditions, ids: count[int], info: FunctionInfo) -> None:
        self.conditions = conditions
        self._scope = scope
        self._reporter = scope.reporter
        self._ids = ids
        self._info = info

    def body(self, body: ast.Body, context: Context) -> tuple[model.Statement, ...]:
        """The statements that are without errors."""
        if not body.statements:
            self._reporter.warning("empty-body", "this body is empty", body.span)
        self._check_after_verdict(body)
        read = [self._statement(statement, context) for statement in body.statements]
        return tuple(statement for statement in read if statement is not None)

    def _check_after_verdict(self, body: ast.Body) -> None:
        for statement, following in zip(body.statements, body.statements[1:], strict=False):
            if isinstance(statement, ast.Action) and statement.name.text.lower() in VERDICTS:
                label = Label(statement.span, "decides here")
                message = f"nothing gets past `{statement.name.text}`"
                self._reporter.warning("after-verdict", message, following.span, label)
                return

    def _statement(self, statement: ast.Statement, context: Context) -> model.Statement | None:
        match statement:
            case ast.Action():
                return self._action(statement, context)
            case ast.Cond():
                return self._cond(statement, context)
            case ast.Function():
                return self._block(statement, context)

    def _cond(self, cond: ast.Cond, context: Context) -> model.If | None:
        number = next(self._ids)
        condition = self.conditions.condition(cond.condition, context.protocol)
        then = self.body(cond.then, context)
        otherwise: tuple[model.Statement, ...] = ()
        if isinstance(cond.otherwise, ast.Cond):
            nested = self._cond(cond.otherwise, context)
            otherwise = (nested,) if nested else ()
        elif cond.otherwise is not None:
            otherwise = self.body(cond.otherwise, context)
        return None if condition is None else model.If(condition, then, otherwise, number, cond.span)

    def _block(self, function: ast.Function, context: Context) -> model.Block | None:
        number = next(self._ids)
        kind = kind_of(function.type, self._reporter)
        protocol = protocol_of(function.subtype, self._reporter)
        if kind is Kind.NAT:
            self._reporter.error("wrong-function", "a Nat cannot stand in a Filter", function.type.span)
            return None
        if function.name:
            self._reporter.warning(
                "nested-name",
                f"the name `{function.name.text}` of a nested function names nothing",
                function.name.span,
                help="remove the name, or move the function to top level to call it",
            )
        if protocol and not may_run(protocol, context.protocol):
            message = f"a Filter::{protocol} cannot stand in {an(context.protocol)} context"
            self._reporter.error("wrong-subtype", message, function.subtype.span)
        elif protocol and protocol is not Protocol.IP and context.open:
            self._info.open_blocks.append((protocol, function.subtype.span))
        body = self.body(function.body, context.inside(protocol))
        return model.Block(protocol or Protocol.IP, body, number, function.span)

    # --- actions ---

    def _action(self, action: ast.Action, context: Context) -> model.Statement | None:
        number = next(self._ids)
        match action.name.text.lower():
            case "accept":
                self._info.accepts = True
                self._no_arguments(action)
                return model.Accept(number, action.span)
            case "drop":
                self._no_arguments(action)
                return model.Drop(number, action.span)
            case "log":
                return self._log(action, number, context)
            case "syslog":
                self._reporter.not_supported("the action `syslog`", action.name.span)
                return None
            case "dnat" | "snat" as name:
                self._reporter.error("wrong-function", f"`{name}` belongs in a Nat, not in a Filter", action.name.span)
                return None
            case _:
                return self._call(action, number, context)

    def _no_arguments(self, action: ast.Action) -> None:
        if action.arguments:
            span = action.arguments[0].span.to(action.arguments[-1].span)
            message, advice = f"`{action.name.text}` takes no arguments", f"write `{action.name.text}`"
            self._reporter.error("bad-arguments", message, span, help=advice)

    def _log(self, action: ast.Action, number: int, context: Context) -> model.Log | None:
        if not action.arguments:
            self._reporter.error(
                "bad-arguments",
                "`log` needs at least one argument",
                action.name.span,
                help='as in `log("refused ", ip.saddr, "\\n")`',
            )
            return None
        parts = [self._log_part(argument, context) for argument in action.arguments]
        good = tuple(part for part in parts if part is not None)
        return model.Log(good, number, action.span) if len(good) == len(parts) else None

    def _log_part(self, argument: ast.Value, context: Context) -> str | Field | None:
        value = self.conditions.operand(argument, context.protocol)
        if value.sort is Sort.STRING:
            return value.text
        if value.field:
            return value.field
        if value.sort in (Sort.FUNCTION, Sort.ELEMENT):
            self._reporter.error("not-a-value", f"`{argument.span.text}` is {value.what}, not a value", argument.span)
        elif value.sort is not Sort.BAD:
            message = f"`log` takes strings and packet fields, not {value.what}"
            self._reporter.error("bad-arguments", message, argument.span, help="put text in quotes")
        return None

    def _call(self, action: ast.Action, number: int, context: Context) -> model.Call | None:
        name = action.name
        target = self._scope.elements.get(name.text)
        if target is None or target.kind is not ElementKind.FUNCTION:
            self._refuse_action(name, target)
            return None
        self._scope.use(self._info.element, ast.Path((name,), name.span))
        self._no_arguments(action)
        if target.function_kind is not Kind.FILTER:
            if target.function_kind is Kind.NAT:
                label = Label(target.span, "declared here")
                message = f"`{name.text}` is a Nat and cannot be called from a Filter"
                self._reporter.error("wrong-function", message, name.span, label)
            return None
        if target.protocol and not may_run(target.protocol, context.protocol):
            self._reporter.error(
                "wrong-subtype",
                f"`{name.text}` is a Filter::{target.protocol} and cannot be called in {an(context.protocol)} context",
                name.span,
                Label(target.span, "declared here"),
            )
            return None
        self._info.calls.append(CallSite(target, name.span, context))
        return model.Call(name.text, number, action.span)

    def _refuse_action(self, name: ast.Name, target: Element | None) -> None:
        if target is None and name.text in self._scope.silenced:
            return
        if target is not None:
            message = f"`{name.text}` is {target.kind}, not an action"
        else:
            message = f"there is no action or function `{name.text}`"
        known = [*ACTIONS, *self._scope.names(ElementKind.FUNCTION)]
        self._reporter.error("unknown-action", message, name.span, help=suggestion(name.text, known))
