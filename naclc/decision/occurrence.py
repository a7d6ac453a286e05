"""Comparisons with values that no packet has where the function is attached (docs/language.md 8.2, 8.7).

Before   if (ct.state == related) { … }   if (ip.version == 6) { … }   if (ip.hdrlength < 20) { … }
Reports  never-occurs, at the comparison
"""

from __future__ import annotations

from collections.abc import Mapping

from naclc.decision.conditions import Atom, atoms
from naclc.decision.facts import as_seen_by, occurring
from naclc.decision.intervals import Intervals, merge, of_compare, of_leaves
from naclc.decision.notation import interval, value
from naclc.diagnostics import Diagnostic, warning
from naclc.net.fields import Field, FieldType, State
from naclc.pipeline.lower import walk
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.model import Compare, Condition, If, InSet, Kind

Values = Mapping[Field, Intervals]


def impossible(condition: Condition, values: Values) -> list[tuple[Compare | InSet, Intervals]]:
    """The comparisons in `condition` with what is not in `values`, the values that occur; and what that is."""
    found = ((atom, _never(atom, values)) for atom in atoms(condition))
    return [(atom, never) for atom, never in found if never and isinstance(atom, Compare | InSet)]


def _never(atom: Atom, values: Values) -> Intervals:
    match atom:
        case InSet(field, leaves) if field in values:
            return _outside(of_leaves(leaves, field.width), values[field])
        case Compare(field, operator, number) if field in values:
            if operator in ("==", "!="):
                return _outside(((number, number),), values[field])
            wanted = of_compare(atom)
            return () if _overlap(wanted, values[field]) else wanted or ((number, number),)
        case _:
            return ()


def never_occurring(pipeline: Pipeline) -> list[Diagnostic]:
    """`never-occurs` for each comparison with a value that no packet can have."""
    values = {kind: occurring(as_seen_by(kind, pipeline)) for kind in Kind}
    findings: list[Diagnostic] = []
    for function in pipeline.functions.values():
        for statement in walk(function.body):
            if isinstance(statement, If):
                found = impossible(statement.condition, values[function.kind])
                findings += [_finding(*each, function.kind, pipeline) for each in found]
    return findings


def _finding(atom: Compare | InSet, never: Intervals, kind: Kind, pipeline: Pipeline) -> Diagnostic:
    field = atom.field
    listed = ", ".join(interval(field, first, last) for first, last in never)
    if field.type is FieldType.STATE:
        states = [state for first, last in never for state in range(first, last + 1)]
        listed = " or ".join(f"`{value(field, state)}`" for state in states)
        help_ = "a packet is `new` or `established` here"
        if State.UNTRACKED in states:
            help_ = without_entry(pipeline)
        elif kind is Kind.FILTER and pipeline.untracked != "drop":
            help_ = "a packet is `new`, `established` or `untracked` here"
        return warning("never-occurs", f"`ct.state` is never {listed} here", atom.span, help=help_)
    if isinstance(atom, Compare) and atom.operator not in ("==", "!="):
        message = f"`{field.name}` is never {atom.operator} {atom.value}"
    else:
        message = f"`{field.name}` is never {listed}"
    help_ = "only IPv4 packets come here" if field.name == "ip.version" else "it is 20, 24 .. 60 octets"
    return warning("never-occurs", message, atom.span, help=help_)


def without_entry(pipeline: Pipeline) -> str:
    """Why a function meets no packet without an entry in the connection table."""
    if pipeline.untracked != "drop":
        return "packets without an entry pass by every Nat: test them in a Filter"
    return "packets without an entry are dropped before the first statement, unless a Conntrack has `untracked: filter`"


def _outside(some: Intervals, others: Intervals) -> Intervals:
    """The numbers of `some` that are not in `others`."""
    numbers = [(n, n) for first, last in some for n in range(first, last + 1) if not _overlap(((n, n),), others)]
    return merge(numbers)


def _overlap(some: Intervals, others: Intervals) -> bool:
    return any(first <= last_ and first_ <= last for first, last in some for first_, last_ in others)
