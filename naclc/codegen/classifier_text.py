"""The tables of classifiers as C++: what emit/classifiers.cpp.j2 needs to know."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from naclc.codegen.classifier import DESTINATION_PORT, PROTOCOL, SOURCE_PORT, Classifier, Group, Key, Rows
from naclc.codegen.layout import Names, going_on, outcome
from naclc.codegen.names import accessor
from naclc.codegen.unit import ClassifyStep, ReturnStep, Step
from naclc.net.fields import FIELDS, PROTOCOL_NUMBERS, Field

_LINE = 100  # characters of numbers on a line
_WORD = 32
_ALIGNED = 4  # words of a row are a multiple of it: one SSE2 register
_LENGTH_BITS = 10  # of a node's place: how many intervals it has


def values(step: ClassifyStep, steps: Sequence[Step], names: Names) -> dict[str, Any]:
    """The variables of the template for one classifier; `steps` are those that are rendered."""
    made = step.classifier
    keys = sorted(_keys(made), key=lambda key: key.name)
    return {
        "number": step.number,
        "comment": _comment(step, names),
        "keys": [(identifier(key), _expression(key)) for key in keys],
        "header": SOURCE_PORT in keys or DESTINATION_PORT in keys,
        "divisions": [
            {"name": identifier(made_of.key), "type": _type(made_of.bounds[-1]), "lines": _lines(made_of.bounds)}
            for made_of in made.divisions
        ],
        "groups": [_group(number, group, made) for number, group in enumerate(made.groups)],
        "rules": len(made.rules),
        "outcomes": _outcomes(step, steps, names),
    }


def fields_read(made: Classifier) -> set[Field]:
    """The fields whose accessors the text of `made` uses."""
    return {FIELDS[key.name] for key in _keys(made) if key.name in FIELDS}


def identifier(key: Key) -> str:
    return accessor(FIELDS[key.name]) if key.name in FIELDS else key.name.replace(" ", "_")


def _keys(made: Classifier) -> set[Key]:
    grouped = {key for group in made.groups for key in (group.first.key, group.second)}
    return grouped | {division.key for division in made.divisions}


def _expression(key: Key) -> str:
    if key == SOURCE_PORT:
        return "load16(header)"
    if key == DESTINATION_PORT:
        return "load16(header + 2)"
    if key == PROTOCOL:
        return "packet.ip[9] | (packet.transport != nullptr ? 256u : 0u)"
    field = FIELDS[key.name]
    read = f"packet.{accessor(field)}()"
    number = PROTOCOL_NUMBERS.get(field.protocol.upper())
    if number is None:
        return read
    return f"packet.transport != nullptr && packet.ip[9] == {number} ? {read} : 0u"


def _comment(step: ClassifyStep, names: Names) -> str:
    line = names.line(step.statement)
    where = "" if line is None else f", from line {line} on"
    return f"{len(step.classifier.rules)} rules{where}"


def _group(number: int, group: Group, made: Classifier) -> dict[str, Any]:
    starts, bounds, cells = _nodes(group)
    places = [starts[node] << _LENGTH_BITS | len(group.nodes[node].bounds) for node in group.first_nodes]
    if any(len(node.bounds) >> _LENGTH_BITS for node in group.nodes):
        raise AssertionError("a node has too many intervals")
    words = -(-group.predicates // (_WORD * _ALIGNED)) * _ALIGNED
    entries = [entry for cell in group.cells for entry in cell]
    return {
        "number": number,
        "comment": f"{len(group.members)} rules by {group.first.key.name}, then {group.second.name}",
        "first": identifier(group.first.key),
        "first_type": _type(group.first.bounds[-1]),
        "first_bounds": _lines(group.first.bounds),
        "place_type": _type(max(places)),
        "places": _lines(places),
        "second": identifier(group.second),
        "second_type": _type(max(bounds)),
        "second_bounds": _lines(bounds),
        "cell_type": _type(max(cells)),
        "cells": _lines(cells),
        "entry_type": _type(max(max(entry.predicate, entry.rule) for entry in entries)),
        "entries": _lines([value for entry in entries for value in (entry.predicate, entry.rule)]),
        "words": words,
        "rows": [_rows(rows, words, made) for rows in group.rows],
    }


def _nodes(group: Group) -> tuple[list[int], list[int], list[int]]:
    """Where each node begins; bounds and first entries of cells of all nodes, one node after the other."""
    starts: list[int] = []
    bounds: list[int] = []
    cells: list[int] = []
    begins, at = [], 0
    for cell in group.cells:
        begins.append(at)
        at += 2 * len(cell)  # two numbers an entry
    for node in group.nodes:
        starts.append(len(bounds))
        bounds += node.bounds
        cells += [begins[cell] for cell in node.cells]
    return starts, bounds, cells


def _rows(rows: Rows, words: int, made: Classifier) -> dict[str, Any]:
    values = [row >> _WORD * word & 0xFFFFFFFF for row in rows.rows for word in range(words)]
    return {"key": identifier(made.divisions[rows.division].key), "lines": _lines(values)}


def _outcomes(step: ClassifyStep, steps: Sequence[Step], names: Names) -> list[str]:
    ways = {target: number for number, target in enumerate(going_on(step, steps), start=1)} | {step.otherwise: 0}

    def text(target: int, ending: str) -> str:
        made = steps[target]
        if not isinstance(made, ReturnStep):
            return f"go_on({ways[target]}),{ending}"
        line = None if made.is_end else names.line(made.statement)
        return f"{outcome(made, names)}," + ("" if line is None else f"  // line {line}") + ending

    return [*(text(rule.target, "") for rule in step.classifier.rules), text(step.otherwise, "  // no rule")]


def _type(highest: int) -> str:
    return next(f"uint{bits}_t" for bits in (8, 16, 32, 64) if highest < 1 << bits)


def _lines(values: Iterable[int]) -> list[str]:
    lines = [""]
    for value in values:
        text = f"{value}," if value < 1 << 31 else f"{value}u,"
        if len(lines[-1]) + len(text) > _LINE:
            lines.append("")
        lines[-1] += text
    return lines
