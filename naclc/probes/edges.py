"""The ways out of the tests of decision graphs, and which of them packets take.

A *way* is one edge of a test; a function that tests nothing has one way, its entry. A *goal* is a way together with the
value that is to take it: both sides of every boundary, so each end of an edge that another edge lies beside; or any
value, where a way has no boundary of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from naclc.decision.evaluate import shown
from naclc.decision.graph import FieldTest, Graphs, Guard, Node, Test
from naclc.decision.walk import topological
from naclc.net.fields import FieldType, State

Way = tuple[str, int, int]  # function, number of the node in its graph (ENTRY: none), number of the way out
ENTRY = -1


@dataclass(frozen=True, slots=True)
class Goal:
    """`value` is that of the tested field; for two fields the difference left - right; None for any."""

    way: Way
    value: int | None
    about: str
    statement: int


class Ways:
    """All tests of all graphs, numbered."""

    def __init__(self, graphs: Graphs) -> None:
        self.nodes: dict[str, list[Node]] = {name: topological(g.root) for name, g in graphs.graphs.items()}
        self._untested = {name for name, nodes in self.nodes.items() if not any(map(_ways, nodes))}

    def entry(self, function: str) -> Way | None:
        """The way into a function that tests nothing; None for any other."""
        return (function, ENTRY, 0) if function in self._untested else None

    def all(self) -> list[Way]:
        """Every way, functions in order and tests from the root on."""
        ways = [
            (name, number, way)
            for name, nodes in self.nodes.items()
            for number, node in enumerate(nodes)
            for way in range(_ways(node))
        ]
        return ways + [(name, ENTRY, 0) for name in self.nodes if name in self._untested]

    def goals(self, ifaces: Mapping[int, str]) -> Iterator[Goal]:
        """All goals, in the order of `all`. `ifaces`: the names of the Ifaces by number."""
        for name, nodes in self.nodes.items():
            if name in self._untested:
                yield Goal((name, ENTRY, 0), None, "a packet gets there", nodes[0].statement)
            for number, node in enumerate(nodes):
                if isinstance(node, Test):
                    yield from _test_goals(name, number, node, ifaces)
                elif isinstance(node, FieldTest):
                    yield from _pair_goals(name, number, node)
                elif isinstance(node, Guard):
                    for way, word in enumerate(("is", "is not")):
                        about = f"the packet {word} {node.protocol} with its header"
                        yield Goal((name, number, way), None, about, node.statement)


def _ways(node: Node) -> int:
    if isinstance(node, Test):
        return len(node.edges)
    return 3 if isinstance(node, FieldTest) else 2 if isinstance(node, Guard) else 0


def _test_goals(name: str, number: int, node: Test, ifaces: Mapping[int, str]) -> Iterator[Goal]:
    for way in range(len(node.edges)):
        for value in _deciding(node, way, ifaces):
            known = node.field.type is not FieldType.IFACE or value in ifaces
            what = shown(node.field, value, dict(ifaces)) if known else "no Iface of this policy"
            yield Goal((name, number, way), value, f"{node.field} is {what}", node.statement)


def _deciding(node: Test, way: int, ifaces: Mapping[int, str]) -> list[int]:
    """The ends of an edge that another edge lies beside. States and Ifaces are names, not numbers: each that can be,
    or the first when none of an edge can."""
    edge = node.edges[way]
    if node.field.type in (FieldType.STATE, FieldType.IFACE):
        occurring = list(ifaces) if node.field.type is FieldType.IFACE else [State.NEW, State.ESTABLISHED]
        return [int(value) for value in occurring if edge.first <= value <= edge.last] or [edge.first]
    ends = ((edge.first, way > 0), (edge.last, way < len(node.edges) - 1))
    return list(dict.fromkeys(value for value, is_boundary in ends if is_boundary))


def _pair_goals(name: str, number: int, node: FieldTest) -> Iterator[Goal]:
    left, right = node.left, node.right
    for way, (sign, value) in enumerate((("<", -1), ("==", 0), (">", 1))):
        if value:
            yield Goal((name, number, way), value, f"{left} - {right} is {value}", node.statement)
        yield Goal((name, number, way), None, f"{left} {sign} {right}", node.statement)
