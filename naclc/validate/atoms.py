"""What the tests in a policy's text mean, as sets of packets: straight from docs/language.md sections 4 and 7.1.

The plan's tests are encoded elsewhere (naclc.validate.steps) and in another way, so that a slip in one is seen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING

from naclc.net.fields import PROTOCOL_NUMBERS, Field
from naclc.semantics.model import (
    And,
    Between,
    Compare,
    CompareFields,
    Condition,
    InSet,
    Leaf,
    Literal,
    Network,
    Not,
    Or,
    Protocol,
    Single,
)
from naclc.validate.space import Space, pair_of

if TYPE_CHECKING:
    from oxidd.bdd import BDDFunction

Bits = Sequence["BDDFunction"]
Prefix = tuple[int, int]  # (value of the first bits, how many)
_FEW = 16  # leaves up to which a set is simply the union of its leaves
_STEP = 8  # bits that a large set of prefixes is divided by at a time


class Atoms:
    """Conditions as sets of packets of one space; equal tests are encoded once."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._compared: dict[tuple[str, str, int], BDDFunction] = {}

    def guard(self, protocol: Protocol) -> BDDFunction:
        """The packets a Block of `protocol` is run for."""
        if protocol is Protocol.IP:
            return self._space.true
        number = PROTOCOL_NUMBERS[protocol]
        return self._space.transport & self._prefix(self._space.bits["ip.protocol"], number, 8)

    def condition(self, condition: Condition) -> BDDFunction:
        """The packets for which `condition` is true."""
        if not isinstance(condition, Not | And | Or):
            return self._atom(condition)
        parts: list[Condition] = [condition]
        for part in parts:  # grows while it is gone through: level by level, operands of one part side by side
            parts += _operands(part)
        sets: deque[BDDFunction] = deque()  # from the last part to the first; a part finds its operands in front
        for part in reversed(parts):
            taken = [sets.popleft() for _ in _operands(part)]
            match part:
                case Not():
                    sets.append(~taken[0])
                case And():
                    sets.append(reduce(and_, taken, self._space.true))
                case Or():
                    sets.append(reduce(or_, taken, self._space.false))
                case atom:
                    sets.append(self._atom(atom))
        return sets.pop()

    def _atom(self, atom: Compare | CompareFields | InSet | Literal) -> BDDFunction:
        match atom:
            case Literal(value):
                return self._space.true if value else self._space.false
            case Compare(field, operator, value):
                return self._compare(field, operator, value)
            case CompareFields(left, operator, right):
                return self._compare_fields(left, operator, right)
            case InSet(field, leaves):
                return self._member(field, leaves)

    def _compare(self, field: Field, operator: str, value: int) -> BDDFunction:
        key = (field.name, operator, value)
        if key not in self._compared:
            bits = self._space.bits[field.name]
            match operator:
                case "==":
                    made = self._prefix(bits, value, field.width)
                case "!=":
                    made = ~self._prefix(bits, value, field.width)
                case "<":
                    made = self._below(bits, value)
                case "<=":
                    made = self._below(bits, value + 1)
                case ">":
                    made = ~self._below(bits, value + 1)
                case ">=":
                    made = ~self._below(bits, value)
                case _:
                    raise AssertionError(f"no such operator: {operator}")
            self._compared[key] = made
        return self._compared[key]

    def _prefix(self, bits: Bits, value: int, length: int) -> BDDFunction:
        """The first `length` bits are those of `value`, a number as wide as the field."""
        result, width = self._space.true, len(bits)
        for at in reversed(range(length)):
            wanted = value >> (width - 1 - at) & 1
            result = bits[at] & result if wanted else ~bits[at] & result
        return result

    def _below(self, bits: Bits, limit: int) -> BDDFunction:
        """The number is less than `limit`, 0 .. 2**width."""
        if limit >> len(bits):
            return self._space.true
        result = self._space.false
        for at, bit in enumerate(reversed(bits)):
            result = ~bit | result if limit >> at & 1 else ~bit & result
        return result

    def _compare_fields(self, left: Field, operator: str, right: Field) -> BDDFunction:
        less, equal = self._less_and_equal(left, right)
        match operator:
            case "==":
                return equal
            case "!=":
                return ~equal
            case "<":
                return less
            case "<=":
                return less | equal
            case ">":
                return ~(less | equal)
            case ">=":
                return ~less
            case _:
                raise AssertionError(f"no such operator: {operator}")

    def _less_and_equal(self, left: Field, right: Field) -> tuple[BDDFunction, BDDFunction]:
        pair = pair_of(left, right)
        if left == right:
            return self._space.false, self._space.true
        if pair in self._space.chance:
            first_less, equal = self._space.chance[pair]
            first_less = first_less & ~equal
            return (first_less if pair[0] == left.name else ~(first_less | equal)), equal
        width = max(left.width, right.width)
        padding = self._space.false
        ours, theirs = self._space.bits[left.name], self._space.bits[right.name]
        ours = (padding,) * (width - len(ours)) + tuple(ours)
        theirs = (padding,) * (width - len(theirs)) + tuple(theirs)
        less, equal = self._space.false, self._space.true
        for a, b in zip(reversed(ours), reversed(theirs), strict=True):
            same = a.equiv(b)
            less, equal = (~a & b) | (same & less), same & equal
        return less, equal

    def _member(self, field: Field, leaves: tuple[Leaf, ...]) -> BDDFunction:
        bits = self._space.bits[field.name]
        ranges: list[BDDFunction] = []
        prefixes: list[Prefix] = []
        for leaf in leaves:
            match leaf:
                case Single(value):
                    prefixes.append((value, field.width))
                case Network(address, length):
                    prefixes.append((address >> (field.width - length), length))
                case Between(first, last):
                    ranges.append(self._below(bits, last + 1) & ~self._below(bits, first))
        return self._union([*ranges, self._prefixes(bits, prefixes)])

    def _prefixes(self, bits: Bits, prefixes: list[Prefix]) -> BDDFunction:
        """One of `prefixes` fits; many are first divided by their leading bits, so that unions stay small."""
        if any(length == 0 for _, length in prefixes):
            return self._space.true
        if len(prefixes) <= _FEW:
            width = len(bits)
            return self._union([self._prefix(bits, value << (width - n), n) for value, n in prefixes])
        groups: dict[Prefix, list[Prefix]] = {}
        for value, length in prefixes:
            head = min(length, _STEP)
            rest = length - head
            groups.setdefault((value >> rest, head), []).append((value & ((1 << rest) - 1), rest))
        parts = []
        for (value, head), rests in sorted(groups.items()):
            chosen = self._prefix(bits[:head], value, head)
            parts.append(chosen & self._prefixes(bits[head:], rests))
        return self._union(parts)

    def _union(self, sets: list[BDDFunction]) -> BDDFunction:
        """Two by two, so that large ones meet late."""
        while len(sets) > 1:
            odd = sets[len(sets) & ~1 :]
            sets = [a | b for a, b in zip(sets[0::2], sets[1::2], strict=False)] + odd
        return sets[0] if sets else self._space.false


def _operands(condition: Condition) -> tuple[Condition, ...]:
    match condition:
        case Not(operand):
            return (operand,)
        case And(operands) | Or(operands):
            return operands
        case _:
            return ()
