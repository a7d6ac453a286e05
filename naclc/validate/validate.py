"""Translation validation: is the plan, the last thing before C++ text, equal to the rules as written?

For each function, and in it for each log, call, verdict and rewrite and for its end, the packets that get there are
computed twice, from the statement tree and from the plan's steps, as canonical BDDs: equal sets are one node. With
equal sets, and statement ids that rise along every path of the plan, every packet meets the same statements in the
same order. Calls use the set of packets that come to the callee's end, so each function is proved once.

What is left over after thousands of rules is a large set. So the proof is tried first with long bodies cut into
segments (naclc.validate.flow): if the same packets pass each cut on both sides, and each segment does the same with
every packet that could come, the whole does the same. A plan that makes use of what earlier rules have left over
cannot be proved so; only then the whole function is taken at once.

A classifier stands for some of the steps. Its rules are proved equal to those steps (naclc.validate.claims), and its
tables to its rules (naclc.validate.classifiers); so what is proved of the steps holds of it.

Sound for every packet that can exist, and for more: fields are taken as independent of each other but for the flags.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from naclc.codegen.unit import CompareStep, FieldStep, FunctionPlan, MemberStep, Unit
from naclc.net.fields import Field
from naclc.pipeline.evaluation import NO_STATEMENT
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.model import And, Compare, CompareFields, Condition, Function, If, InSet, Literal, Not, Or
from naclc.validate.claims import OverEffort, check_claims
from naclc.validate.classifiers import check_tables
from naclc.validate.flow import ENTRY, Flow, Reach
from naclc.validate.outcome import Difference, Differs, OverBudget, Proved
from naclc.validate.rules import Rules, statements_of
from naclc.validate.shape import check_shape
from naclc.validate.space import Pair, Space, pair_of
from naclc.validate.steps import NoCut, Steps

if TYPE_CHECKING:
    from oxidd.bdd import BDDFunction

__all__ = ["Difference", "OverBudget", "Proved", "validate"]

_FIRST_TRY = 1 << 16  # BDD nodes: enough for usual policies, and there at once
_GROWTH = 16


def validate(unit: Unit, pipeline: Pipeline, *, max_nodes: int = 4_000_000) -> Difference | Proved | OverBudget:
    """Prove `unit` equal to the functions and chains of `pipeline`.

    Args:
        max_nodes: BDD nodes the proof may take. When comparisons of fields with each other do not fit, each pair
            becomes a free three-way choice; that may still prove, but shows no difference.

    Returns:
        Proved; or the first Difference, in source order within a function; or OverBudget.
    """
    outcome = _outcome(unit, pipeline, max_nodes)
    if isinstance(outcome, Difference) and outcome.statement in pipeline.statements:
        return replace(outcome, line=pipeline.statements[outcome.statement].line)
    return outcome


def _outcome(unit: Unit, pipeline: Pipeline, max_nodes: int) -> Difference | Proved | OverBudget:
    try:
        check_shape(unit, pipeline)
        for plan in unit.functions:
            for made in plan.classifiers:
                check_tables(made, plan.name)
                check_claims(made, plan, unit.tables)
    except Differs as differs:
        return differs.difference
    except OverEffort:
        return OverBudget(max_nodes, classifiers=False)
    fields, pairs = _fields_of(unit, pipeline)

    def attempt(*, cutting: bool, free_pairs: bool = False) -> Difference | Proved | OverBudget:
        nodes = min(_FIRST_TRY, max_nodes)
        while True:
            try:
                return _prove(unit, pipeline, Space(fields, pairs, nodes, free_pairs=free_pairs), cutting=cutting)
            except MemoryError:
                if nodes >= max_nodes:
                    return OverBudget(max_nodes)
                nodes = min(nodes * _GROWTH, max_nodes)

    outcome = attempt(cutting=True)
    if isinstance(outcome, Difference):
        outcome = attempt(cutting=False)
    if isinstance(outcome, OverBudget) and pairs:
        weaker = attempt(cutting=True, free_pairs=True)
        return weaker if isinstance(weaker, Proved) else outcome
    return outcome


def _prove(unit: Unit, pipeline: Pipeline, space: Space, *, cutting: bool) -> Difference | Proved:
    """With `cutting` only Proved is to be believed. Raises MemoryError when `space` is too small."""
    rules, steps = Rules(pipeline, space, cutting=cutting), Steps(unit, space)
    for plan in unit.functions:
        function = pipeline.functions[plan.name]
        wanted = rules.reach(function)
        try:
            planned = steps.reach(plan, rules.entry(function), rules.ends, wanted.cuts)
        except NoCut:
            return Difference(function.name, "the plan cannot be cut where the rules are")
        difference = _compare(function, wanted, planned, space)
        if difference is not None:
            return difference
    return Proved(space.nodes())


def _compare(function: Function, wanted: Reach, planned: Reach, space: Space) -> Difference | None:
    for cut, flow in wanted.cuts.items():
        if flow != planned.cuts.get(cut, {}):
            return Difference(function.name, "other packets pass a cut", cut)
    for statement in sorted(wanted.sites):
        ours, theirs = wanted.sites[statement], planned.sites.get(statement, {})
        if ours != theirs:
            return _site_difference(function, statement, ours, theirs, space)
    if wanted.end != planned.end:
        packets = wanted.end.get(ENTRY, space.false) ^ planned.end.get(ENTRY, space.false)
        what = "the end of the function is reached by other packets than in the rules"
        return Difference(function.name, what, NO_STATEMENT, _example(packets, space))
    return None


def _site_difference(function: Function, statement: int, ours: Flow, theirs: Flow, space: Space) -> Difference:
    wanted, planned = ours.get(ENTRY, space.false), theirs.get(ENTRY, space.false)
    if (wanted & ~planned).satisfiable():
        what = "a packet that reaches the statement by the rules does not reach it in the plan"
        return Difference(function.name, what, statement, _example(wanted & ~planned, space))
    what = "a packet reaches the statement in the plan that does not reach it by the rules"
    return Difference(function.name, what, statement, _example(planned & ~wanted, space))


def _example(packets: BDDFunction, space: Space) -> dict[str, int]:
    """Empty when the difference lies behind a cut: then it is not to be believed, and none is asked for."""
    return space.assignment(packets) if packets.satisfiable() else {}


def _fields_of(unit: Unit, pipeline: Pipeline) -> tuple[set[Field], set[Pair]]:
    """All fields that rules or plan test, and the pairs they compare with each other."""
    fields: set[Field] = set()
    pairs: set[Pair] = set()
    for function in pipeline.functions.values():
        for statement in statements_of(function).values():
            if isinstance(statement, If):
                _add_condition(statement.condition, fields, pairs)
    for plan in unit.functions:
        _add_steps(plan, fields, pairs)
    return fields, pairs


def _add_condition(condition: Condition, fields: set[Field], pairs: set[Pair]) -> None:
    waiting = [condition]
    while waiting:
        match waiting.pop():
            case Compare(field) | InSet(field):
                fields.add(field)
            case CompareFields(left, _, right):
                fields |= {left, right}
                pairs.add(pair_of(left, right))
            case Not(operand):
                waiting.append(operand)
            case And(operands) | Or(operands):
                waiting += operands
            case Literal():
                pass


def _add_steps(plan: FunctionPlan, fields: set[Field], pairs: set[Pair]) -> None:
    for step in plan.steps:
        match step:
            case CompareStep(field) | MemberStep(field):
                fields.add(field)
            case FieldStep(left, _, right):
                fields |= {left, right}
                pairs.add(pair_of(left, right))
