"""The decision graphs as text: one block per function, one line per node, the same for equal graphs.

Filter::IP inbound
  0  guard TCP: inside -> 1, outside -> 3                # line 4
  1  tcp.dport: 22..80, 443 -> 2, else -> 3              # line 5
  2  accept                                              # line 5
  3  drop                                                # line 8
"""

from __future__ import annotations

from collections.abc import Iterator

from naclc.decision.graph import Call, Edge, Effect, FieldTest, Graph, Graphs, Guard, Leaf, Node, Test
from naclc.decision.notation import interval
from naclc.decision.walk import topological
from naclc.net.addresses import format_address
from naclc.pipeline.evaluation import NO_STATEMENT, Rewrite
from naclc.pipeline.pipeline import Pipeline

_PLACE_COLUMN = 58


def dump(graphs: Graphs, pipeline: Pipeline | None = None) -> str:
    """With `pipeline`, statements are shown by their line in the source, else by their id."""
    return "\n".join("\n".join(_lines(graph, pipeline)) + "\n" for graph in graphs.graphs.values())


def _lines(graph: Graph, pipeline: Pipeline | None) -> Iterator[str]:
    kind = f"{pipeline.functions[graph.function].kind}::" if pipeline else ""
    yield f"{kind}{graph.protocol} {graph.function}"
    nodes = topological(graph.root)
    numbers = {id(node): number for number, node in enumerate(nodes)}
    ifaces = {iface.number: iface.name for iface in pipeline.ifaces} if pipeline else {}
    for number, node in enumerate(nodes):
        text = f"  {number}  {describe(node, numbers, ifaces)}"
        place = _place(node.statement, pipeline)
        yield f"{text:<{_PLACE_COLUMN}}  {place}" if place else text


def _place(statement: int, pipeline: Pipeline | None) -> str:
    if statement == NO_STATEMENT:
        return ""
    if pipeline is None:
        return f"# statement {statement}"
    return f"# line {pipeline.statements[statement].line}"


def describe(node: Node, numbers: dict[int, int], ifaces: dict[int, str]) -> str:
    """The node in one line; `numbers` gives the number of each node by its `id`, `ifaces` names by number."""

    def to(target: Node) -> str:
        return f"-> {numbers[id(target)]}"

    match node:
        case Test():
            return f"{node.field}: {_edges(node, numbers, ifaces)}"
        case FieldTest(left, right, less, equal, greater):
            return f"{left} against {right}: less {to(less)}, equal {to(equal)}, greater {to(greater)}"
        case Guard(protocol, inside, outside):
            return f"guard {protocol}: inside {to(inside)}, outside {to(outside)}"
        case Effect(parts, following, _, severity):
            shown = ", ".join(quoted(part) if isinstance(part, str) else part.name for part in parts)
            what = "log" if severity is None else f"syslog {severity}"
            return f"{what} {shown} {to(following)}"
        case Call(function, following):
            return f"call {function} {to(following)}"
        case Leaf():
            return _leaf(node)


def _leaf(leaf: Leaf) -> str:
    return leaf.verdict.name.lower() if leaf.rewrite is None else rewrite_text(leaf.rewrite)


def rewrite_text(rewrite: Rewrite) -> str:
    """`dnat 10.0.0.1:80`, `snat 192.0.2.1`, `dnat :8080`."""
    where = "" if rewrite.address is None else format_address(rewrite.address)
    return f"{rewrite.kind} {where}" + ("" if rewrite.port is None else f":{rewrite.port}")


def quoted(text: str) -> str:
    return '"' + text.encode("unicode_escape").decode("ascii").replace('"', '\\"') + '"'


def _edges(test: Test, numbers: dict[int, int], ifaces: dict[int, str]) -> str:
    """Grouped by target; the target with the most values comes last, as `else`."""
    groups: dict[int, list[Edge]] = {}
    for edge in test.edges:
        groups.setdefault(numbers[id(edge.target)], []).append(edge)
    sizes = {number: sum(edge.last - edge.first + 1 for edge in edges) for number, edges in groups.items()}
    rest = max(sizes, key=lambda number: sizes[number])
    shown = [
        ", ".join(interval(test.field, edge.first, edge.last, ifaces) for edge in edges) + f" -> {number}"
        for number, edges in groups.items()
        if number != rest
    ]
    return ", ".join([*shown, f"else -> {rest}"])
