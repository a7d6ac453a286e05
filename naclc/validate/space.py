"""The packets a policy can tell apart, as the variables of a BDD.

A packet is a bit vector: the fields a pipeline names, most significant bit first. A flag of the tcp.flags byte shares
its bit. Fields that are compared with each other have their bits interleaved, so that the comparison stays small.
One more variable says whether the packet has its transport header (docs/language.md 8.3).

This holds the layout and nothing more: what a rule or a step means is encoded by its own side, each in its own way.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from naclc.net.fields import FIELDS, Field

if TYPE_CHECKING:
    from oxidd.bdd import BDDFunction, BDDManager

Pair = tuple[str, str]  # names of two fields that are compared with each other, in alphabetic order

# Fields with few values come first, addresses last: that keeps the sets of usual policies small.
_ORDER = ("ip.protocol", "ct.state", "iface.in", "iface.out", "tcp.flags", "icmp.type", "icmp.code")
_LAST = ("ip.daddr", "ip.saddr")
TRANSPORT = "transport-header"  # its name in assignments; 1: the header is there


class Space:
    """`fields` are those that may be tested; ip.protocol is always among the variables.

    With `free_pairs`, a comparison of two fields is not read from their bits but is three-way chance: two variables
    a pair. What is proved so is true; a difference that is found so may not be one.

    `nodes` bounds the BDD; beyond it operations raise MemoryError.
    """

    def __init__(self, fields: Iterable[Field], pairs: Iterable[Pair], nodes: int, *, free_pairs: bool = False) -> None:
        from oxidd.bdd import BDDManager

        self._manager: BDDManager = BDDManager(nodes, max(1 << 12, nodes // 4), 1)
        self.true: BDDFunction = self._manager.true()
        self.false: BDDFunction = self._manager.false()
        self.bits: dict[str, tuple[BDDFunction, ...]] = {}
        self.chance: dict[Pair, tuple[BDDFunction, BDDFunction]] = {}
        self._owners: list[tuple[str, int]] = []  # for each variable: field and weight of the bit
        self.transport = self._new_variable(TRANSPORT, 0)
        pairs = sorted(set(pairs))
        self._add_fields({_home(field) for field in fields} | {FIELDS["ip.protocol"]}, () if free_pairs else pairs)
        for pair in pairs if free_pairs else ():
            self.chance[pair] = (self._new_variable(f"{pair[0]} < {pair[1]}", 0), self._new_variable("equal", 0))

    def _new_variable(self, owner: str, weight: int) -> BDDFunction:
        (number,) = self._manager.add_vars(1)
        self._owners.append((owner, weight))
        return self._manager.var(number)

    def _add_fields(self, fields: set[Field], pairs: Iterable[Pair]) -> None:
        for group in _groups(sorted(fields, key=_rank), pairs):
            made: dict[str, list[BDDFunction]] = {field.name: [] for field in group}
            for weight in reversed(range(max(field.width for field in group))):
                for field in group:
                    if weight < field.width:
                        made[field.name].append(self._new_variable(field.name, weight))
            self.bits |= {name: tuple(bits) for name, bits in made.items()}
        flags = self.bits.get("tcp.flags", ())
        for field in FIELDS.values() if flags else ():
            if field.flag_bit is not None:
                self.bits[field.name] = (flags[7 - field.flag_bit],)

    def unknown(self, name: str) -> BDDFunction:
        """A set of packets of which nothing is known."""
        return self._new_variable(name, 0)

    def nodes(self) -> int:
        """How many nodes the BDD has now."""
        return int(self._manager.num_inner_nodes())

    def assignment(self, packets: BDDFunction) -> dict[str, int]:
        """One of `packets` (not empty) as field values; a field that does not matter is left out."""
        cube = packets.pick_cube()
        assert cube is not None
        values: dict[str, int] = {}
        for (owner, weight), bit in zip(self._owners, cube, strict=True):
            if bit is not None:
                values[owner] = values.get(owner, 0) | int(bit) << weight
        return values


def pair_of(left: Field, right: Field) -> Pair:
    return (left.name, right.name) if left.name <= right.name else (right.name, left.name)


def _home(field: Field) -> Field:
    return field if field.flag_bit is None else FIELDS["tcp.flags"]


def _rank(field: Field) -> tuple[int, int, str]:
    if field.name in _ORDER:
        return 0, _ORDER.index(field.name), ""
    return (2, _LAST.index(field.name), "") if field.name in _LAST else (1, 0, field.name)


def _groups(fields: list[Field], pairs: Iterable[Pair]) -> list[list[Field]]:
    """Fields that are compared with each other, directly or by way of others, in one group; in the order given."""
    group_of = {field.name: [field] for field in fields}
    for left, right in pairs:
        one, other = (group_of[_home(FIELDS[name]).name] for name in (left, right))
        if one is not other:
            one += other
            for field in other:
                group_of[field.name] = one
    unique = {id(group): group for group in group_of.values()}
    return list(unique.values())
