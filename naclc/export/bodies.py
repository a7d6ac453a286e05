"""Function bodies as chains.

A verdict inside ends the attached function, however deep: `accept` of nftables ends the base chain, and each function
of a NaCl chain has one of its own, so that accept goes on to the next. The end of a body is the end of its chain.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from naclc.export.branches import Branches
from naclc.export.formula import Reader
from naclc.export.matches import InBy, Names, match
from naclc.export.ruleset import ACCEPT, DROP, RETURN, Chain, Go, Ruleset, goto, jump
from naclc.net.addresses import format_address
from naclc.net.fields import PROTOCOL_NUMBERS
from naclc.pipeline.lower import walk
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics import model
from naclc.semantics.model import Hook, Protocol

_LEVELS = ("emerg", "alert", "crit", "err", "warn", "notice", "info", "debug")
_LOG_PREFIX = 100  # octets; the kernel takes 127
# By protocol: a match on the last octet of its header, which holds when the packet is long enough for it
# (docs/language.md 8.3). In a later fragment the kernel may take data for it.
_HEADER_THERE = {Protocol.TCP: "@th,152,8 0-255", Protocol.UDP: "@th,56,8 0-255", Protocol.ICMP: "@th,56,8 0-255"}
_NO_LATER_FRAGMENT = "ip frag-off & 0x1fff == 0"


def guard(protocol: Protocol) -> tuple[str, ...]:
    """Matches that hold for packets of `protocol` with their transport header."""
    return f"ip protocol {PROTOCOL_NUMBERS[protocol]}", _NO_LATER_FRAGMENT, _HEADER_THERE[protocol]


@dataclass(frozen=True, slots=True)
class Use:
    """How a function is used: `acts` says which of dnat and snat rewrite there, `in_by` what iface.in is."""

    in_by: InBy = InBy.ARRIVAL
    acts: type[model.Dnat] | type[model.Snat] | None = None

    @staticmethod
    def of_nat(hook: Hook) -> Use:
        return Use(acts=model.Dnat if hook in (Hook.PREROUTING, Hook.OUTPUT) else model.Snat)


class Bodies:
    """Makes the chain of a function when it is first asked for; another one for another use that matters."""

    def __init__(self, pipeline: Pipeline, names: Names, ruleset: Ruleset) -> None:
        self._functions = pipeline.functions
        self._names = names
        self._ruleset = ruleset
        self._reader = Reader(pipeline.untracked)
        self._made: dict[tuple[str, Use], Chain] = {}
        self._ends: dict[str, bool] = {}
        self._reads_in: dict[str, bool] = {}
        for name, function in pipeline.functions.items():  # callees first
            self._ends[name] = self._body_ends(function.body, function.protocol)
            self._reads_in[name] = self._body_reads_in(function.body)

    def function(self, name: str, use: Use) -> Chain:
        """The chain of `name`; rules that lead there must have its protocol's guard."""
        function = self._functions[name]
        if function.kind is model.Kind.FILTER and not self._reads_in[name]:
            use = Use()
        made = self._made.get((name, use))
        if made is None:
            suffix = {InBy.ARRIVAL: "", InBy.SOURCE: ".own", InBy.DESTINATION: ".detour"}[use.in_by]
            made = self._made[name, use] = self._ruleset.chain(f"f_{name}{suffix}")
            writer = _Writer(self, made.name, use, self._reader, self._names, self._ruleset)
            writer.body(made, function.body, function.protocol)
        return made

    def protocol(self, name: str) -> Protocol:
        return self._functions[name].protocol

    def ends(self, body: tuple[model.Statement, ...], context: Protocol) -> bool:
        return self._body_ends(body, context)

    def _body_ends(self, body: tuple[model.Statement, ...], context: Protocol) -> bool:
        """Whether every packet that enters `body` meets a statement there that ends the function."""
        for statement in body:
            match statement:
                case model.Accept() | model.Drop() | model.Dnat() | model.Snat():
                    return True
                case model.If(_, then, otherwise):
                    if self._body_ends(then, context) and self._body_ends(otherwise, context):
                        return True
                case model.Block(protocol, inner):
                    if protocol in (Protocol.IP, context) and self._body_ends(inner, context):
                        return True
                case model.Call(callee):
                    if self._functions[callee].protocol in (Protocol.IP, context) and self._ends[callee]:
                        return True
        return False

    def _body_reads_in(self, body: tuple[model.Statement, ...]) -> bool:
        for statement in walk(body):
            if isinstance(statement, model.If) and "iface.in" in set(fields_of(statement.condition)):
                return True
            if isinstance(statement, model.Call) and self._reads_in[statement.function]:
                return True
        return False


def fields_of(condition: model.Condition) -> Iterable[str]:
    """Names of the fields that `condition` reads."""
    pending = [condition]
    while pending:
        match pending.pop():
            case model.Not(operand):
                pending.append(operand)
            case model.And(operands) | model.Or(operands):
                pending += operands
            case model.CompareFields(left, _, right):
                yield from (left.name, right.name)
            case model.Compare(field) | model.InSet(field):
                yield field.name


def called(pipeline: Pipeline, names: Iterable[str]) -> set[str]:
    """`names`, and all that they call."""
    pending, seen = list(names), set(names)
    while pending:
        for statement in walk(pipeline.functions[pending.pop()].body):
            if isinstance(statement, model.Call) and statement.function not in seen:
                seen.add(statement.function)
                pending.append(statement.function)
    return seen


class _Writer:
    """Writes one function into chains called `name` and `name.…`."""

    def __init__(self, bodies: Bodies, name: str, use: Use, reader: Reader, names: Names, ruleset: Ruleset) -> None:
        self._bodies = bodies
        self._name = name
        self._use = use
        self._reader = reader
        self._ruleset = ruleset
        self._branches = Branches(lambda test: match(test, names, use.in_by), lambda: self._fresh("or"))

    def _fresh(self, what: str) -> Chain:
        return self._ruleset.chain(f"{self._name}.{what}")

    def body(self, chain: Chain, body: tuple[model.Statement, ...], context: Protocol) -> bool:
        """Append `body`; whether every packet has met its end there."""
        return any(self._statement(chain, statement, context) for statement in body)

    def _statement(self, chain: Chain, statement: model.Statement, context: Protocol) -> bool:
        line = statement.span.line
        chain.comment(f"{line}: {statement.span.text.splitlines()[0] if statement.span.text else ''}")
        match statement:
            case model.If():
                return self._if(chain, statement, context)
            case model.Block(protocol, inner):
                if protocol in (Protocol.IP, context):
                    return self.body(chain, inner, context)
                inside = self._fresh(f"{protocol.lower()}{line}")
                self.body(inside, inner, protocol)
                chain.rule(guard(protocol), jump(inside))
            case model.Call(callee):
                protocol = self._bodies.protocol(callee)
                needed = () if protocol in (Protocol.IP, context) else guard(protocol)
                chain.rule(needed, jump(self._bodies.function(callee, self._use)))
                return self._bodies.ends((statement,), context)
            case model.Log(parts):
                chain.lines.append(_log(parts, 6))
            case model.Syslog(severity, parts):
                chain.lines.append(_log(parts, severity))
            case model.Accept() | model.Drop():
                chain.rule((), ACCEPT if isinstance(statement, model.Accept) else DROP)
                return True
            case model.Dnat() | model.Snat():
                self._rewrite(chain, statement)
                return True
        return False

    def _rewrite(self, chain: Chain, statement: model.Dnat | model.Snat) -> None:
        """A rewriting ends a chain of nftables' type nat; one that has no effect just ends the function."""
        if isinstance(statement, self._use.acts or ()):
            action = "dnat" if isinstance(statement, model.Dnat) else "snat"
            address = "" if statement.address is None else format_address(statement.address)
            port = "" if statement.port is None else f":{statement.port}"
            chain.rule(("meta l4proto { 6, 17 }",) if port else (), Go(f"{action} to {address}{port}"))
            if not port:
                return
        chain.rule((), ACCEPT)

    def _if(self, chain: Chain, statement: model.If, context: Protocol) -> bool:
        formula = self._reader.read(statement.condition)
        if isinstance(formula, bool):
            return self.body(chain, statement.then if formula else statement.otherwise, context)
        line = statement.span.line
        then, otherwise = statement.then, statement.otherwise
        if not then and not otherwise:
            return False
        if self._bodies.ends(then, context):
            self._branches.when(chain, formula, self._target(then, context, f"if{line}"))
            return self.body(chain, otherwise, context)
        inverse = self._reader.read(statement.condition, negated=True)
        if self._bodies.ends(otherwise, context):
            self._branches.when(chain, inverse, self._target(otherwise, context, f"else{line}"))
            return self.body(chain, then, context)
        for condition, body, other, what in ((formula, then, otherwise, "if"), (inverse, otherwise, then, "else")):
            if not other and self._branches.is_one_rule(condition):
                inside = self._fresh(f"{what}{line}")
                self.body(inside, body, context)
                self._branches.when(chain, condition, jump(inside))
                return False
        choice = self._fresh(f"choice{line}")
        chain.rule((), jump(choice))
        yes = self._target(then, context, f"if{line}")
        self._branches.either(choice, formula, yes, self._target(otherwise, context, f"else{line}"))
        return False

    def _target(self, body: tuple[model.Statement, ...], context: Protocol, what: str) -> Go:
        """Where to go for `body`: its verdict, when that is all it is, or a chain of its own."""
        match body:
            case ():
                return RETURN
            case (model.Accept(), *_):
                return ACCEPT
            case (model.Drop(), *_):
                return DROP
        inside = self._fresh(what)
        self.body(inside, body, context)
        return goto(inside)


def _log(parts: Iterable[object], severity: int) -> str:
    """The text alone, in what nftables allows: the kernel prints the packet's fields by itself."""
    text = " ".join("".join(part if isinstance(part, str) else " " for part in parts).split())
    safe = "".join(
        letter if letter.isascii() and letter.isprintable() and letter not in '"\\$%`' else "?" for letter in text
    )
    prefix = f' prefix "{safe[:_LOG_PREFIX]} "' if safe else ""
    return f"log{prefix} level {_LEVELS[severity]}"
