"""Policies as real networks have them: the front end takes each, and says what its `# warnings:` line tells.

What the later stages cannot compile yet is refused, and nothing else is: a policy without such parts compiles.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from naclc.driver import Options, compile_policy
from naclc.pipeline.dump import dump as dump_pipeline
from naclc.pipeline.lower import lower
from naclc.pipeline.supported import not_on_target
from naclc.semantics.dump import dump
from naclc.semantics.resolve import resolve
from naclc.source import SourceFile
from naclc.syntax.parse import parse
from naclc.syntax.read import read_source

POLICIES = {path.stem: path for path in sorted(Path(__file__).parent.glob("*.nacl"))}
_WARNINGS = re.compile(r"^# warnings: (.*)$", re.MULTILINE)


def source_of(name: str) -> SourceFile:
    source = read_source(str(POLICIES[name]))
    assert isinstance(source, SourceFile)
    return source


def stated(source: SourceFile) -> list[str]:
    line = _WARNINGS.search(source.text)
    return line[1].split(", ") if line else []


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_is_accepted(name: str) -> None:
    source = source_of(name)
    program, problems = parse(source)
    assert program is not None and problems == []
    configuration, diagnostics = resolve(program)
    assert [diagnostic.code for diagnostic in diagnostics] == stated(source)
    assert configuration is not None
    assert all(function.name in dump(configuration) for function in configuration.functions)
    assert dump_pipeline(lower(configuration)).count("iface ") >= len(configuration.ifaces)


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_compiles_and_the_skeleton_refuses_only_what_it_does_not_have(name: str) -> None:
    source = source_of(name)
    assert compile_policy(source, Options()).cpp is not None
    compilation = compile_policy(source, Options(system="skeleton"))
    assert compilation.configuration is not None
    refused = not_on_target(compilation.configuration, "skeleton")
    errors = [diagnostic for diagnostic in compilation.diagnostics if diagnostic.is_error]
    assert errors == refused
    assert (compilation.cpp is None) == bool(refused)


def test_the_corpus_is_there() -> None:
    assert len(POLICIES) >= 15
