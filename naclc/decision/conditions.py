"""Conditions of statements as symbolic sets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from naclc.decision.intervals import of_compare, of_leaves
from naclc.decision.symbolic import Symbols
from naclc.decision.trampoline import Work, run
from naclc.semantics.model import And, Compare, CompareFields, Condition, InSet, Literal, Not, Or

if TYPE_CHECKING:
    from oxidd.bdd import BDDFunction

Atom = Compare | CompareFields | InSet | Literal


def atoms(condition: Condition) -> Iterator[Atom]:
    """The tests that `condition` is made of, in source order."""
    waiting = [condition]
    while waiting:
        match waiting.pop():
            case Not(operand):
                waiting.append(operand)
            case And(operands) | Or(operands):
                waiting += reversed(operands)
            case atom:
                yield atom


def packets_where(condition: Condition, symbols: Symbols) -> BDDFunction:
    """The packets that `condition` is true for.

    A condition that the compiler evaluated is a switch: both of its positions are looked at, so that what a switch
    turns off counts as reached.
    """
    return run(_where(condition, symbols))


def _where(condition: Condition, symbols: Symbols) -> Work[BDDFunction]:
    match condition:
        case Literal(value, span):
            return symbols.switch(span.text, value)
        case Compare(field):
            return symbols.member(field, of_compare(condition))
        case InSet(field, leaves):
            return symbols.member(field, of_leaves(leaves, field.width))
        case CompareFields(left, operator, right):
            return _compared(operator, *symbols.against(left, right))
        case Not(operand):
            packets: BDDFunction = yield _where(operand, symbols)
            return ~packets
        case And(operands):
            packets = symbols.all
            for operand in operands:
                true: BDDFunction = yield _where(operand, symbols)
                packets = packets & true
            return packets
        case Or(operands):
            packets = symbols.none
            for operand in operands:
                true = yield _where(operand, symbols)
                packets = packets | true
            return packets


def _compared(operator: str, less: BDDFunction, equal: BDDFunction) -> BDDFunction:
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
        case other:
            raise AssertionError(f"no such operator: {other}")
