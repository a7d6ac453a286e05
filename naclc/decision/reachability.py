"""Which statements no packet gets to (docs/language.md 8.7, 10), exactly, over all places where a function runs.

Before   if (ip.saddr in 10.0.0.0/8) { drop }   if (ip.saddr in 10.1.0.0/16) { accept }
Reports  shadowed at `ip.saddr in 10.1.0.0/16`, with the first condition as that of the rule that decides first

A function does not change a packet before it ends, so what a called function lets pass does not depend on where it is
called: it is found once, callees first. Then, callers first, each function is entered by all that enters it anywhere,
and the packets go from statement to statement; where none comes there is a finding. The work grows with the length of
the policy, however often functions call each other: 10,000 rules of real firewalls take 4 to 7 s.

Both positions of a switch (a condition that the compiler evaluated) are looked at, so nothing is found because of one.
A function is judged by itself, wherever it hangs: what another one of its chain drops counts as arriving.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from naclc.decision.causes import Finder
from naclc.decision.conditions import atoms, packets_where
from naclc.decision.deciders import Decider, Gate, Scope, Site, Visit, without
from naclc.decision.facts import FACT_FIELDS, Place, as_seen_by, occurring, packets_at
from naclc.decision.occurrence import impossible, never_occurring, without_entry
from naclc.decision.symbolic import Pairs, Symbols
from naclc.decision.trampoline import Work, run
from naclc.diagnostics import Diagnostic, warning
from naclc.net.fields import Field
from naclc.pipeline.lower import walk
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.model import (
    Accept,
    Block,
    Call,
    CompareFields,
    Dnat,
    Drop,
    Function,
    If,
    Literal,
    Protocol,
    Snat,
    Statement,
)

if TYPE_CHECKING:
    from oxidd.bdd import BDDFunction

_FIRST_TRY = 1 << 16  # BDD nodes: there at once, and enough for usual policies
_FOR_EACH = 128  # BDD nodes that a statement may need: a try that ends half way costs more than room
_GROWTH = 16
_VERDICT = Accept | Drop | Dnat | Snat  # what ends a function


def unreached(pipeline: Pipeline, *, max_nodes: int = 4_000_000) -> list[Diagnostic]:
    """`never-occurs`, `shadowed`, `unreachable`: what stands in a policy without errors and does nothing."""
    return [*never_occurring(pipeline), *unreachable_statements(pipeline, max_nodes=max_nodes)]


def unreachable_statements(pipeline: Pipeline, *, max_nodes: int = 4_000_000) -> list[Diagnostic]:
    """`shadowed` and `unreachable` for what no packet gets to in the functions of the pipeline.

    What `after-verdict` and `never-occurs` say is not said again; of statements inside each other the outermost is
    reported.

    Args:
        max_nodes: BDD nodes that the analysis of functions that call each other may take together. Beyond them
            nothing is reported but `analysis-limit`, and what can be told with comparisons of two fields as free
            choices and does not rest on them.
    """
    findings: list[Diagnostic] = []
    for names in _groups(pipeline):
        findings += _findings(names, pipeline, max_nodes)
    return findings


def _groups(pipeline: Pipeline) -> list[list[str]]:
    """The functions that are connected by calls, callees before callers."""
    group_of: dict[str, list[str]] = {}
    for name, function in pipeline.functions.items():
        together = {id(group_of[callee]): group_of[callee] for callee in sorted(_callees(function))}
        merged = [*(known for group in together.values() for known in group), name]
        group_of |= dict.fromkeys(merged, merged)
    return list({id(group): group for group in group_of.values()}.values())


def _callees(function: Function) -> set[str]:
    return {statement.function for statement in walk(function.body) if isinstance(statement, Call)}


def _findings(names: list[str], pipeline: Pipeline, max_nodes: int) -> list[Diagnostic]:
    functions = [pipeline.functions[name] for name in names]
    fields, pairs = _reads(functions)

    def analysis(nodes: int, *, exact: bool = True) -> list[Diagnostic]:
        symbols = Symbols(fields | FACT_FIELDS, pairs, nodes, free_pairs=not exact)
        return _Analysis(functions, pipeline, symbols, exact).findings()

    statements = sum(1 for function in functions for _ in walk(function.body))
    nodes = min(max(_FIRST_TRY, _FOR_EACH * statements), max_nodes)
    while True:
        try:
            return analysis(nodes)
        except MemoryError:
            if nodes == max_nodes:
                break
            nodes = min(nodes * _GROWTH, max_nodes)
    limit = _limit([function for function in functions if function.name in pipeline.attached()])
    try:
        return [limit, *(analysis(max_nodes, exact=False) if pairs else ())]
    except MemoryError:
        return [limit]


def _limit(attached: list[Function]) -> Diagnostic:
    names = ", ".join(f"`{function.name}`" for function in attached)
    be = "is" if len(attached) == 1 else "are together"
    return warning(
        "analysis-limit",
        f"{names} {be} too large to find out exactly which statements no packet gets to",
        attached[0].span,
        help="raise the budget with `--analysis-nodes N`",
    )


def _reads(functions: list[Function]) -> tuple[frozenset[Field], Pairs]:
    """The fields that are tested in `functions`, and the pairs that are compared with each other."""
    fields: set[Field] = set()
    pairs: set[tuple[Field, Field]] = set()
    for function in functions:
        for statement in walk(function.body):
            for atom in atoms(statement.condition) if isinstance(statement, If) else ():
                if isinstance(atom, CompareFields):
                    fields |= {atom.left, atom.right}
                    pairs.add((atom.left, atom.right))
                elif not isinstance(atom, Literal):
                    fields.add(atom.field)
    return frozenset(fields), frozenset(pairs)


class _Analysis:
    """Functions that are connected by calls, callees before callers, in one universe of packets."""

    def __init__(self, functions: list[Function], pipeline: Pipeline, symbols: Symbols, exact: bool) -> None:
        self.symbols = symbols
        self.pipeline = as_seen_by(functions[0].kind, pipeline)  # Filters call Filters, Nats call Nats
        self.functions = {function.name: function for function in functions}
        self.finder = Finder(symbols, self.pipeline, without_entry(pipeline), exact)
        self.possible = occurring(self.pipeline)
        self.visits: dict[str, Visit] = {}
        self.passing: dict[str, BDDFunction] = {}  # of called functions: what comes to their end
        self.paired: set[str] = set()  # functions that compare fields with each other, or call one that does
        self._conditions: dict[int, BDDFunction] = {}

    def findings(self) -> list[Diagnostic]:
        for name, places in self._places():
            attached = self.symbols.none
            for place in sorted(self.pipeline.attached().get(name, ()), key=repr):
                attached = attached | packets_at(place, self.pipeline, self.symbols)
            function = self.functions[name]
            attached = attached & self.guard(function.protocol)
            self.visits[name] = Visit(function, places, attached, attached)
        called = {callee for function in self.functions.values() for callee in _callees(function)}
        for name, function in self.functions.items():
            if _compares_fields(function) or _callees(function) & self.paired:
                self.paired.add(name)
            if name in called:
                self.passing[name] = self._passing(function)
        for name in reversed(self.functions):
            self._visit(self.visits[name])
        return self.finder.findings

    def _places(self) -> Iterator[tuple[str, frozenset[Place]]]:
        """Callers first: each function with the places from which packets come to it."""
        places = {name: set(self.pipeline.attached().get(name, ())) for name in self.functions}
        for name in reversed(self.functions):
            for callee in _callees(self.functions[name]):
                places[callee] |= places[name]
            yield name, frozenset(places[name])

    def guard(self, protocol: Protocol) -> BDDFunction:
        return self.symbols.all if protocol is Protocol.IP else self.symbols.guard(protocol)

    def where(self, statement: If) -> BDDFunction:
        if statement.id not in self._conditions:
            self._conditions[statement.id] = packets_where(statement.condition, self.symbols)
        return self._conditions[statement.id]

    def _passing(self, function: Function) -> BDDFunction:
        """The packets of its protocol that come to the end of `function` if it is called."""
        everything = self.guard(function.protocol)
        if all(self.passing[callee] == self.symbols.all for callee in _callees(function)) and not any(
            isinstance(statement, _VERDICT) for statement in walk(function.body)
        ):
            return self.symbols.all
        visit = Visit(function, frozenset(), everything, everything)
        run(_Walk(self, visit, None).body(function.body, Scope(None, None, everything, False)))
        return visit.deciders.past(everything, len(visit.deciders))

    def _visit(self, visit: Visit) -> None:
        potential = visit.attached
        for site in visit.sites:
            potential = potential | site.potential
        if visit.arriving.satisfiable():
            scope = Scope(None, None, potential, any(site.scope.paired for site in visit.sites))
            run(_Walk(self, visit, self.finder).body(visit.function.body, scope))


def _compares_fields(function: Function) -> bool:
    conditions = (statement.condition for statement in walk(function.body) if isinstance(statement, If))
    return any(isinstance(atom, CompareFields) for condition in conditions for atom in atoms(condition))


class _Walk:
    """Goes through one function in source order. Without `finder` to collect its deciders, nothing else.

    What gets to a statement is what could, without what the deciders so far decide; it is asked for, never made.
    """

    def __init__(self, analysis: _Analysis, visit: Visit, finder: Finder | None) -> None:
        self._analysis = analysis
        self._visit = visit
        self._deciders = visit.deciders
        self._finder = finder

    def _comes(self, packets: BDDFunction, *, asked_often: bool = False) -> bool:
        """Whether some of `packets`, which could come here, do."""
        if self._finder is None:
            return True
        return self._deciders.let_past(packets & self._visit.arriving, asked_often=asked_often)

    def body(self, statements: tuple[Statement, ...], scope: Scope) -> Work[None]:
        """`scope` is reached. What stands after a verdict is left out; of neighbours that nobody gets to the first is
        told."""
        told, fresh = False, len(self._deciders)
        for statement in statements:
            match statement:
                case If():
                    lost = yield self._branch(statement, scope)
                case Block():
                    lost = yield self._block(statement, scope)
                case Call():
                    lost = self._call(statement, scope)
                case _:
                    lost = len(self._deciders) > fresh and not self._comes(scope.potential, asked_often=True)
            if lost and not told and self._finder:
                self._finder.unreachable(self._visit, scope, statement.span, None)
            told = lost
            if isinstance(statement, _VERDICT):
                rule = scope.gate.span if scope.gate and scope.gate.word == "true" else statement.span
                self._deciders.add(Decider(scope, None, rule, scope.paired))
                return

    def _branch(self, statement: If, scope: Scope) -> Work[bool]:
        """Whether nobody comes to `statement`, which then is still to be told."""
        inner, start = self._inner(statement, scope), len(self._deciders)
        taken = self._comes(inner.potential)
        if taken:
            yield self.body(statement.then, inner)
        beside = self._beside(statement, scope, inner, taken, start)
        passed = (not taken or bool(statement.otherwise)) and self._comes(beside.potential, asked_often=True)
        if not taken and inner.potential.satisfiable():
            self._shadowed(statement, inner)
        elif not taken and not passed:
            return True
        elif not taken and statement.then:
            self._excluded(statement, statement.then[0], inner)
        if passed:
            yield self.body(statement.otherwise, beside)
        elif taken and statement.otherwise:
            self._nobody_else(statement, beside)
        return False

    def _inner(self, statement: If, scope: Scope) -> Scope:
        """The branch of `statement` for which its condition is true."""
        packets = self._analysis.where(statement)
        paired = any(isinstance(atom, CompareFields) for atom in atoms(statement.condition))
        return Scope(scope, Gate(packets, statement.condition.span, "true"), packets, paired)

    def _beside(self, statement: If, scope: Scope, inner: Scope, taken: bool, start: int) -> Scope:
        """The else branch. `if (A) { accept } else { B }` is `if (A) { accept } B`: what the deciders since `start`
        decide in the other branch could come here, if they did not."""
        true, everything = self._analysis.where(statement), self._analysis.symbols.all
        packets = false = ~true
        if not taken or any(isinstance(each, _VERDICT) for each in statement.then):
            packets = everything
        else:
            for number in range(start, len(self._deciders)):
                packets = packets | self._deciders.match(number)
        return Scope(scope, Gate(false, statement.condition.span, "false"), packets, inner.paired)

    def _shadowed(self, statement: If, inner: Scope) -> None:
        if self._finder:
            self._finder.shadowed(self._visit, inner, statement.condition.span, inner.potential)

    def _excluded(self, statement: If, first: Statement, branch: Scope) -> None:
        """`first` stands in a branch of `statement` that no packet takes: told, unless `never-occurs` says it all."""
        if self._finder and branch.parent and not impossible(statement.condition, self._analysis.possible):
            self._finder.unreachable(self._visit, branch.parent, first.span, branch.gate)

    def _nobody_else(self, statement: If, beside: Scope) -> None:
        """An `else if` is a rule like others."""
        first = statement.otherwise[0]
        inner = self._inner(first, beside) if isinstance(first, If) else None
        if isinstance(first, If) and inner and inner.potential.satisfiable():
            self._shadowed(first, inner)
        else:
            self._excluded(statement, first, beside)

    def _block(self, block: Block, scope: Scope) -> Work[bool]:
        guard = self._analysis.guard(block.protocol)
        gate = Gate(guard, block.span, block.protocol)
        inner = scope if block.protocol is Protocol.IP else Scope(scope, gate, guard, False)
        if not self._comes(inner.potential, asked_often=True):
            return self._nobody_in(gate, scope)
        yield self.body(block.body, inner)
        return False

    def _call(self, call: Call, scope: Scope) -> bool:
        analysis = self._analysis
        protocol = analysis.functions[call.function].protocol
        guard, passing = analysis.guard(protocol), analysis.passing[call.function]
        potential = scope.potential & guard
        if not self._comes(potential, asked_often=True):
            return self._nobody_in(Gate(guard, call.span, protocol), scope)
        before = len(self._deciders)
        if self._finder:
            callee = analysis.visits[call.function]
            callee.sites.append(Site(self._visit, before, scope, guard))
            callee.arriving = callee.arriving | self._deciders.past(potential & self._visit.arriving, before)
        if passing != analysis.symbols.all:
            paired = scope.paired or call.function in analysis.paired
            self._deciders.add(Decider(scope, without(guard, passing), call.span, paired))
        return False

    def _nobody_in(self, gate: Gate, scope: Scope) -> bool:
        """No packet passes `gate`. Whether none comes to it."""
        if not self._comes(scope.potential, asked_often=True):
            return True
        if self._finder:
            self._finder.unreachable(self._visit, scope, gate.span, gate)
        return False
