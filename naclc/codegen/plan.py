"""Decision graphs → plan: each node becomes one or a few steps, in topological order.

Before   ip.protocol: 6 → A, 17 → A, rest → B
After    3 if ip.protocol in table 0 then 4 else 7        table 0 = 6, 17

A test with few targets becomes a chain of membership tests, one a target but the last; a test with many targets is
first halved by comparisons, so that its depth grows with the logarithm. Size is linear in the number of edges.

INVARIANT forward   a step refers to higher numbers only, so a plan always ends.
INVARIANT once      each node of a graph is planned once, however many edges lead to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from naclc.codegen.unit import (
    CallStep,
    ClassifyStep,
    CompareStep,
    FieldStep,
    FunctionPlan,
    GuardStep,
    LogStep,
    MemberStep,
    ReturnStep,
    Step,
    Table,
    Unit,
)
from naclc.decision.graph import Call, Edge, Effect, FieldTest, Graph, Graphs, Guard, Leaf, Node, Test
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.model import Hook

# With more targets than this, a test is halved before it is turned into a chain.
_CHAIN_TARGETS = 4

Intervals = tuple[tuple[int, int], ...]


def plan(graphs: Graphs, pipeline: Pipeline) -> Unit:
    """The unit of a pipeline: one function plan a graph, in the order of `graphs` (callees first), and the chains."""
    tables = _Tables()
    numbers: dict[str, int] = {}
    functions: list[FunctionPlan] = []
    for name, graph in graphs.graphs.items():
        steps = _Steps(tables, numbers).of(graph)
        numbers[name] = len(functions)
        functions.append(FunctionPlan(name, graph.protocol, steps))
    return Unit(tuple(functions), tables.made(), _chains(pipeline, numbers))


def _chains(pipeline: Pipeline, numbers: dict[str, int]) -> dict[tuple[Hook, int | None], tuple[int, ...]]:
    chains: dict[tuple[Hook, int | None], tuple[int, ...]] = {}
    for iface in pipeline.ifaces:
        for hook, names in iface.chains.items():
            if names:
                chains[hook, iface.number] = tuple(numbers[name] for name in names)
    if pipeline.router and pipeline.router.forward:
        chains[Hook.FORWARD, None] = tuple(numbers[name] for name in pipeline.router.forward)
    return chains


class _Tables:
    """The interval tables of a unit; equal ones are one."""

    def __init__(self) -> None:
        self._numbers: dict[Table, int] = {}

    def number(self, width: int, intervals: Intervals) -> int:
        return self._numbers.setdefault(Table(width, intervals), len(self._numbers))

    def made(self) -> tuple[Table, ...]:
        return tuple(self._numbers)


class _Steps:
    """The steps of one function. They are made from the leaves up and numbered from the end, so that a step's
    targets exist before it; `of` turns the numbers round at last."""

    def __init__(self, tables: _Tables, functions: dict[str, int]) -> None:
        self._tables = tables
        self._functions = functions
        self._steps: list[Step] = []
        self._first: dict[Node, int] = {}  # a node's first step, counted from the end

    def of(self, graph: Graph) -> tuple[Step, ...]:
        for node in _leaves_first(graph.root):
            self._first[node] = self._plan_node(node)
        last = len(self._steps) - 1
        return tuple(_renumbered(step, lambda number: last - number) for step in reversed(self._steps))

    def _add(self, step: Step) -> int:
        self._steps.append(step)
        return len(self._steps) - 1

    def _plan_node(self, node: Node) -> int:
        at = self._first
        if isinstance(node, Test):
            return self._plan_edges(node, node.edges)
        if isinstance(node, FieldTest):
            return self._plan_fields(node)
        if isinstance(node, Guard):
            return self._add(GuardStep(node.protocol, at[node.inside], at[node.outside], node.statement))
        if isinstance(node, Effect):
            return self._add(LogStep(node.parts, at[node.next], node.statement, node.severity))
        if isinstance(node, Call):
            return self._add(CallStep(self._functions[node.function], at[node.next], node.statement))
        return self._add(ReturnStep(node.verdict, node.statement, node.rewrite))

    def _plan_fields(self, node: FieldTest) -> int:
        """less, equal and greater by at most two tests: `<`, then `==`."""
        less, equal, greater = (self._first[target] for target in (node.less, node.equal, node.greater))
        left, right, statement = node.left, node.right, node.statement
        if less == greater:
            return self._add(FieldStep(left, "==", right, equal, greater, statement))
        if less == equal:
            return self._add(FieldStep(right, "<", left, greater, less, statement))
        rest = greater if equal == greater else self._add(FieldStep(left, "==", right, equal, greater, statement))
        return self._add(FieldStep(left, "<", right, less, rest, statement))

    def _plan_edges(self, test: Test, edges: tuple[Edge, ...]) -> int:
        (rest, _), *others = _targets(edges)
        if len(others) >= _CHAIN_TARGETS:
            return self._plan_halves(test, edges)
        number = self._first[rest]
        for target, intervals in others:
            number = self._plan_member(test, edges, intervals, self._first[target], number)
        return number

    def _plan_halves(self, test: Test, edges: tuple[Edge, ...]) -> int:
        middle = len(edges) // 2
        low, high = self._plan_edges(test, edges[:middle]), self._plan_edges(test, edges[middle:])
        return self._add(CompareStep(test.field, "<=", edges[middle - 1].last, low, high, test.statement))

    def _plan_member(self, test: Test, edges: tuple[Edge, ...], intervals: Intervals, then: int, otherwise: int) -> int:
        """Values in `intervals` go to `then`; `edges` say which values can get here."""
        field, statement = test.field, test.statement
        lowest, highest = edges[0].first, edges[-1].last
        if len(intervals) == 1:
            first, last = intervals[0]
            if first == last:
                return self._add(CompareStep(field, "==", first, then, otherwise, statement))
            if first == lowest:
                return self._add(CompareStep(field, "<=", last, then, otherwise, statement))
            if last == highest:
                return self._add(CompareStep(field, ">=", first, then, otherwise, statement))
        table = self._tables.number(field.width, intervals)
        return self._add(MemberStep(field, table, then, otherwise, statement))


def _targets(edges: tuple[Edge, ...]) -> list[tuple[Node, Intervals]]:
    """Targets with their intervals. First the one with the most intervals, then values, which is what remains when
    the others, from the last to the first, have been tested."""
    by_target: dict[Node, list[tuple[int, int]]] = {}
    for edge in edges:
        by_target.setdefault(edge.target, []).append((edge.first, edge.last))
    rest = max(by_target, key=lambda target: _extent(by_target[target]))
    order = [rest, *(target for target in reversed(by_target) if target is not rest)]
    return [(target, tuple(by_target[target])) for target in order]


def _extent(intervals: list[tuple[int, int]]) -> tuple[int, int]:
    return len(intervals), sum(last - first for first, last in intervals)


def _successors(node: Node) -> Iterable[Node]:
    """The branch that is tested for first comes last: it then stands right after the test."""
    if isinstance(node, Test):
        return tuple(target for target, _ in _targets(node.edges))
    if isinstance(node, FieldTest):
        return node.greater, node.equal, node.less
    if isinstance(node, Guard):
        return node.outside, node.inside
    if isinstance(node, Leaf):
        return ()
    return (node.next,)


def _leaves_first(root: Node) -> Iterable[Node]:
    """Every node once, after all nodes it leads to. Not recursive: graphs are as deep as policies are long."""
    seen: set[Node] = set()
    stack: list[tuple[Node, bool]] = [(root, False)]
    while stack:
        node, finished = stack.pop()
        if finished:
            yield node
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((target, False) for target in reversed(tuple(_successors(node))) if target not in seen)


def _renumbered(step: Step, turn: Callable[[int], int]) -> Step:
    if isinstance(step, ReturnStep):
        return step
    if isinstance(step, LogStep | CallStep):
        return replace(step, next=turn(step.next))
    assert not isinstance(step, ClassifyStep), "classifiers come later"
    return replace(step, then=turn(step.then), otherwise=turn(step.otherwise))
