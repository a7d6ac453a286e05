"""What a function decides is one answer: interpreter, decision graphs and generated code give the same
verdict, by the same statement, after the same log. They share neither code nor a table of where fields lie."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from naclc.decision import evaluate
from naclc.decision.build import build
from naclc.interpret.walk import evaluator, value_of
from naclc.net.fields import FIELDS, PROTOCOL_NUMBERS, Field, FieldType
from naclc.pipeline.evaluation import Facts, Verdict
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics import model
from tests.native import native_evaluator
from tests.properties.strategies import boundaries, facts, facts_for, fields_of, policies

PACKETS_A_POLICY = 12
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@patient
@given(policies(), st.data())
def test_interpreter_and_decision_graphs_agree(pipeline: Pipeline, data: st.DataObject) -> None:
    walk, decide = evaluator(pipeline), evaluate.evaluator(build(pipeline), pipeline)
    for given_facts in data.draw(st.lists(facts_for(pipeline), min_size=1, max_size=PACKETS_A_POLICY)):
        for function in pipeline.functions:
            assert decide(function, given_facts) == walk(function, given_facts)


@settings(patient, max_examples=3, phases=[Phase.generate])
@given(policies(depth=2, least=20, most=20), st.data())
def test_generated_code_agrees(pipeline: Pipeline, data: st.DataObject) -> None:
    """Few policies of many functions: each takes the compiler a second or more."""
    with TemporaryDirectory() as workdir:
        native_code = native_evaluator(pipeline, Path(workdir))
        walk = evaluator(pipeline)
        for given_facts in data.draw(st.lists(facts_for(pipeline), min_size=40, max_size=60)):
            for function in pipeline.functions:
                assert native_code(function, given_facts) == walk(function, given_facts)


@settings(patient, max_examples=3, phases=[Phase.generate])
@given(policies(depth=3, least=20, most=20), st.data())
def test_generated_tables_agree(pipeline: Pipeline, data: st.DataObject) -> None:
    """Every run of rules by its tables, however short it is."""
    with TemporaryDirectory() as workdir:
        native_code = native_evaluator(pipeline, Path(workdir), chain_rules=0)
        walk = evaluator(pipeline)
        for given_facts in data.draw(st.lists(facts_for(pipeline), min_size=40, max_size=60)):
            for function in pipeline.functions:
                assert native_code(function, given_facts) == walk(function, given_facts)


@patient
@given(facts())
def test_both_read_the_same_fields(given_facts: Facts) -> None:
    for context in model.Protocol:
        if context is model.Protocol.IP or evaluate.has_header(context, given_facts.packet):
            for field in fields_of(context):
                assert evaluate.read(field, given_facts) == value_of(field, given_facts), field


# --- that the strategies reach what they are for ---


def statements(body: tuple[model.Statement, ...]) -> list[model.Statement]:
    found: list[model.Statement] = []
    for statement in body:
        found.append(statement)
        match statement:
            case model.If(_, then, otherwise):
                found += statements(then + otherwise)
            case model.Block(_, inner):
                found += statements(inner)
    return found


def kind_of(field: Field) -> tuple[str, FieldType]:
    return field.protocol, field.type


def test_the_strategies_reach_everything() -> None:
    """Every statement, fields of every kind compared, every verdict, every protocol with and without its header."""
    kinds: set[type] = set()
    compared: set[str] = set()
    verdicts: set[Verdict] = set()
    headers: set[tuple[int, bool]] = set()

    @settings(patient, max_examples=250, phases=[Phase.generate], derandomize=True, database=None)
    @given(policies(2, 4, 6).flatmap(lambda pipeline: st.tuples(st.just(pipeline), facts_for(pipeline))))
    def collect(pair: tuple[Pipeline, Facts]) -> None:
        pipeline, each = pair
        kinds.update(type(found) for function in pipeline.functions.values() for found in statements(function.body))
        compared.update(boundaries(pipeline))
        verdicts.add(evaluator(pipeline)("main", each).verdict)
        number = each.packet[9]
        headers.update(
            (number, evaluate.has_header(protocol, each.packet))
            for protocol in (model.Protocol.TCP, model.Protocol.UDP, model.Protocol.ICMP)
            if PROTOCOL_NUMBERS[protocol] == number
        )

    collect()
    assert kinds == {model.If, model.Block, model.Call, model.Accept, model.Drop, model.Log}
    assert {kind_of(FIELDS[name]) for name in compared} == {kind_of(field) for field in FIELDS.values()}
    assert verdicts == set(Verdict)
    assert headers == {(number, there) for number in (1, 6, 17) for there in (True, False)}
