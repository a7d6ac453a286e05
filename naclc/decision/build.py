"""Statement trees to decision graphs.

Before   if (tcp.dport == 22 or ip.saddr in 10.0.0.0/8) { accept }  log("x")
After    0 test tcp.dport   22 -> 2, else -> 1
         1 test ip.saddr    10.0.0.0..10.255.255.255 -> 2, else -> 3
         2 accept
         3 log "x" -> end

Built from the last statement to the first: what follows a statement is one node that all its ways out share, so a
graph is linear in its text. `and`, `or`, `not` become the order of tests; sets become one test with merged intervals.
Nothing is optimized but what falls away by itself: a test whose ways out are one node.
"""

from __future__ import annotations

from naclc.decision.graph import Graph, Graphs, Node
from naclc.decision.intervals import of_compare, of_leaves
from naclc.decision.store import Store
from naclc.decision.trampoline import Work, run
from naclc.pipeline.evaluation import NO_STATEMENT, Verdict
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.model import (
    Accept,
    And,
    Block,
    Call,
    Compare,
    CompareFields,
    Condition,
    Dnat,
    Drop,
    Function,
    If,
    InSet,
    Literal,
    Log,
    Not,
    Or,
    Protocol,
    Snat,
    Statement,
    Syslog,
)


def build(pipeline: Pipeline) -> Graphs:
    """One graph per function of the pipeline, in its order."""
    protocols = {name: function.protocol for name, function in pipeline.functions.items()}
    return Graphs({name: build_function(function, protocols) for name, function in pipeline.functions.items()})


def build_function(function: Function, protocols: dict[str, Protocol]) -> Graph:
    """`protocols` gives the subtype of every function that may be called."""
    builder = _Builder(protocols)
    end = builder.store.leaf(Verdict.END, NO_STATEMENT)
    root = run(builder.body(function.body, function.protocol, end))
    return Graph(function.name, function.protocol, root)


def condition_graph(condition: Condition) -> Node:
    """The graph that leads to accept where `condition` is true, else to drop."""
    builder = _Builder({})
    yes, no = (builder.store.leaf(verdict, NO_STATEMENT) for verdict in (Verdict.ACCEPT, Verdict.DROP))
    return run(builder.condition(condition, yes, no, NO_STATEMENT))


class _Builder:
    """`context` is the protocol that is known where a statement stands: its guard is left out there."""

    def __init__(self, protocols: dict[str, Protocol]) -> None:
        self.store = Store()
        self._protocols = protocols

    def body(self, statements: tuple[Statement, ...], context: Protocol, following: Node) -> Work[Node]:
        for statement in reversed(statements):
            following = yield self._statement(statement, context, following)
        return following

    def _statement(self, statement: Statement, context: Protocol, following: Node) -> Work[Node]:
        store = self.store
        match statement:
            case If(condition, then, otherwise):
                yes = yield self.body(then, context, following)
                no = yield self.body(otherwise, context, following)
                branch: Node = yield self.condition(condition, yes, no, statement.id)
                return branch
            case Block(protocol, body):
                inside_context = context if protocol is Protocol.IP else protocol
                inside = yield self.body(body, inside_context, following)
                return self._guarded(protocol, context, inside, following, statement.id)
            case Call(function):
                inside = store.call(function, following, statement.id)
                return self._guarded(self._protocols[function], context, inside, following, statement.id)
            case Accept():
                return store.leaf(Verdict.ACCEPT, statement.id)
            case Drop():
                return store.leaf(Verdict.DROP, statement.id)
            case Log(parts):
                return store.effect(parts, following, statement.id)
            case Syslog() | Dnat() | Snat():
                raise TypeError("naclc.pipeline.supported refuses this statement")

    def _guarded(self, protocol: Protocol, context: Protocol, inside: Node, outside: Node, statement: int) -> Node:
        if protocol in (Protocol.IP, context):
            return inside
        return self.store.guard(protocol, inside, outside, statement)

    def condition(self, condition: Condition, yes: Node, no: Node, statement: int) -> Work[Node]:
        store = self.store
        while isinstance(condition, Not):
            condition, yes, no = condition.operand, no, yes
        match condition:
            case Literal(value):
                return yes if value else no
            case Compare(field):
                return store.member(field, of_compare(condition), yes, no, statement)
            case InSet(field, leaves):
                return store.member(field, of_leaves(leaves, field.width), yes, no, statement)
            case CompareFields(left, operator, right):
                less, equal, greater = (yes if holds else no for holds in _HOLDS[operator])
                return store.field_test(left, right, less, equal, greater, statement)
            case And(operands):
                for operand in reversed(operands):
                    yes = yield self.condition(operand, yes, no, statement)
                return yes
            case Or(operands):
                for operand in reversed(operands):
                    no = yield self.condition(operand, yes, no, statement)
                return no


# Whether an operator holds for (less, equal, greater).
_HOLDS = {
    "==": (False, True, False),
    "!=": (True, False, True),
    "<": (True, False, False),
    "<=": (True, True, False),
    ">": (False, False, True),
    ">=": (False, True, True),
}
