"""What the analysis says no packet reaches is what no packet reaches on the interpreter, and the other way round.

The policies compare few fields with few numbers, so that a packet of each kind can be tried: every order of the fields
and the numbers is among them. Each statement writes its id to the log before it runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from naclc.decision.reachability import unreachable_statements
from naclc.decision.witness import facts_from_assignment
from naclc.interpret.walk import evaluator
from naclc.pipeline.evaluation import Facts
from naclc.pipeline.lower import lower
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.model import Accept, Block, Call, Drop, If, Log, Protocol, Statement
from naclc.semantics.resolve import resolve
from naclc.source import SourceFile, Span
from naclc.syntax.parse import parse

_NUMBERS = ("10", "20")
_VALUES = (5, 6, 10, 15, 16, 20, 25, 26)  # two below, between and above the numbers, so that fields differ there too
_OPERATORS = ("==", "!=", "<", "<=", ">", ">=")


@st.composite
def conditions(draw: st.DrawFn, context: str, depth: int = 2) -> str:
    kind = draw(
        st.sampled_from(("number", "number", "fields", "set", "other", *(("not", "and", "or") if depth else ())))
    )
    field, operator = draw(st.sampled_from(("ip.ttl", "ip.dscp"))), draw(st.sampled_from(_OPERATORS))
    match kind:
        case "number":
            return f"{field} {operator} {draw(st.sampled_from(_NUMBERS))}"
        case "fields":
            return f"ip.ttl {operator} ip.dscp"
        case "set":
            return f"{field} in {draw(st.sampled_from(('[10, 20]', '10-20')))}"
        case "other":
            more = ("tcp.dport == 80",) if context == "TCP" else ()
            return draw(st.sampled_from(("ct.state == new", "ip.protocol == tcp", "iface.in == e", *more)))
        case "not":
            return f"not ({draw(conditions(context, depth - 1))})"
    return f"({draw(conditions(context, depth - 1))} {kind} {draw(conditions(context, depth - 1))})"


@st.composite
def bodies(draw: st.DrawFn, context: str, callees: tuple[tuple[str, str], ...], depth: int) -> str:
    return "\n".join(draw(_statements(context, callees, depth)) for _ in range(draw(st.integers(1, 4))))


@st.composite
def _statements(draw: st.DrawFn, context: str, callees: tuple[tuple[str, str], ...], depth: int) -> str:
    fitting = [name for name, protocol in callees if context in (protocol, "IP")]
    kinds = ["log", "accept", *(["if"] * 7 + ["block"] * 2 if depth else ["drop"] * 4), *["call"] * 2 * bool(fitting)]
    match draw(st.sampled_from(kinds)):
        case "log":
            return 'log("-")'
        case "call":
            return draw(st.sampled_from(fitting))
        case "block":
            inner = draw(st.sampled_from(("IP", "TCP", "UDP") if context == "IP" else ("IP", context)))
            body = draw(bodies(context if inner == "IP" else inner, callees, depth - 1))
            return f"Filter::{inner} {{\n{body}\n}}"
        case "if":
            rest = draw(st.sampled_from(("", "", "else", "else if")))
            text = f"if ({draw(conditions(context))}) {{\n{draw(bodies(context, callees, depth - 1))}\n}}"
            if rest == "else if":
                text += f" else if ({draw(conditions(context))}) {{\n{draw(bodies(context, callees, depth - 1))}\n}}"
            if rest:
                text += f" else {{\n{draw(bodies(context, callees, depth - 1))}\n}}"
            return text
        case verdict:
            return verdict


@st.composite
def policies(draw: st.DrawFn) -> str:
    """`main` and `g` are attached, and each function may call those before it."""
    protocol = draw(st.sampled_from(("IP", "TCP", "UDP")))
    functions = [f"Filter::{protocol} f {{\n{draw(bodies(protocol, (), 1))}\n}}"]
    functions.append(f"Filter::IP g {{\n{draw(bodies('IP', (('f', protocol),), 2))}\n}}")
    functions.append(f"Filter::IP main {{\n{draw(bodies('IP', (('f', protocol), ('g', 'IP')), 2))}\n}}")
    places = "Iface e { index: 0, prerouting: main }\nIface o { index: 1, input: g }\n"
    return places + "\n".join(functions)


def packets(iface: int) -> list[Facts]:
    return [
        facts_from_assignment(
            {"ip.ttl": ttl, "ip.dscp": dscp, "ip.protocol": protocol, "ct.state": state, "iface.in": iface}
            | ({"tcp.dport": port} if protocol == 6 else {})
        )
        for ttl, dscp, state, (protocol, port) in product(_VALUES, _VALUES, (0, 1), ((6, 80), (6, 81), (17, 0), (1, 0)))
    ]


_PACKETS = {"main": packets(0), "g": packets(1)}


def pipeline_of(text: str) -> Pipeline:
    program, problems = parse(SourceFile("random.nacl", text))
    assert program is not None, problems
    configuration, problems = resolve(program, None)
    assert configuration is not None, problems
    return lower(configuration)


def telling(body: tuple[Statement, ...], protocols: dict[str, Protocol]) -> Iterator[Statement]:
    """`body` with a log before each statement, and in each branch and block."""
    for each in body:
        yield _note("reached", each)
        match each:
            case If():
                then = (_note("then", each), *telling(each.then, protocols))
                otherwise = (_note("else", each), *telling(each.otherwise, protocols))
                yield replace(each, then=then, otherwise=otherwise)
            case Block():
                yield replace(each, body=(_note("inside", each), *telling(each.body, protocols)))
            case Call(function):
                yield Block(protocols[function], (_note("inside", each), each), each.id, each.span)
            case Log():
                pass
            case _:
                yield each


def _note(what: str, statement: Statement) -> Log:
    return Log((f"{what} {statement.id}\n",), statement.id, statement.span)


def happens(pipeline: Pipeline) -> set[str]:
    """What is logged for any packet: `then 3` means that the condition of statement 3 was true once."""
    protocols = {name: function.protocol for name, function in pipeline.functions.items()}
    functions = {
        name: replace(function, body=tuple(telling(function.body, protocols)))
        for name, function in pipeline.functions.items()
    }
    evaluate = evaluator(replace(pipeline, functions=functions))
    logs = {evaluate(name, facts).log for name, some in _PACKETS.items() if name in functions for facts in some}
    return {line for log in logs for line in log.decode().splitlines()}


class Comparison:
    """`dead` has a line for each branch, block and statement where nothing happens though it could be told."""

    def __init__(self, pipeline: Pipeline, happening: set[str], told: set[Span]) -> None:
        self.happening, self.told = happening, told
        self.missed: list[str] = []
        self.explained: set[Span] = set()
        for function in pipeline.functions.values():
            if function.body and f"reached {function.body[0].id}" in happening:
                self.body(function.body)

    def happened(self, what: str, statement: Statement) -> bool:
        return f"{what} {statement.id}" in self.happening

    def expect(self, what: str, statement: Statement, *places: Span) -> None:
        found = self.told & set(places)
        self.explained |= found
        if len(found) != 1:
            self.missed.append(f"{what} {statement.id} is told {len(found)} times")

    def body(self, body: tuple[Statement, ...]) -> None:
        before_told = False
        for each in body:
            match each:
                case If() if not self.happened("reached", each):
                    before_told = self.dead_rule(each, before_told)
                    continue
                case If():
                    self.branches(each)
                case Block() | Call() if not self.happened("reached", each):
                    before_told = self.dead(each, before_told)
                    continue
                case Block() | Call() if not self.happened("inside", each):
                    self.expect("inside", each, each.span)
                case Block():
                    self.body(each.body)
                case _ if not self.happened("reached", each):
                    before_told = self.dead(each, before_told)
            if isinstance(each, Accept | Drop):
                return

    def dead(self, each: Statement, before_told: bool) -> bool:
        if not before_told:
            self.expect("reached", each, each.span)
        return True

    def dead_rule(self, each: If, before_told: bool) -> bool:
        """Shadowed by itself, or one of neighbours of which the first is told."""
        if each.condition.span in self.told:
            self.explained.add(each.condition.span)
            return False
        return self.dead(each, before_told)

    def branches(self, each: If) -> None:
        if self.happened("then", each):
            self.body(each.then)
        else:
            self.expect("then", each, each.condition.span, each.then[0].span)
        if self.happened("else", each):
            self.body(each.otherwise)
        elif each.otherwise:
            first = each.otherwise[0]
            places = [first.span] + ([first.condition.span] if isinstance(first, If) else [])
            self.expect("else", each, *places)


@settings(max_examples=60, deadline=None)
@given(policies())
def test_what_is_told_is_what_does_not_happen(text: str) -> None:
    pipeline = pipeline_of(text)
    findings = unreachable_statements(pipeline)
    told = {finding.span for finding in findings if finding.span is not None}
    assert len(told) == len(findings)
    compared = Comparison(pipeline, happens(pipeline), told)
    assert compared.missed == []
    assert told - compared.explained == set()
