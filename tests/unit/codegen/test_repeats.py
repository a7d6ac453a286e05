"""Functions that a packet could enter very often: run once when nothing comes of them, in time and in meaning."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from naclc.codegen import repeats
from naclc.codegen.plan import plan
from naclc.codegen.render import render
from naclc.decision.build import build
from naclc.decision.evaluate import evaluator as graphs_evaluator
from naclc.decision.witness import facts_from_assignment
from naclc.interpret.walk import evaluator as interpreter
from naclc.pipeline.evaluation import Verdict
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.model import Hook
from tests.native import native_evaluator
from tests.unit.decision.policies import Body, block, call, if_, is_, log, pipeline_of
from tests.unit.decision.random_policies import facts, pipelines


def doubling(depth: int, last: Body) -> Pipeline:
    """Each function calls the next one twice, once in a block of TCP; the last is called 2**depth times by TCP."""
    functions: dict[str, tuple[str, Body]] = {"f0": ("IP", last)}
    for number in range(1, depth + 1):
        functions[f"f{number}"] = "IP", [block("TCP", [call(f"f{number - 1}")]), call(f"f{number - 1}")]
    functions["f"] = "IP", [call(f"f{depth}"), "drop"]
    return pipeline_of(functions, {Hook.INPUT: ["f"]})


LOG_SOME = [if_(is_("ip.ttl", "<", 3), [log("ttl ", "ip.ttl", "\n")]), if_(is_("ip.ttl", "==", 9), ["accept"])]


def test_thirty_calls_that_double(tmp_path: Path) -> None:
    pipeline = doubling(30, LOG_SOME)
    native = native_evaluator(pipeline, tmp_path)
    for ttl, verdict in ((64, Verdict.DROP), (9, Verdict.ACCEPT)):
        packet = facts_from_assignment({"ip.ttl": ttl, "ip.protocol": 6})
        assert native("f", packet).verdict is verdict
        assert native("f", packet) == interpreter(pipeline)("f", packet)
        assert native("f", packet) == graphs_evaluator(build(pipeline), pipeline)("f", packet)


def test_what_logs_does_so_each_time(tmp_path: Path) -> None:
    """2**12 texts of 6 octets: more than the buffer holds, and more calls than count as few."""
    pipeline = doubling(12, LOG_SOME)
    native = native_evaluator(pipeline, tmp_path)
    packet = facts_from_assignment({"ip.ttl": 2, "ip.protocol": 6})
    assert native("f", packet).log == b"ttl 2\n" * 2**12
    assert native("f", packet) == interpreter(pipeline)("f", packet)


def test_usual_policies_have_plain_calls() -> None:
    pipeline = doubling(9, LOG_SOME)
    unit = plan(build(pipeline), pipeline)
    assert repeats.repeated(unit) == {}
    assert "once<" not in render(unit, pipeline, "p.nacl", plugin=True)


def test_only_what_is_entered_often_is_asked() -> None:
    """Ten doublings are 1024 calls of the last function, and 512 of the one before."""
    pipeline = doubling(10, LOG_SOME)
    unit = plan(build(pipeline), pipeline)
    often = repeats.repeated(unit)
    assert [unit.functions[number].name for number in often] == ["f0"]
    assert "once<decide_f0, 0>" in render(unit, pipeline, "p.nacl", plugin=True)


@settings(
    max_examples=6,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_asking_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: st.DataObject) -> None:
    """Every called function counts as one that is entered often."""
    monkeypatch.setattr(repeats, "_OFTEN", 0)
    pipeline = data.draw(pipelines())
    native = native_evaluator(pipeline, Path(tempfile.mkdtemp(dir=tmp_path)))
    for _ in range(30):
        packet = data.draw(facts())
        for name in pipeline.functions:
            assert native(name, packet) == interpreter(pipeline)(name, packet)
