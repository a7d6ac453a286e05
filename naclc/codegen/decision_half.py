"""The first half of the file: what naclc.codegen.render needs to know of the decision functions."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from naclc.codegen import classifier_text, fields, layout
from naclc.codegen.expression import INLINE_INTERVALS, dotted
from naclc.codegen.names import accessor, function_name, literal, source_comment
from naclc.codegen.repeats import repeated
from naclc.codegen.unit import (
    ClassifyStep,
    CompareStep,
    FieldStep,
    GuardStep,
    LogStep,
    MemberStep,
    ReturnStep,
    Step,
    Table,
    Unit,
)
from naclc.net.fields import FIELDS, NO_IFACE, PROTOCOL_NUMBERS, Field, FieldType
from naclc.pipeline.evaluation import Rewrite, Verdict
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.model import Function

_SET_LINE = 8  # numbers on a line of a set
_INDEXED = 4096  # a set of addresses with more intervals is indexed by the upper half of an address
_LOG_OCTETS = 256  # that are collected before they go to the console
LONGEST_MESSAGE = 2047  # octets of a syslog message: IncludeOS has a buffer of 2048


def values(unit: Unit, pipeline: Pipeline) -> dict[str, Any]:
    """The variables of emit/decision.cpp.j2 and emit/native.cpp.j2, but `uses`."""
    steps = [step for function in unit.functions for step in function.steps]
    read = _fields_read(steps, unit)
    accessors = [(accessor(field), fields.expression(field)) for field in FIELDS.values() if field in read]
    used = {step.table for step in steps if isinstance(step, MemberStep)}
    large = [(number, table) for number, table in enumerate(unit.tables) if number in used and _is_large(table)]
    names = _names(unit, pipeline)
    return {
        "functions": _functions(unit, pipeline, names),
        "classifiers": [
            classifier_text.values(step, function.steps, names)
            for function in unit.functions
            for step in function.steps
            if isinstance(step, ClassifyStep)
        ],
        "repeated": len(repeated(unit)),
        "accessors": accessors,
        "loads": _loads(accessors, any(isinstance(step, ClassifyStep) for step in steps)),
        "no_iface": f"{NO_IFACE:#x}",
        "protocols": _protocols(steps),
        "sets": [_set(number, table, steps, pipeline) for number, table in large],
        "rewrites": _rewrite_lines(unit, pipeline),
        "log_octets": _log_octets(steps, pipeline),
        "iface_names": [literal(iface.name) for iface in pipeline.ifaces],
        "ifaces_in_log": any(field.type is FieldType.IFACE for field in _logged(steps)),
    }


def uses(unit: Unit, sets: bool) -> dict[str, bool]:
    """Which parts of the templates this unit needs; all others are left out."""
    steps = [step for function in unit.functions for step in function.steps]
    logged = {field.type for field in _logged(steps)}
    logs = any(isinstance(step, LogStep) for step in steps)
    words = {FieldType.STATE, FieldType.IFACE}
    small = [
        interval
        for step in steps
        if isinstance(step, MemberStep) and not _is_large(unit.tables[step.table])
        for interval in unit.tables[step.table].intervals
        if interval[0] not in (0, interval[1]) and interval[1] != (1 << step.field.width) - 1
    ]
    return {
        "guards": any(isinstance(step, GuardStep) for step in steps),
        "accept": _returns(steps, Verdict.ACCEPT),
        "drop": _returns(steps, Verdict.DROP),
        "address": _compares_addresses(steps, unit) or any(rewrite.address for _, rewrite in _rewrites(unit)),
        "between": bool(small),
        "log": logs,
        "syslog": any(isinstance(step, LogStep) and step.severity is not None for step in steps),
        "rewrite": bool(_rewrites(unit)),
        "number": bool(logged - words - {FieldType.ADDR, FieldType.BOOL}),
        "log_address": FieldType.ADDR in logged,
        "log_truth": FieldType.BOOL in logged,
        "log_state": FieldType.STATE in logged,
        "cstddef": logs or sets or any(isinstance(step, ClassifyStep) for step in steps),
        "cstring": bool(logged & words),
    }


def _compares_addresses(steps: Iterable[Step], unit: Unit) -> bool:
    return any(
        step.field.type is FieldType.ADDR and (isinstance(step, CompareStep) or not _is_large(unit.tables[step.table]))
        for step in steps
        if isinstance(step, CompareStep | MemberStep)
    )


def _returns(steps: Iterable[Step], verdict: Verdict) -> bool:
    return any(isinstance(step, ReturnStep) and step.verdict is verdict for step in steps)


def _is_large(table: Table) -> bool:
    return len(table.intervals) > INLINE_INTERVALS


def _logged(steps: Iterable[Step]) -> list[Field]:
    return [part for step in steps if isinstance(step, LogStep) for part in step.parts if isinstance(part, Field)]


def _log_octets(steps: Iterable[Step], pipeline: Pipeline) -> int:
    """Octets that the buffer of texts has room for: all of the longest message, within what IncludeOS takes."""
    names = max((len(iface.name) for iface in pipeline.ifaces), default=1)
    longest = {FieldType.ADDR: 15, FieldType.BOOL: 5, FieldType.STATE: 11, FieldType.IFACE: names}
    lengths = [
        sum(len(part.encode()) if isinstance(part, str) else longest.get(part.type, 10) for part in step.parts)
        for step in steps
        if isinstance(step, LogStep) and step.severity is not None
    ]
    return min(max([_LOG_OCTETS, *lengths]), LONGEST_MESSAGE)


def _fields_read(steps: Iterable[Step], unit: Unit) -> set[Field]:
    read: set[Field] = set()
    for step in steps:
        if isinstance(step, CompareStep | MemberStep):
            read.add(step.field)
        elif isinstance(step, FieldStep):
            read |= {step.left, step.right}
        elif isinstance(step, ClassifyStep):
            read |= classifier_text.fields_read(step.classifier)
    return read | set(_logged(steps))


def _loads(accessors: list[tuple[str, str]], ports: bool) -> list[tuple[int, str]]:
    """The loads that the accessors and classifiers use; the wider one is made of the narrower."""
    wide = any("load32" in text for _, text in accessors)
    narrow = wide or ports or any("load16" in text for _, text in accessors)
    return [(bits, fields.LOADS[bits]) for bits, needed in ((16, narrow), (32, wide)) if needed]


def _protocols(steps: Iterable[Step]) -> list[tuple[str, int]]:
    guarded = {step.protocol for step in steps if isinstance(step, GuardStep)}
    return [(name.capitalize(), number) for name, number in PROTOCOL_NUMBERS.items() if name in guarded]


def _identifiers(unit: Unit) -> tuple[str, ...]:
    return tuple(function_name(function.name, number) for number, function in enumerate(unit.functions))


def _names(unit: Unit, pipeline: Pipeline) -> layout.Names:
    comments, often = _Comments(pipeline), repeated(unit)
    callees = tuple(f"once<{name}, {often[at]}>" if at in often else name for at, name in enumerate(_identifiers(unit)))
    rewrites = {statement: number for number, (statement, _) in enumerate(_rewrites(unit))}
    return layout.Names(callees, rewrites, comments.comment, comments.line)


def _functions(unit: Unit, pipeline: Pipeline, names: layout.Names) -> list[dict[str, Any]]:
    return [
        {
            "identifier": identifier,
            "comment": _place(pipeline.functions[function.name]),
            "protocol": PROTOCOL_NUMBERS.get(function.protocol.value, 0),
            "parts": [_part(part, identifier) for part in layout.parts(function, identifier, unit.tables, names)],
        }
        for function, identifier in zip(unit.functions, _identifiers(unit), strict=True)
    ]


def _rewrites(unit: Unit) -> list[tuple[int, Rewrite]]:
    """What each dnat and snat of the unit asks for, with its statement, in the order of the plan."""
    steps = [step for function in unit.functions for step in function.steps if isinstance(step, ReturnStep)]
    return [(step.statement, step.rewrite) for step in steps if step.rewrite is not None]


def _rewrite_lines(unit: Unit, pipeline: Pipeline) -> list[str]:
    comments = _Comments(pipeline)
    lines: list[str] = []
    for statement, rewrite in _rewrites(unit):
        kind = f"k{rewrite.kind.capitalize()}"
        address = "0" if rewrite.address is None else dotted(rewrite.address)
        lines.append(f"{{{statement}, {kind}, {address}, {rewrite.port or 0}}},")
        comment = comments.comment(statement)
        if comment is not None:
            lines[-1] += f"  // {comment}"
    return lines


def _place(source: Function) -> str:
    return f"line {source.span.line}: {source.kind.value}::{source.protocol.value} {source.name}"


def _part(part: layout.Part, identifier: str) -> dict[str, Any]:
    code = [line for line in part.lines if not line.lstrip().startswith("//")]
    packet = " packet" if any("packet" in line for line in code) else ""
    log = " log" if any(re.search(r"\blog\b", line) for line in code) else ""
    inline = "" if part.identifier == identifier else "[[gnu::noinline]] "
    return {
        "declaration": f"{inline}uint32_t {part.identifier}(const Packet&{packet}, Log&{log})",
        "lines": part.lines,
    }


class _Comments:
    """Places of statements as text, each computed once."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._statements = pipeline.statements
        self._known: dict[int, str] = {}

    def comment(self, statement: int) -> str | None:
        if statement not in self._statements:
            return None
        if statement not in self._known:
            self._known[statement] = source_comment(self._statements[statement])
        return self._known[statement]

    def line(self, statement: int) -> int | None:
        span = self._statements.get(statement)
        return None if span is None else span.line


def _set(number: int, table: Table, steps: Iterable[Step], pipeline: Pipeline) -> dict[str, Any]:
    user = next(step for step in steps if isinstance(step, MemberStep) and step.table == number)
    where = _Comments(pipeline).line(user.statement)
    place = "" if where is None else f", line {where}"
    bits = next(bits for bits in (8, 16, 32) if table.width <= bits)
    made: dict[str, Any] = {
        "number": number,
        "type": f"uint{bits}_t",
        "comment": f"{user.field.name}{place}: {len(table.intervals)} intervals",
        "steps": 0,
    }
    # First values and first values beyond, in turn; what is beyond all values is left out.
    bounds = [bound for first, last in table.intervals for bound in (first, last + 1) if bound < 1 << bits]
    if bits == 32 and len(table.intervals) > _INDEXED:
        return made | _indexed(bounds)
    return made | {"lines": _set_lines([f"{bound:#010x}" if bits == 32 else str(bound) for bound in bounds])}


def _indexed(bounds: list[int]) -> dict[str, Any]:
    """A set of addresses whose bounds are found by their upper half first; the others are their lower halves."""
    below = [bisect_left(bounds, upper << 16) for upper in range((1 << 16) + 1)]
    return {
        "type": "uint16_t",
        "steps": max(end - start for start, end in pairwise(below)).bit_length(),
        "below": _set_lines([str(count) for count in below]),
        "lines": _set_lines(["0", *(str(bound & 0xFFFF) for bound in bounds)]),
    }


def _set_lines(shown: list[str]) -> list[str]:
    return [", ".join(shown[at : at + _SET_LINE]) + "," for at in range(0, len(shown), _SET_LINE)]
