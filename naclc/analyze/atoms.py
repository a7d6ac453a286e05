"""The single tests of a condition, on one packet: which of them made it true or false, and how far it was from that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from naclc.decision.notation import value as written
from naclc.interpret.header import MalformedPacket
from naclc.interpret.walk import holds, value_of
from naclc.net.fields import Field
from naclc.pipeline.evaluation import Facts
from naclc.semantics.model import And, Compare, CompareFields, Condition, InSet, Literal, Not, Or
from naclc.source import Span

Atom = Compare | CompareFields | InSet | Literal


@dataclass(frozen=True, slots=True)
class Reading:
    """What one test of a condition saw: its place, whether it was true, and the values of its fields as they are
    written, by field name."""

    span: Span
    true: bool
    values: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return ", ".join(f"{name} is {value}" for name, value in self.values) or f"`{self.span.text}`"


def reasons(condition: Condition, facts: Facts, names: Mapping[int, str]) -> list[Reading]:
    """The tests that made `condition` what it is for `facts`, in source order: all operands of a true `and` and of a
    false `or`, else the first operand that settled it. `names` gives the names of Ifaces by number."""
    found: list[Reading] = []
    waiting = [condition]
    while waiting:
        match waiting.pop():
            case Not(operand):
                waiting.append(operand)
            case And(operands) as group:
                settled = [operand for operand in operands if not holds(operand, facts)][:1]
                waiting += reversed(settled or group.operands)
            case Or(operands) as group:
                settled = [operand for operand in operands if holds(operand, facts)][:1]
                waiting += reversed(settled or group.operands)
            case atom:
                found.append(_reading(atom, facts, names))
    return found


def unmet(condition: Condition, wanted: bool, facts: Facts, names: Mapping[int, str]) -> list[Reading]:
    """The fewest tests that would have to turn out otherwise for `condition` to be `wanted`: empty when it is."""
    match condition:
        case Not(operand):
            return unmet(operand, not wanted, facts, names)
        case And(operands) | Or(operands):
            each = [unmet(operand, wanted, facts, names) for operand in operands]
            if isinstance(condition, And) is wanted:
                return [reading for readings in each for reading in readings]
            return min(each, key=len)
        case atom:
            reading = _reading(atom, facts, names)
            return [] if reading.true is wanted else [reading]


def _reading(atom: Atom, facts: Facts, names: Mapping[int, str]) -> Reading:
    fields: tuple[Field, ...] = ()
    match atom:
        case Compare(field) | InSet(field):
            fields = (field,)
        case CompareFields(left, _, right):
            fields = (left, right)
        case Literal():
            return Reading(atom.span, atom.value, ())
    try:
        values = tuple((field.name, written(field, value_of(field, facts), names)) for field in fields)
        return Reading(atom.span, holds(atom, facts), values)
    except MalformedPacket:  # a field behind the end of the packet
        return Reading(atom.span, False, tuple((field.name, "not there") for field in fields))
