"""C++ expressions of the tests and log statements of a plan."""

from __future__ import annotations

import re

from naclc.codegen.names import accessor, literal
from naclc.codegen.unit import CompareStep, FieldStep, GuardStep, LogStep, MemberStep, Table
from naclc.net.fields import Field, FieldType, State

# A set of at most so many intervals is written out; a larger one is searched in its table.
INLINE_INTERVALS = 8

_NEGATED = {"==": "!=", "!=": "==", "<=": ">", ">=": "<", "<": ">=", ">": "<="}
_STATE_NAMES = {state.value: f"k{state.name.capitalize()}" for state in State}
_LOG_METHODS = {
    FieldType.ADDR: "address",
    FieldType.BOOL: "truth",
    FieldType.STATE: "state",
    FieldType.IFACE: "iface",
}

TestStep = CompareStep | MemberStep | FieldStep | GuardStep


def condition(step: TestStep, tables: tuple[Table, ...]) -> list[str]:
    """The operands of an `or` that is the condition of `step`."""
    if isinstance(step, GuardStep):
        return [f"packet.has(k{step.protocol.value.capitalize()})"]
    if isinstance(step, FieldStep):
        return [f"{_read(step.left)} {step.operator} {_read(step.right)}"]
    if isinstance(step, CompareStep):
        return [_compare(step.field, step.operator, step.value)]
    intervals = tables[step.table].intervals
    if len(intervals) > INLINE_INTERVALS:
        return [f"is_member(kSet{step.table}, {_read(step.field)})"]
    return [_interval(step.field, first, last) for first, last in intervals]


def negated(operand: str) -> str:
    """The opposite of one operand that `condition` made.

    >>> negated("packet.ip_ttl() <= 1"), negated("packet.has(kTcp)"), negated("!packet.tcp_has_syn()")
    ('packet.ip_ttl() > 1', '!packet.has(kTcp)', 'packet.tcp_has_syn()')
    """
    if operand.startswith("!"):
        return operand[1:]
    comparison = re.fullmatch(r"(\S+) (==|!=|<=|>=|<|>) (.+)", operand)
    if comparison is None:
        return f"!{operand}"
    left, operator, right = comparison.groups()
    return f"{left} {_NEGATED[operator]} {right}"


def _compare(field: Field, operator: str, value: int) -> str:
    if field.type is FieldType.BOOL and operator in ("==", "!="):
        return _read(field) if (operator == "==") == (value == 1) else f"!{_read(field)}"
    return f"{_read(field)} {operator} {number(field, value)}"


def _interval(field: Field, first: int, last: int) -> str:
    if first == last:
        return _compare(field, "==", first)
    if first == 0:
        return _compare(field, "<=", last)
    if last == (1 << field.width) - 1:
        return _compare(field, ">=", first)
    return f"between({_read(field)}, {number(field, first)}, {number(field, last)})"


def _read(field: Field) -> str:
    return f"packet.{accessor(field)}()"


def number(field: Field, value: int) -> str:
    """`value` as a C++ constant of the field's kind."""
    if field.type is FieldType.ADDR:
        return dotted(value)
    if field.type is FieldType.STATE and value in _STATE_NAMES:
        return _STATE_NAMES[value]
    if field.width == 32:
        return f"{value}u"
    return str(value)


def dotted(value: int) -> str:
    """An address as a constant expression that people can read."""
    return f"address({value >> 24}, {value >> 16 & 255}, {value >> 8 & 255}, {value & 255})"


def log_calls(step: LogStep) -> list[str]:
    """The member calls on `log` that write or send the parts of a log or syslog statement; one at least."""
    if step.severity is not None:
        return [f".message({step.severity})", *_parts(step), ".send()"]
    return _parts(step) or ['.text("")']


def _parts(step: LogStep) -> list[str]:
    calls: list[str] = []
    for part in step.parts:
        if isinstance(part, Field):
            calls.append(f".{_LOG_METHODS.get(part.type, 'number')}({_read(part)})")
        elif part:
            calls.append(f".text({literal(part)})")
    return calls
