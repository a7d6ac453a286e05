"""Symbolic sets: which packets take which way through a graph, exactly, as BDDs over the bits of the fields.

Fields that a graph compares with each other have their bits interleaved: saddr == daddr is then 98 nodes, one after
the other it would be 2**32. A flag of the tcp.flags byte is that bit of it. One variable says whether the transport
header is there (docs/language.md 8.3).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from naclc.decision.graph import FieldTest, Graph, Guard, Node, Test
from naclc.decision.intervals import Intervals
from naclc.decision.walk import topological
from naclc.decision.witness import TRANSPORT
from naclc.net.fields import FIELDS, PROTOCOL_NUMBERS, Field

if TYPE_CHECKING:
    from oxidd.bdd import BDDFunction, BDDManager

# The order of variables: facts about the packet first, addresses last.
_FIRST = ("ip.protocol", "ip.frag-off", "ct.state", "iface.in", "iface.out", "tcp.flags", "icmp.type")
_LAST = ("ip.saddr", "ip.daddr")

Pairs = frozenset[tuple[Field, Field]]


def reads(graphs: Iterable[Graph]) -> tuple[frozenset[Field], Pairs]:
    """The fields that are tested in `graphs`, and the pairs that are compared with each other."""
    fields: set[Field] = set()
    pairs: set[tuple[Field, Field]] = set()
    for graph in graphs:
        for node in topological(graph.root):
            if isinstance(node, Test):
                fields.add(node.field)
            elif isinstance(node, FieldTest):
                fields |= {node.left, node.right}
                pairs.add((node.left, node.right))
    return frozenset(fields), frozenset(pairs)


class Symbols:
    """A universe of packets over `fields`.

    With `free_pairs`, each of `pairs` is compared by a free three-way choice instead of by its bits: sets are then
    too large rather than too small.

    Operations raise MemoryError beyond `nodes` BDD nodes.
    """

    def __init__(self, fields: Iterable[Field], pairs: Pairs, nodes: int, *, free_pairs: bool = False) -> None:
        from oxidd.bdd import BDDManager

        self._manager: BDDManager = BDDManager(nodes, max(1 << 12, nodes // 4), 1)
        self.all: BDDFunction = self._manager.true()
        self.none: BDDFunction = self._manager.false()
        self._meaning: list[tuple[str, int]] = []  # of each variable: field and bit
        self._bits: dict[str, list[BDDFunction]] = {}  # least significant first
        self._members: dict[tuple[str, Intervals], BDDFunction] = {}
        self._choices: dict[tuple[str, str], tuple[BDDFunction, BDDFunction]] = {}
        self._switches: dict[str, BDDFunction] = {}
        self._extras: list[str] = []
        self.settings: BDDFunction = self.all
        self.transport = self._variable(TRANSPORT, 0)
        self._lay_out({_whole(field) for field in fields}, frozenset() if free_pairs else pairs)
        for left, right in sorted(pairs, key=repr) if free_pairs else ():
            if (right.name, left.name) not in self._choices:
                choice = self._variable(f"{left} == {right}", 0), self._variable(f"{left} < {right}", 0)
                self._choices[left.name, right.name] = choice

    def _variable(self, name: str, bit: int) -> BDDFunction:
        self._meaning.append((name, bit))
        return self._manager.var(self._manager.add_vars(1)[0])

    def _lay_out(self, fields: set[Field], pairs: Pairs) -> None:
        partners: dict[Field, set[Field]] = {field: {field} for field in fields}
        for left, right in pairs:
            together = partners[_whole(left)] | partners[_whole(right)]
            for field in together:
                partners[field] = together
        for field in sorted(fields, key=_place):
            if field.name not in self._bits:
                self._interleave(sorted(partners[field], key=_place))

    def _interleave(self, fields: list[Field]) -> None:
        bits: dict[str, list[BDDFunction]] = {field.name: [] for field in fields}
        for bit in range(max(field.width for field in fields) - 1, -1, -1):
            for field in fields:
                if bit < field.width:
                    bits[field.name].insert(0, self._variable(field.name, bit))
        self._bits |= bits

    def has(self, field: Field) -> bool:
        return _whole(field).name in self._bits

    def bits(self, field: Field) -> list[BDDFunction]:
        """The bits of `field`, least significant first."""
        if field.flag_bit is not None:
            return [self._bits["tcp.flags"][field.flag_bit]]
        return self._bits[field.name]

    def extra(self, name: str, width: int) -> list[BDDFunction]:
        """The bits of a value that no packet carries, least significant first; the same for the same name."""
        if name not in self._bits:
            self._extras.append(name)
            self._bits[name] = [self._variable(name, bit) for bit in range(width - 1, -1, -1)][::-1]
        return self._bits[name]

    def extras(self) -> list[str]:
        """The names of all values that no packet carries."""
        return list(self._extras)

    def member(self, field: Field, intervals: Intervals) -> BDDFunction:
        """The packets whose `field` lies in one of `intervals` (sorted, disjoint)."""
        key = (field.name, intervals)
        if key not in self._members:
            self._members[key] = self._within(self.bits(field), list(intervals))
        return self._members[key]

    def _within(self, bits: list[BDDFunction], intervals: list[tuple[int, int]]) -> BDDFunction:
        """The numbers of these bits in one of `intervals`; halves that are alike are encoded once."""
        if not intervals:
            return self.none
        if intervals == [(0, (1 << len(bits)) - 1)]:
            return self.all
        half = 1 << (len(bits) - 1)
        low = [(first, min(last, half - 1)) for first, last in intervals if first < half]
        high = [(max(first, half) - half, last - half) for first, last in intervals if last >= half]
        rest = bits[:-1]
        below = self._within(rest, low)
        return bits[-1].ite(below if high == low else self._within(rest, high), below)

    def without(self, packets: BDDFunction, names: Iterable[str]) -> BDDFunction:
        """`packets`, whatever they carry in the fields `names`."""
        gone = set(names)
        cube = self.all
        for number, (name, _) in enumerate(self._meaning):
            if name in gone:
                cube = cube & self._manager.var(number)
        return packets.exists(cube)

    def values(self, packets: BDDFunction, field: Field, most: int) -> Intervals | None:
        """What `packets` carry in `field`, whatever else they are; None for more than `most` intervals."""
        others = {name for name, _ in self._meaning} - {_whole(field).name}
        found: list[tuple[int, int]] = []
        waiting = [(self.without(packets, others), len(self.bits(field)), 0)]
        while waiting:
            some, width, first = waiting.pop()
            if not some.satisfiable():
                continue
            if some == self.all:
                last = first + (1 << width) - 1
                if found and found[-1][1] == first - 1:
                    found[-1] = found[-1][0], last
                else:
                    found.append((first, last))
                if len(found) > most:
                    return None
                continue
            top = self.bits(field)[width - 1]
            halves = some.cofactors() if some.node_var() == top.node_var() else None
            high, low = halves or (some, some)
            waiting += [(high, width - 1, first + (1 << width - 1)), (low, width - 1, first)]
        return tuple(found)

    def number(self, bits: Iterable[BDDFunction], assignment: Mapping[str, int]) -> int:
        """What `bits`, least significant first, come to for a packet with the values of `assignment`."""
        settings = [
            (number, bool(assignment.get(name, 0) >> bit & 1)) for number, (name, bit) in enumerate(self._meaning)
        ]
        return sum(int(bit.eval(settings)) << place for place, bit in enumerate(bits))

    def switch(self, name: str, position: bool) -> BDDFunction:
        """A free choice that no field has a part in, the same for the same name; `settings` has its `position`."""
        if name not in self._switches:
            choice = self._switches[name] = self._variable(name, 0)
            self.settings = self.settings & (choice if position else ~choice)
        return self._switches[name]

    def guard(self, protocol: str) -> BDDFunction:
        number = PROTOCOL_NUMBERS[protocol]
        return self.transport & self.member(FIELDS["ip.protocol"], ((number, number),))

    def against(self, left: Field, right: Field) -> tuple[BDDFunction, BDDFunction]:
        """(the packets with left < right, those with left == right)."""
        if (left.name, right.name) in self._choices:
            equal, less = self._choices[left.name, right.name]
            return less & ~equal, equal
        if (right.name, left.name) in self._choices:
            equal, less = self._choices[right.name, left.name]
            return ~less & ~equal, equal
        ours, theirs = self.bits(left), self.bits(right)
        less, equal = self.none, self.all
        for bit in range(max(len(ours), len(theirs))):
            a = ours[bit] if bit < len(ours) else self.none
            b = theirs[bit] if bit < len(theirs) else self.none
            less = a.ite(b & less, b | less)
            equal = equal & a.equiv(b)
        return less, equal

    def ways_out(self, node: Test | FieldTest | Guard) -> list[tuple[Node, BDDFunction]]:
        """Each way out of a test with the packets that take it; two ways may lead to one node."""
        match node:
            case Guard(protocol, inside, outside):
                there = self.guard(protocol)
                return [(inside, there), (outside, ~there)]
            case FieldTest(left, right):
                less, equal = self.against(left, right)
                return [(node.less, less), (node.equal, equal), (node.greater, ~(less | equal))]
            case Test(field, edges):
                targets = {id(edge.target): edge.target for edge in edges}
                groups: dict[int, list[tuple[int, int]]] = {number: [] for number in targets}
                for edge in edges:
                    groups[id(edge.target)].append((edge.first, edge.last))
                rest, *others = sorted(groups, key=lambda number: -len(groups[number]))
                ways = [(targets[number], self.member(field, tuple(groups[number]))) for number in others]
                left_over = self.all
                for _, packets in ways:
                    left_over = left_over & ~packets
                return [*ways, (targets[rest], left_over)]

    def pick(self, packets: BDDFunction) -> dict[str, int]:
        """One of `packets`, which are not none, as values of the fields that matter."""
        cube = packets.pick_cube()
        assert cube is not None
        values: dict[str, int] = {}
        for (name, bit), value in zip(self._meaning, cube, strict=True):
            if value is not None:
                values[name] = values.get(name, 0) | value << bit
        return values


def _whole(field: Field) -> Field:
    return FIELDS["tcp.flags"] if field.flag_bit is not None else field


def _place(field: Field) -> tuple[int, int, str]:
    name = field.name
    if name in _FIRST:
        return 0, _FIRST.index(name), name
    return (2, _LAST.index(name), name) if name in _LAST else (1, 0, name)
