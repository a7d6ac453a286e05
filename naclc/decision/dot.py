"""The decision graphs as a picture for Graphviz: one cluster per function, and what hangs on each hook.

Ellipses test, boxes write, boxes with two lines decide; an edge says which values take it.
"""

from __future__ import annotations

from collections.abc import Iterator

from naclc.decision.dump import quoted, rewrite_text
from naclc.decision.graph import Call, Effect, FieldTest, Graph, Graphs, Guard, Leaf, Node, Test
from naclc.decision.notation import interval
from naclc.decision.walk import topological
from naclc.pipeline.evaluation import NO_STATEMENT, Verdict
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.model import Hook

_LONGEST = 48  # characters of a label
_SHAPES = {Effect: "box", Call: "component", Leaf: "box, style=rounded, peripheries=2"}
_COLOURS = {Verdict.ACCEPT: "#2e7d32", Verdict.DROP: "#c62828", Verdict.END: "#616161"}


def dump(graphs: Graphs, pipeline: Pipeline) -> str:
    """All functions in one digraph; the same text for equal graphs."""
    lines = ["digraph policy {", "  rankdir=LR;", '  node [fontname="sans-serif", fontsize=10];']
    lines += ['  edge [fontname="sans-serif", fontsize=9];', "  compound=true;"]
    names = {name: number for number, name in enumerate(graphs.graphs)}
    for name, graph in graphs.graphs.items():
        lines += _cluster(names[name], graph, names, pipeline)
    lines += _chains(names, pipeline)
    return "\n".join([*lines, "}", ""])


def _cluster(number: int, graph: Graph, names: dict[str, int], pipeline: Pipeline) -> Iterator[str]:
    kind = pipeline.functions[graph.function].kind
    yield f"  subgraph cluster_{number} {{"
    yield f"    label={quoted(f'{kind}::{graph.protocol} {graph.function}')}; style=rounded; color=gray;"
    ifaces = {iface.number: iface.name for iface in pipeline.ifaces}
    nodes = topological(graph.root)
    numbers = {id(node): f"f{number}n{at}" for at, node in enumerate(nodes)}
    for node in nodes:
        colour = f', color="{_COLOURS[node.verdict]}"' if isinstance(node, Leaf) else ""
        label = quoted(_label(node, pipeline))
        yield f"    {numbers[id(node)]} [shape={_SHAPES.get(type(node), 'ellipse')}, label={label}{colour}];"
        for text, target in _ways_out(node, ifaces):
            yield f"    {numbers[id(node)]} -> {numbers[id(target)]} [label={quoted(text)}];"
    yield "  }"
    for node in nodes:
        if isinstance(node, Call):
            yield f"  {numbers[id(node)]} -> f{names[node.function]}n0 [style=dashed, constraint=false];"


def _chains(names: dict[str, int], pipeline: Pipeline) -> Iterator[str]:
    """Each hook that has functions, with an edge to the first and numbers for the order."""
    chains = [(f"{iface.name} {hook}", iface.chains.get(hook, ())) for iface in pipeline.ifaces for hook in Hook]
    if pipeline.router is not None:
        chains.append(("forward", pipeline.router.forward))
    for number, (name, functions) in enumerate((name, functions) for name, functions in chains if functions):
        yield f"  hook{number} [shape=cds, style=bold, label={quoted(name)}];"
        for place, function in enumerate(functions, 1):
            label = f", label={quoted(str(place))}" if len(functions) > 1 else ""
            yield f"  hook{number} -> f{names[function]}n0 [style=bold{label}];"


def _label(node: Node, pipeline: Pipeline) -> str:
    match node:
        case Test():
            text = node.field.name
        case FieldTest():
            text = f"{node.left} : {node.right}"
        case Guard():
            text = f"{node.protocol} header there?"
        case Effect():
            text = "log" if node.severity is None else "syslog"
        case Call():
            text = f"call {node.function}"
        case Leaf():
            end = "end" if node.verdict is Verdict.END else node.verdict.name.lower()
            text = end if node.rewrite is None else rewrite_text(node.rewrite)
    place = "" if node.statement == NO_STATEMENT else f"\nline {pipeline.statements[node.statement].line}"
    return text + place


def _ways_out(node: Node, ifaces: dict[int, str]) -> list[tuple[str, Node]]:
    match node:
        case FieldTest():
            return [("<", node.less), ("==", node.equal), (">", node.greater)]
        case Guard():
            return [("yes", node.inside), ("no", node.outside)]
        case Effect() | Call():
            return [("", node.next)]
        case Leaf():
            return []
        case Test():
            return _edges(node, ifaces)


def _edges(test: Test, ifaces: dict[int, str]) -> list[tuple[str, Node]]:
    """One way out a target; the target with the most values is `else`."""
    targets = {id(edge.target): edge.target for edge in test.edges}
    sizes = dict.fromkeys(targets, 0)
    texts: dict[int, list[str]] = {number: [] for number in targets}
    for edge in test.edges:
        sizes[id(edge.target)] += edge.last - edge.first + 1
        texts[id(edge.target)].append(interval(test.field, edge.first, edge.last, ifaces))
    rest = max(sizes, key=lambda number: sizes[number])
    return [("else" if number == rest else _shortened(texts[number]), target) for number, target in targets.items()]


def _shortened(parts: list[str]) -> str:
    text = ", ".join(parts)
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST].rpartition(',')[0] or text[:_LONGEST]}, … ({len(parts)})"
