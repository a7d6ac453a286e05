"""Whole policies, from the type system: valid ones compile and keep their model through the formatter; spoilt ones give
diagnostics, never an exception."""

from __future__ import annotations

import zlib

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from naclc.driver import Options, compile_policy
from naclc.semantics.dump import dump
from naclc.source import SourceFile
from naclc.syntax.format import format_source
from tests.fuzz.mutate import mutate
from tests.fuzz.targets import check_diagnostics, compile_any

from .programs import programs

_SLOW = settings(
    deadline=None, max_examples=8, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


def model(text: str) -> str:
    compiled = compile_policy(SourceFile("drawn.nacl", text), Options(nics=2, analysis_nodes=200_000))
    check_diagnostics(compiled.diagnostics)
    errors = [f"{each.code}: {each.message}" for each in compiled.diagnostics if each.is_error]
    assert errors == [] and compiled.configuration is not None and compiled.cpp
    return dump(compiled.configuration)


@_SLOW
@given(programs())
def test_a_well_typed_policy_compiles_and_its_form_is_no_matter(text: str) -> None:
    before = model(text)
    formatted, errors = format_source(SourceFile("drawn.nacl", text))
    assert errors == [] and formatted is not None
    assert model(formatted) == before
    assert format_source(SourceFile("formatted.nacl", formatted))[0] == formatted


@settings(_SLOW, max_examples=15)
@given(programs(), st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=4))
def test_a_spoilt_policy_gives_a_result_or_diagnostics(text: str, seeds: list[int]) -> None:
    data = text.encode()
    for seed in seeds:
        data = mutate(data, 8192, seed)
    compile_any(SourceFile("spoilt.nacl", data.decode("utf-8", "replace")), zlib.crc32(data))
