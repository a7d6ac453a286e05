"""The tables of classifiers as C++: what emit/classifiers.cpp.j2 needs to know."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, pairwise, product
from typing import Any

from naclc.codegen.classifier import DESTINATION_PORT, PROTOCOL, SOURCE_PORT, Classifier, Group, Key, Rows
from naclc.codegen.layout import Names, going_on, outcome
from naclc.codegen.names import accessor
from naclc.codegen.unit import ClassifyStep, ReturnStep, Step
from naclc.net.fields import FIELDS, PROTOCOL_NUMBERS, Field

_LINE = 100  # characters of numbers on a line
_WORD = 32
_ALIGNED = 4  # words of a row are a multiple of it: one SSE2 register
_DIRECT_BITS = 16  # keys up to so wide are looked up, wider ones searched
_PAGE_BITS = 8
_MOST_ROWS = 1 << 17  # cells of a group whose second key is looked up
_BEYOND = (0,) * 6  # entries behind the last one that the C++ reads
_LENGTH_BITS = 10  # of a node's place: how many intervals it has


def values(step: ClassifyStep, steps: Sequence[Step], names: Names) -> dict[str, Any]:
    """The variables of the template for one classifier; `steps` are those that are rendered."""
    made = step.classifier
    keys = sorted(_keys(made), key=lambda key: key.name)
    classes = {key: bounds for key in keys if made.groups and (bounds := _classes(key, made)) is not None}
    searched = [division for division in made.divisions if division.key not in classes]
    return {
        "number": step.number,
        "comment": _comment(step, names),
        "keys": [(identifier(key), _expression(key)) for key in keys],
        "header": SOURCE_PORT in keys or DESTINATION_PORT in keys,
        "classed": [_classed(key, bounds) for key, bounds in classes.items()],
        "divisions": [
            {"name": identifier(division.key), "type": _type(division.bounds[-1]), "lines": _lines(division.bounds)}
            for division in searched
        ],
        "groups": [_group(number, group, made, classes) for number, group in enumerate(made.groups)],
        "listed": [] if made.groups else _listed(made, keys),
        "rules": len(made.rules),
        "outcomes": _outcomes(step, steps, names),
    }


def _listed(made: Classifier, keys: Sequence[Key]) -> list[str]:
    """For each interval of a rule a line: for each key the first value and how many more; and the rule."""
    lines = []
    for number, rule in enumerate(made.rules):
        said = dict(rule.tests)
        for intervals in product(*(said.get(key, ((0, (1 << key.width) - 1),)) for key in keys)):
            ranges = ", ".join(f"{first:#x}, {last - first:#x}" for first, last in intervals)
            lines.append(f"{{{{{ranges}}}, {number}}},")
    return lines


def _classes(key: Key, made: Classifier) -> tuple[int, ...] | None:
    """Where the values of `key` begin that some table tells apart: class number i is from there to before the next.
    None for a wide key when a row of cells for every node, one for each class, would be too much."""
    bounds = {0}
    for division in (*made.divisions, *(group.first for group in made.groups)):
        if division.key == key:
            bounds.update(division.bounds)
    for group in made.groups:
        if group.second == key:
            bounds.update(bound for node in group.nodes for bound in node.bounds)
    rows = [len(group.nodes) for group in made.groups if group.second == key]
    if key.width > _DIRECT_BITS and (not rows or max(rows) * len(bounds) > _MOST_ROWS):
        return None
    return tuple(sorted(bounds))


def _classed(key: Key, bounds: tuple[int, ...]) -> dict[str, Any]:
    """The class of every value: by its upper bits the page, there by its lower bits; of a wide key it is searched."""
    if key.width > _DIRECT_BITS:
        found = {"name": identifier(key), "count": len(bounds), "searched": True}
        return {**found, "type": _type(bounds[-1]), "lines": _lines(bounds)}
    size = 1 << min(key.width, _PAGE_BITS)
    classes = [at for at, (first, end) in enumerate(pairwise((*bounds, 1 << key.width))) for _ in range(end - first)]
    pages = [tuple(classes[at : at + size]) for at in range(0, len(classes), size)]
    numbers = {page: number for number, page in enumerate(dict.fromkeys(pages))}
    return {
        "name": identifier(key),
        "count": len(bounds),
        "searched": False,
        "bits": _PAGE_BITS if len(pages) > 1 else None,
        "page_type": _type(len(numbers) - 1),
        "pages": _lines(numbers[page] for page in pages),
        "type": _type(len(bounds) - 1),
        "lines": _lines(at for page in numbers for at in page),
    }


def fields_read(made: Classifier) -> set[Field]:
    """The fields whose accessors the text of `made` uses."""
    return {FIELDS[key.name] for key in _keys(made) if key.name in FIELDS}


def identifier(key: Key) -> str:
    return accessor(FIELDS[key.name]) if key.name in FIELDS else key.name.replace(" ", "_")


def _keys(made: Classifier) -> set[Key]:
    if not made.groups:
        return {key for rule in made.rules for key, _ in rule.tests}
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


def _group(number: int, group: Group, made: Classifier, classes: Mapping[Key, tuple[int, ...]]) -> dict[str, Any]:
    entries = [entry for cell in group.cells for entry in cell]
    words = -(-group.predicates // (_WORD * _ALIGNED)) * _ALIGNED
    return {
        "number": number,
        "comment": f"{len(group.members)} rules by {group.first.key.name}, then {group.second.name}",
        "first": identifier(group.first.key),
        "second": identifier(group.second),
        **_searches(group, classes),
        "entry_type": _type(max(max(entry.predicate, entry.rule) for entry in entries)),
        "entries": _lines([*(n for entry in entries for n in (entry.predicate, entry.rule)), *_BEYOND]),
        "words": words,
        "rows": [_rows(rows, words, made, classes) for rows in group.rows],
    }


def _searches(group: Group, classes: Mapping[Key, tuple[int, ...]]) -> dict[str, Any]:
    """The tables from the first key to a cell. With classes of a key its interval is not searched but looked up."""
    first, second = classes.get(group.first.key), classes.get(group.second)
    if second is not None and len(second) * len(group.nodes) <= _MOST_ROWS:
        begins = _begins(group)
        cells = [begins[node.cells[at]] for node in group.nodes for at in _intervals(node.bounds, second)]
        places = [node * len(second) for node in group.first_nodes]
        second_bounds: list[int] = []
    else:
        second = None
        starts, second_bounds, cells = _nodes(group)
        places = [starts[node] << _LENGTH_BITS | len(group.nodes[node].bounds) for node in group.first_nodes]
    if first is not None:
        places = [places[at] for at in _intervals(group.first.bounds, first)]
    return {
        "first_classed": first is not None,
        "first_type": _type(group.first.bounds[-1]),
        "first_bounds": _lines(group.first.bounds),
        "place_type": _type(max(places)),
        "places": _lines(places),
        "second_classed": second is not None,
        "second_type": _type(max(second_bounds, default=0)),
        "second_bounds": _lines(second_bounds),
        "steps": (max(len(node.bounds) for node in group.nodes) - 1).bit_length(),
        "cell_type": _type(max(cells)),
        "cells": _lines(cells),
        "is_plain": group.predicates == 1,
    }


def _intervals(bounds: Sequence[int], classes: Iterable[int]) -> list[int]:
    """For each class the interval of `bounds` that it is part of."""
    return [bisect_right(bounds, first) - 1 for first in classes]


def _begins(group: Group) -> list[int]:
    """Where each cell begins among the entries; without predicates, the rule that a cell begins with."""
    if group.predicates == 1:
        return [cell[0].rule for cell in group.cells]
    return [*accumulate((2 * len(cell) for cell in group.cells[:-1]), initial=0)]


def _nodes(group: Group) -> tuple[list[int], list[int], list[int]]:
    """Where each node begins; bounds and first entries of cells of all nodes, one node after the other."""
    if any(len(node.bounds) >> _LENGTH_BITS for node in group.nodes):
        raise AssertionError("a node has too many intervals")
    begins = _begins(group)
    starts: list[int] = []
    bounds: list[int] = []
    cells: list[int] = []
    for node in group.nodes:
        starts.append(len(bounds))
        bounds += node.bounds
        cells += [begins[cell] for cell in node.cells]
    return starts, bounds, cells


def _rows(rows: Rows, words: int, made: Classifier, classes: Mapping[Key, tuple[int, ...]]) -> dict[str, Any]:
    division = made.divisions[rows.division]
    given = [rows.rows[at] for at in _intervals(division.bounds, classes.get(division.key, division.bounds))]
    values = [row >> _WORD * word & 0xFFFFFFFF for row in given for word in range(words)]
    return {"key": identifier(division.key), "lines": _lines(values)}


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
