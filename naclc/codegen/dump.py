"""The plan as text, a line a step: what `naclc compile --dump plan` prints."""

from __future__ import annotations

from naclc.codegen.classifier import Classifier
from naclc.codegen.unit import (
    CallStep,
    ClassifyStep,
    CompareStep,
    FieldStep,
    FunctionPlan,
    GuardStep,
    LogStep,
    MemberStep,
    Step,
    Table,
    Unit,
)
from naclc.net.fields import Field, FieldType
from naclc.pipeline.evaluation import Rewrite


def dump(unit: Unit) -> str:
    """Functions, tables and chains of `unit`; ends in a newline."""
    lines: list[str] = []
    for number, function in enumerate(unit.functions):
        lines += _function_lines(number, function, unit)
    addresses = _tables_of_addresses(unit)
    for number, table in enumerate(unit.tables):
        lines.append(f"table {number}: {_intervals(table, number in addresses)}")
    for (hook, iface), functions in unit.chains.items():
        place = hook.value if iface is None else f"{hook.value} of iface {iface}"
        lines.append(f"chain {place}: {', '.join(unit.functions[number].name for number in functions)}")
    return "\n".join(lines) + "\n" if lines else "nothing to decide\n"


def _function_lines(number: int, function: FunctionPlan, unit: Unit) -> list[str]:
    lines = [f"function {number} {function.protocol.value} {function.name}"]
    lines += [f"  {at:4} {_step(step, unit)}" for at, step in enumerate(function.steps)]
    for made in function.classifiers:
        lines += _classifier_lines(made)
    return [*lines, ""]


def _classifier_lines(made: Classifier) -> list[str]:
    """Which steps the tables stand for, and how large they are."""
    lines = [f"  tables at step {made.step}: {len(made.rules)} rules, else step {made.otherwise}"]
    for group in made.groups:
        intervals = sum(len(node.bounds) for node in group.nodes)
        lines.append(
            f"    {len(group.members)} rules by {group.first.key.name}, {len(group.first.bounds)} intervals; "
            f"then {group.second.name}, {len(group.nodes)} nodes of {intervals} intervals; "
            f"{len(group.cells)} cells of {sum(map(len, group.cells))} entries, {group.predicates} predicates"
        )
    if not made.groups:
        lines.append("    gone through in order")
    return lines


def _step(step: Step, unit: Unit) -> str:
    if isinstance(step, LogStep):
        parts = ", ".join(part.name if isinstance(part, Field) else _quoted(part) for part in step.parts)
        what = "log" if step.severity is None else f"syslog {step.severity}"
        return f"{what} {parts} then {step.next}  [{step.statement}]"
    if isinstance(step, CallStep):
        return f"call {unit.functions[step.function].name} then {step.next}  [{step.statement}]"
    if isinstance(step, CompareStep | MemberStep | FieldStep | GuardStep):
        return f"if {_condition(step)} then {step.then} else {step.otherwise}  [{step.statement}]"
    if isinstance(step, ClassifyStep):
        return f"first match of {len(step.classifier.rules)} rules, else {step.otherwise}"
    what = step.verdict.name if step.rewrite is None else _rewrite(step.rewrite)
    return f"return {what}  [{step.statement}]"


def _rewrite(rewrite: Rewrite) -> str:
    where = "" if rewrite.address is None else _value(rewrite.address, True)
    return f"{rewrite.kind} {where}" + ("" if rewrite.port is None else f":{rewrite.port}")


def _condition(step: CompareStep | MemberStep | FieldStep | GuardStep) -> str:
    if isinstance(step, CompareStep):
        return f"{step.field.name} {step.operator} {_value(step.value, step.field.type is FieldType.ADDR)}"
    if isinstance(step, MemberStep):
        return f"{step.field.name} in table {step.table}"
    if isinstance(step, FieldStep):
        return f"{step.left.name} {step.operator} {step.right.name}"
    return f"{step.protocol.value} with its header"


def _tables_of_addresses(unit: Unit) -> set[int]:
    return {
        step.table
        for function in unit.functions
        for step in function.steps
        if isinstance(step, MemberStep) and step.field.type is FieldType.ADDR
    }


def _intervals(table: Table, addresses: bool) -> str:
    return ", ".join(
        _value(first, addresses) if first == last else f"{_value(first, addresses)}-{_value(last, addresses)}"
        for first, last in table.intervals
    )


def _value(value: int, address: bool) -> str:
    return ".".join(str(value >> shift & 255) for shift in (24, 16, 8, 0)) if address else str(value)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'
