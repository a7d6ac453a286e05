"""The shape of a plan: what must hold of it before it makes sense to ask what it does.

INVARIANT tables    intervals are sorted, disjoint, not adjacent, and fit the width of the fields they are used for.
INVARIANT forward   a step leads to steps with higher numbers, a call to a function with a lower one.
INVARIANT order     ids of logs, calls, verdicts and rewrites rise along every path: effects come in source order.
INVARIANT guarded   fields of TCP, UDP and ICMP are read only behind the guard of their protocol.
INVARIANT faithful  a log writes and a rewrite asks for what its statement says, a call runs what it names, and so on.
INVARIANT chains    every hook of every Iface runs the functions the pipeline has there, in that order.
"""

from __future__ import annotations

from naclc.codegen.unit import (
    CallStep,
    ClassifyStep,
    CompareStep,
    FieldStep,
    FunctionPlan,
    GuardStep,
    LogStep,
    MemberStep,
    ReturnStep,
    Step,
    Table,
    Unit,
)
from naclc.net.fields import Field
from naclc.pipeline.evaluation import NO_STATEMENT, Rewrite, RewriteKind, Verdict
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.model import (
    Accept,
    Block,
    Call,
    Dnat,
    Drop,
    Function,
    Hook,
    If,
    Log,
    Snat,
    Statement,
    Syslog,
)
from naclc.validate.outcome import Difference, Differs
from naclc.validate.rules import statements_of

_VERDICTS: dict[Verdict, type] = {Verdict.ACCEPT: Accept, Verdict.DROP: Drop}


def check_shape(unit: Unit, pipeline: Pipeline) -> None:
    """Raises Differs when an invariant does not hold."""
    names = [plan.name for plan in unit.functions]
    if sorted(names) != sorted(pipeline.functions):
        _fail("", f"the plan has the functions {names}, the rules {list(pipeline.functions)}")
    for number, table in enumerate(unit.tables):
        _check_table(number, table)
    for number, plan in enumerate(unit.functions):
        function = pipeline.functions[plan.name]
        if plan.protocol is not function.protocol:
            _fail(plan.name, f"it is of protocol {function.protocol}, the plan says {plan.protocol}")
        _check_steps(plan, number, unit)
        _check_statements(plan, function, unit)
        _check_paths(plan)
        classified = [made.step for made in plan.classifiers]
        if len(set(classified)) != len(classified) or not all(0 <= step < len(plan.steps) for step in classified):
            _fail(plan.name, f"faithful: classifiers stand at the steps {classified}")
    _check_chains(unit, pipeline)


def targets(step: Step) -> tuple[int, ...]:
    match step:
        case ReturnStep():
            return ()
        case LogStep(next=following) | CallStep(next=following):
            return (following,)
        case ClassifyStep():
            return (*step.targets, step.otherwise)
        case _:
            return step.then, step.otherwise


def _fail(function: str, what: str, statement: int = NO_STATEMENT) -> None:
    raise Differs(Difference(function, what, statement))


def _check_table(number: int, table: Table) -> None:
    before = -2
    for first, last in table.intervals:
        if not before + 1 < first <= last < 1 << table.width:
            _fail("", f"tables: table {number} has {first}..{last} after {before}")
        before = last


def _check_steps(plan: FunctionPlan, number: int, unit: Unit) -> None:
    if not plan.steps:
        _fail(plan.name, "forward: the plan has no steps")
    for at, step in enumerate(plan.steps):
        for target in targets(step):
            if not at < target < len(plan.steps):
                _fail(plan.name, f"forward: step {at} leads to step {target}", step.statement)
        match step:
            case ClassifyStep():
                _fail(plan.name, f"faithful: step {at} is a classifier without the steps it stands for", step.statement)
            case CompareStep(field, operator, value):
                if operator not in ("==", "!=", "<=", ">=") or not 0 <= value < 1 << field.width:
                    _fail(plan.name, f"faithful: step {at} tests {field} {operator} {value}", step.statement)
            case MemberStep(field, table):
                if not 0 <= table < len(unit.tables) or unit.tables[table].width != field.width:
                    _fail(plan.name, f"tables: step {at} looks {field} up in table {table}", step.statement)
            case FieldStep(_, operator, _):
                if operator not in ("==", "<"):
                    _fail(plan.name, f"faithful: step {at} compares fields with {operator}", step.statement)
            case CallStep(callee):
                if not 0 <= callee < number:
                    _fail(plan.name, f"forward: step {at} calls function {callee}", step.statement)


def _check_statements(plan: FunctionPlan, function: Function, unit: Unit) -> None:
    statements = statements_of(function)
    for at, step in enumerate(plan.steps):
        if isinstance(step, ReturnStep) and step.is_end and step.statement == NO_STATEMENT:
            continue
        statement = statements.get(step.statement)
        if statement is None or not _faithful(step, statement, unit):
            _fail(plan.name, f"faithful: step {at} does not do what its statement says", step.statement)


def _faithful(step: Step, statement: Statement, unit: Unit) -> bool:
    match step:
        case LogStep(parts, severity=None):
            return isinstance(statement, Log) and statement.parts == parts
        case LogStep(parts, severity=severity):
            return isinstance(statement, Syslog) and (statement.severity, statement.parts) == (severity, parts)
        case CallStep(callee):
            return isinstance(statement, Call) and statement.function == unit.functions[callee].name
        case ReturnStep(verdict, _, None):
            return verdict in _VERDICTS and isinstance(statement, _VERDICTS[verdict])
        case ReturnStep(verdict, _, rewrite):
            return verdict is Verdict.END and rewrite == _asked(statement)
        case GuardStep():
            return isinstance(statement, Block | Call)
        case _:
            return isinstance(statement, If)


def _asked(statement: Statement) -> Rewrite | None:
    match statement:
        case Dnat(address, port):
            return Rewrite(RewriteKind.DNAT, address, port)
        case Snat(address, port):
            return Rewrite(RewriteKind.SNAT, address, port)
        case _:
            return None


def _check_paths(plan: FunctionPlan) -> None:
    """`highest` is the highest id of a log, call or verdict on any way to a step, `known` the protocols whose guard
    stands on all of them; steps that nothing leads to are passed over."""
    highest: dict[int, int] = {0: NO_STATEMENT}
    known: dict[int, frozenset[str]] = {0: frozenset({plan.protocol.lower()})}
    for at, step in enumerate(plan.steps):
        if at not in known:
            continue
        here, passed = known[at], highest[at]
        for field in _fields_read(step):
            if field.protocol in ("tcp", "udp", "icmp") and field.protocol not in here:
                _fail(plan.name, f"guarded: step {at} reads {field} outside its guard", step.statement)
        if isinstance(step, LogStep | CallStep) or (isinstance(step, ReturnStep) and not step.is_end):
            if step.statement <= passed:
                _fail(plan.name, f"order: step {at} comes after statement {passed}", step.statement)
            passed = step.statement
        for target in set(targets(step)):
            there = here
            if isinstance(step, GuardStep) and target == step.then != step.otherwise:
                there = here | {step.protocol.lower()}
            known[target] = known.get(target, there) & there
            highest[target] = max(highest.get(target, passed), passed)


def _fields_read(step: Step) -> list[Field]:
    match step:
        case CompareStep(field) | MemberStep(field):
            return [field]
        case FieldStep(left, _, right):
            return [left, right]
        case LogStep(parts):
            return [part for part in parts if isinstance(part, Field)]
        case _:
            return []


def _check_chains(unit: Unit, pipeline: Pipeline) -> None:
    wanted: dict[tuple[Hook, int | None], tuple[str, ...]] = {
        (hook, iface.number): names for iface in pipeline.ifaces for hook, names in iface.chains.items() if names
    }
    if pipeline.router and pipeline.router.forward:
        wanted[Hook.FORWARD, None] = pipeline.router.forward
    planned: dict[tuple[Hook, int | None], tuple[str, ...]] = {}
    for place, numbers in unit.chains.items():
        if not all(0 <= number < len(unit.functions) for number in numbers):
            _fail("", f"chains: {place[0]} runs the functions {numbers}")
        if numbers:
            planned[place] = tuple(unit.functions[number].name for number in numbers)
    for place in wanted | planned:
        ours, theirs = wanted.get(place, ()), planned.get(place, ())
        if ours != theirs:
            where = place[0] if place[1] is None else f"{place[0]} of Iface {place[1]}"
            _fail("", f"chains: {where} runs {theirs} in the plan, {ours} in the rules")
