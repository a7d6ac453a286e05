"""Function bodies: statements of the syntax tree to statements of the model (docs/language.md section 6).

Reports   unknown-type, unknown-subtype, wrong-function, wrong-subtype, unknown-action;
          nested-name, empty-body, after-verdict; and what naclc.semantics.conditions and .arguments report.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count

from naclc.diagnostics import Label
from naclc.net.fields import Field
from naclc.semantics import model, synonyms
from naclc.semantics.arguments import Arguments
from naclc.semantics.conditions import Conditions
from naclc.semantics.declare import ACTIONS, kind_of, protocol_of
from naclc.semantics.model import Kind, Protocol
from naclc.semantics.scope import Scope
from naclc.semantics.sets import Sets
from naclc.semantics.values import Element, ElementKind
from naclc.source import Span
from naclc.syntax import ast

VERDICTS = ("accept", "drop")
REWRITES = ("dnat", "snat")


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
    """A top-level function and what has to be known of it where it is called or attached.

    `port_spans` gives for the id of a dnat or snat where its port stands; `open_ports` are those of them that stand
    in the function's own context.
    """

    element: Element
    function: model.Function | None
    calls: list[CallSite] = field(default_factory=list)
    open_blocks: list[tuple[Protocol, Span]] = field(default_factory=list)
    iface_uses: list[tuple[Field, Span]] = field(default_factory=list)
    accepts: bool = False
    port_spans: dict[int, Span] = field(default_factory=dict)
    open_ports: list[tuple[str, Span]] = field(default_factory=list)


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
        conditions = Conditions(self._scope, self._sets, self._ifaces, element)
        reader = _BodyReader(self._scope, conditions, self._ids, info)
        body = reader.body(function.body, Context(element.protocol, element.protocol is Protocol.IP))
        info.iface_uses = conditions.iface_uses
        kind, protocol = element.function_kind or Kind.FILTER, element.protocol or Protocol.IP
        info.function = model.Function(kind, protocol, element.name, body, element.span, function.type.span)
        return info


class _BodyReader:
    """`_kind` is that of the function around; None when it is not known, and then everything may stand in it."""

    def __init__(self, scope: Scope, conditions: Conditions, ids: count[int], info: FunctionInfo) -> None:
        self._conditions = conditions
        self._arguments = Arguments(scope, conditions, info.element)
        self._scope = scope
        self._reporter = scope.reporter
        self._ids = ids
        self._info = info
        self._kind = info.element.function_kind

    def body(self, body: ast.Body, context: Context) -> tuple[model.Statement, ...]:
        """The statements that are without errors."""
        if not body.statements:
            advice = "write what shall happen into it, or remove it"
            self._reporter.warning("empty-body", "this body is empty", body.span, help=advice)
        self._check_after_verdict(body)
        read = [self._statement(statement, context) for statement in body.statements]
        return tuple(statement for statement in read if statement is not None)

    def _check_after_verdict(self, body: ast.Body) -> None:
        ends = REWRITES if self._kind is Kind.NAT else VERDICTS
        for statement, following in zip(body.statements, body.statements[1:], strict=False):
            if isinstance(statement, ast.Action) and statement.name.text.lower() in ends:
                label = Label(statement.span, "the function ends here")
                message = f"nothing gets past `{statement.name.text}`"
                advice = "remove what comes after it, or move it before"
                self._reporter.warning("after-verdict", message, following.span, label, help=advice)
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
        condition = self._conditions.condition(cond.condition, context.protocol)
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
        if kind and self._kind and kind is not self._kind:
            message = f"a {kind} cannot stand in a {self._kind}"
            advice = f"move it to top level, give it a name, and attach it to a chain: `{kind}::IP name {{ … }}`"
            self._reporter.error("wrong-function", message, function.type.span, help=advice)
            return None
        if function.name:
            self._reporter.warning(
                "nested-name",
                f"the name `{function.name.text}` of a nested function names nothing",
                function.name.span,
                help="remove the name, or move the function to top level to call it",
            )
        if protocol and not may_run(protocol, context.protocol):
            message = f"a {kind}::{protocol} cannot stand in {an(context.protocol)} context"
            advice = f"no packet is both: write it beside the {kind}::{context.protocol}, in a {kind}::IP"
            self._reporter.error("wrong-subtype", message, function.subtype.span, help=advice)
        elif protocol and protocol is not Protocol.IP and context.open:
            self._info.open_blocks.append((protocol, function.subtype.span))
        body = self.body(function.body, context.inside(protocol))
        return model.Block(protocol or Protocol.IP, body, number, function.span)

    # --- actions ---

    def _action(self, action: ast.Action, context: Context) -> model.Statement | None:
        number = next(self._ids)
        match action.name.text.lower():
            case "accept" | "drop" as name:
                return self._verdict(action, name, number)
            case "dnat" | "snat" as name:
                return self._rewrite(action, name, number, context)
            case "log":
                parts = self._arguments.parts(action, 0, context.protocol)
                return None if parts is None else model.Log(parts, number, action.span)
            case "syslog":
                message = self._arguments.message(action, context.protocol)
                return None if message is None else model.Syslog(*message, number, action.span)
            case _:
                return self._call(action, number, context)

    def _verdict(self, action: ast.Action, name: str, number: int) -> model.Statement | None:
        if self._kind is Kind.NAT:
            self._belongs_elsewhere(action, Kind.FILTER, "a packet that no dnat or snat meets goes on unchanged")
            return None
        self._arguments.refuse(action)
        if name == "drop":
            return model.Drop(number, action.span)
        self._info.accepts = True
        return model.Accept(number, action.span)

    def _rewrite(self, action: ast.Action, name: str, number: int, context: Context) -> model.Statement | None:
        if self._kind is Kind.FILTER:
            advice = f"write a function `Nat::IP name {{ {action.span.text} }}` and attach it to a chain"
            self._belongs_elsewhere(action, Kind.NAT, advice)
            return None
        end = self._arguments.new_end(action, context.protocol)
        if end is None:
            return None
        if end.port_span:
            self._info.port_spans[number] = end.port_span
            if context.open:
                self._info.open_ports.append((name, end.port_span))
        make = model.Dnat if name == "dnat" else model.Snat
        return make(end.address, end.port, number, action.span)

    def _belongs_elsewhere(self, action: ast.Action, kind: Kind, advice: str) -> None:
        message = f"`{action.name.text}` belongs in a {kind}, not in a {self._kind}"
        self._reporter.error("wrong-function", message, action.name.span, help=advice)

    def _call(self, action: ast.Action, number: int, context: Context) -> model.Call | None:
        name = action.name
        target = self._scope.elements.get(name.text)
        if target is None or target.kind is not ElementKind.FUNCTION:
            self._refuse_action(name, target)
            return None
        self._scope.use(self._info.element, ast.Path((name,), name.span))
        self._arguments.refuse(action)
        if target.function_kind is None:
            return None
        if self._kind and target.function_kind is not self._kind:
            label = Label(target.span, "declared here")
            message = f"`{name.text}` is a {target.function_kind} and cannot be called from a {self._kind}"
            advice = f"attach `{name.text}` to a chain, beside the {self._kind}, instead of calling it"
            self._reporter.error("wrong-function", message, name.span, label, help=advice)
            return None
        if target.protocol and not may_run(target.protocol, context.protocol):
            what = f"a {target.function_kind}::{target.protocol}"
            message = f"`{name.text}` is {what} and cannot be called in {an(context.protocol)} context"
            label = Label(target.span, "declared here")
            advice = f"no packet is both: call it outside the {target.function_kind}::{context.protocol}"
            self._reporter.error("wrong-subtype", message, name.span, label, help=advice)
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
        advice = synonyms.of_action(name.text)
        advice = advice or self._scope.suggest(name.text, ElementKind.FUNCTION, more=ACTIONS)
        advice = advice or f"declare a function that is called so: `{self._kind}::IP {name.text} {{ … }}`"
        self._reporter.error("unknown-action", message, name.span, help=advice)
