"""Random policies of which everything can be said in nftables, on a router with three links.

They are those of tests/properties, with what cannot be exported, or means something else in the machine's own packets,
put in the place of something that can.
"""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from naclc.net.fields import FIELDS
from naclc.pipeline.lower import walk
from naclc.pipeline.pipeline import Pipeline, Route, Router
from naclc.semantics.model import (
    And,
    Block,
    Compare,
    CompareFields,
    Condition,
    Function,
    Hook,
    If,
    InSet,
    Literal,
    Not,
    Or,
    Statement,
)
from tests.properties.strategies import policies

# Of what these are in the end the wire decides, not the policy.
_NOT_HERE = {"iface.out", "ip.checksum", "tcp.checksum", "udp.checksum"}


@st.composite
def exportable(draw: st.DrawFn) -> Pipeline:
    """A policy without Nats; stateless or stateful, with either answer to packets that have no entry."""
    drawn = draw(policies(depth=3, least=1))
    functions = {name: _function(function) for name, function in drawn.functions.items()}
    hooks = (Hook.PREROUTING, Hook.INPUT, Hook.OUTPUT, Hook.POSTROUTING)
    if any(_reads_in(function) for function in functions.values()):
        hooks = (Hook.PREROUTING, Hook.INPUT)  # the others do not know the Iface
    chosen = draw(st.sets(st.sampled_from(hooks)))
    ifaces = tuple(
        replace(iface, chains={hook: ("main",) if hook in chosen and iface.number != 2 else () for hook in Hook})
        for iface in drawn.ifaces
    )
    routes = tuple(Route((i.address or 0) & (i.netmask or 0), i.netmask or 0, i.number, None, 1) for i in drawn.ifaces)
    forward = draw(st.sampled_from([("main",), ()])) if chosen else ("main",)
    router = Router(routes, forward, send_time_exceeded=True)
    untracked = draw(st.sampled_from(["drop", "filter"]))
    return replace(drawn, functions=functions, ifaces=ifaces, router=router, untracked=untracked)


def _function(function: Function) -> Function:
    return replace(function, body=tuple(_statement(statement) for statement in function.body))


def _statement(statement: Statement) -> Statement:
    match statement:
        case If(condition, then, otherwise):
            bodies = (tuple(_statement(inner) for inner in body) for body in (then, otherwise))
            return If(_condition(condition), *bodies, statement.id, statement.span)
        case Block(_, body):
            return replace(statement, body=tuple(_statement(inner) for inner in body))
    return statement


def _condition(condition: Condition) -> Condition:
    match condition:
        case Not(operand):
            return replace(condition, operand=_condition(operand))
        case And(operands) | Or(operands):
            return replace(condition, operands=tuple(_condition(operand) for operand in operands))
        case CompareFields(left, operator) if left.name not in _NOT_HERE:
            middle = 1 << (FIELDS[left.name].width - 1)
            return Compare(left, operator, middle, condition.span)
        case CompareFields(span=span):
            return Literal(True, span)
        case Compare(field) | InSet(field) if field.name in _NOT_HERE:
            return Literal(False, condition.span)
    return condition


def _reads_in(function: Function) -> bool:
    return any(
        "iface.in" in repr(statement.condition) for statement in walk(function.body) if isinstance(statement, If)
    )
