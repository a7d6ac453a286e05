"""Where in a long decision graph a packet does something of its own, found without a look at every test.

For packets of one protocol each test has a *usual* target: where most values lead. Tests are laid along *chains*, on
which each leads to the next as usual. For each field there is, by value, the set of tests that such a packet stops at:
because it goes elsewhere from there, or because its value is at a boundary. Sets are bits of integers, one a test: a
packet's next stop is the lowest bit that is left.

Before   4,000 rules on source and port, one after the other
Stops    the few whose network the packet is from, or which are for its port
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence

from naclc.decision.graph import Call, Effect, FieldTest, Guard, Leaf, Node, Test
from naclc.net.fields import Field, FieldType
from naclc.semantics.model import Protocol

_NAMED = (FieldType.STATE, FieldType.IFACE)


def usual(node: Node, protocol: Protocol | None) -> Node | None:
    """The usual target; None where there is none. `protocol`: whose transport header packets have."""
    if isinstance(node, Test):
        widths: dict[int, int] = {}
        for edge in node.edges:
            widths[id(edge.target)] = widths.get(id(edge.target), 0) + edge.last - edge.first + 1
        return max((edge.target for edge in node.edges), key=lambda target: widths[id(target)])
    if isinstance(node, Guard):
        return node.inside if node.protocol is protocol else node.outside
    return node.next if isinstance(node, Effect) else None


class Skips:
    """One graph, `nodes` as naclc.decision.walk orders them, and packets that have the transport header of `protocol`,
    or none."""

    def __init__(self, nodes: Sequence[Node], protocol: Protocol | None) -> None:
        self._protocol = protocol
        number = {id(node): number for number, node in enumerate(nodes)}
        usually = [usual(node, protocol) for node in nodes]
        follows = [number[id(target)] if target is not None else None for target in usually]
        self._chain: list[int] = [-1] * len(nodes)
        self._members: list[int] = []  # of each chain, as bits
        self._after: list[int | None] = []  # where each chain leads
        self._lay_chains(follows)
        self._always = 0
        self._stops: dict[Field, tuple[list[int], list[int]]] = {}  # first values, and tests from there on
        self._collect(nodes)

    def _lay_chains(self, follows: list[int | None]) -> None:
        """A node goes on the chain of the one it leads to, unless a node with more before it does."""
        before = [1] * len(follows)
        heaviest: dict[int, int] = {}
        for number, target in enumerate(follows):
            if target is not None:
                before[target] += before[number]
        for number, target in enumerate(follows):
            if target is not None and before[number] > before[heaviest.get(target, number)] - (target not in heaviest):
                heaviest[target] = number
        for number in range(len(follows) - 1, -1, -1):
            target = follows[number]
            if target is not None and heaviest[target] == number:
                self._chain[number] = self._chain[target]
            else:
                self._chain[number] = len(self._members)
                self._members.append(0)
                self._after.append(target)
        by_chain: list[list[int]] = [[] for _ in self._members]
        for number, chain in enumerate(self._chain):
            by_chain[chain].append(number)
        self._members = [_bits(numbers) for numbers in by_chain]

    def _collect(self, nodes: Sequence[Node]) -> None:
        always: list[int] = []
        changes: dict[Field, list[tuple[int, int]]] = {}  # at this value, that test joins or leaves
        for number, node in enumerate(nodes):
            if isinstance(node, FieldTest | Call | Leaf):
                always.append(number)
            elif isinstance(node, Test):
                at = changes.setdefault(node.field, [])
                at.append((0, number))
                named, target, last = node.field.type in _NAMED, usual(node, self._protocol), len(node.edges) - 1
                for way, edge in enumerate(node.edges):
                    inner = edge.first + (way > 0 and not named), edge.last - (way < last and not named)
                    if edge.target is target and inner[0] <= inner[1]:
                        at += [(inner[0], number), (inner[1] + 1, number)]
        self._always = _bits(always)
        for field, at in changes.items():
            firsts, sets = list[int](), list[int]()
            for value, number in sorted(at):
                if not firsts or firsts[-1] != value:
                    firsts.append(value)
                    sets.append(sets[-1] if sets else 0)
                sets[-1] ^= 1 << number
            self._stops[field] = firsts, sets

    def of(self, value: Callable[[Field], int]) -> int:
        """The tests that a packet stops at, as bits; `value` tells what its fields hold."""
        stops = self._always
        for field, (firsts, sets) in self._stops.items():
            if field.protocol in ("ip", "ct", "iface") or (self._protocol and field.protocol == self._protocol.lower()):
                stops |= sets[bisect_right(firsts, value(field)) - 1]
        return stops

    def next(self, at: int, stops: int) -> int:
        """The first of `stops` on the usual way from node `at` on, that itself included."""
        while True:
            chain = self._chain[at]
            left = (stops & self._members[chain]) >> at
            if left:
                return at + (left & -left).bit_length() - 1
            following = self._after[chain]
            assert following is not None, "a chain without a way on ends in a node that all stop at"
            at = following


def _bits(numbers: Sequence[int]) -> int:
    """The integer with these bits."""
    octets = bytearray((max(numbers, default=0) >> 3) + 1)
    for number in numbers:
        octets[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(octets, "little")
