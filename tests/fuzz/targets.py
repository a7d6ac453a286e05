"""What must hold for any octets: one function for each guided target. docs/fuzzing.md has them as a table.

A target raises (AssertionError, or whatever the program raised) when its property does not hold.
"""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

from naclc.diagnostics import Diagnostic
from naclc.driver import Options, check_policy, compile_policy
from naclc.pipeline.pipeline import Pipeline
from naclc.reports import forms
from naclc.source import SourceFile, Span
from naclc.syntax.format import format_source
from naclc.syntax.parse import parse
from naclc.syntax.read import decode
from naclc.verify.testsfile import read_tests
from tests.fuzz import frames

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "firewall" / "firewall.nacl"
Target = Callable[[bytes], None]


def parser(data: bytes) -> None:
    """A tree or a diagnostic; every place lies in the text and in its parent's; formatting keeps the tree."""
    source = text_of("fuzz.nacl", data)
    if source is None:
        return
    tree, found = parse(source)
    assert tree is not None or found
    check_diagnostics(found)
    if tree is None:
        return
    for span, parent in places(tree):
        assert 0 <= parent.start <= span.start <= span.end <= parent.end <= len(source.text)
    formatted, errors = format_source(source)
    assert (formatted is None) == any(diagnostic.is_error for diagnostic in found) == bool(errors)
    if formatted is not None:
        again = SourceFile("formatted.nacl", formatted)
        assert flat(parse(again)[0]) == flat(tree)
        assert format_source(again)[0] == formatted


def policy(data: bytes) -> None:
    """A result or diagnostics that can be shown; C++ is there when nothing is wrong, and is proved equal to the rules
    (MiscompiledPolicy is raised otherwise)."""
    compile_any(text_of("fuzz.nacl", data), zlib.crc32(data))


def config(data: bytes) -> None:
    """The same of a config.json."""
    compile_any(text_of("config.json", data), zlib.crc32(data))


def compile_any(source: SourceFile | None, number: int) -> None:
    if source is None:
        return
    system = ("any", "includeos", "skeleton")[number % 3]
    compiled = compile_policy(source, Options(system=system, analysis_nodes=100_000))
    check_diagnostics(compiled.diagnostics)
    assert compiled.ok == (compiled.cpp is not None)
    for form in forms.FORMS:
        assert forms.render(compiled.diagnostics, form) or not compiled.diagnostics


def tests_file(data: bytes) -> None:
    """Tests or diagnostics, not both and not neither."""
    source = text_of("fuzz.tests.yaml", data)
    if source is None:
        return
    tests, found = read_tests(source, example())
    assert (tests is None) == bool(found)
    check_diagnostics(found)


def machine(data: bytes) -> None:
    """No packet is an exception; what is sent is whole; interpreter and decision graphs do the same."""
    frames.check(data)


TARGETS: dict[str, Target] = {
    "parser": parser,
    "policy": policy,
    "config": config,
    "tests-file": tests_file,
    "machine": machine,
}


@cache
def example() -> Pipeline:
    source = SourceFile(EXAMPLE.name, EXAMPLE.read_text(encoding="utf-8"))
    pipeline = check_policy(source, Options()).pipeline
    assert pipeline is not None
    return pipeline


def text_of(name: str, data: bytes) -> SourceFile | None:
    """`data` as text; None when it is none, which must have been said."""
    source = decode(name, data)
    if isinstance(source, SourceFile):
        return source
    check_diagnostics([source])
    return None


def check_diagnostics(found: Iterable[Diagnostic]) -> None:
    for diagnostic in found:
        assert diagnostic.message
        assert "\n" not in diagnostic.message
        spans = [label.span for label in diagnostic.labels] + ([diagnostic.span] if diagnostic.span else [])
        for span in spans:
            assert 0 <= span.start <= span.end <= len(span.source.text), diagnostic


def places(tree: object) -> Iterator[tuple[Span, Span]]:
    """(span, span of the parent) of each node, however deep."""
    waiting: list[tuple[object, Span | None]] = [(tree, None)]
    while waiting:
        node, parent = waiting.pop()
        if isinstance(node, tuple):
            waiting.extend((item, parent) for item in node)
        elif dataclasses.is_dataclass(node) and not isinstance(node, Span):
            span = getattr(node, "span", parent)
            assert span is not None
            yield span, parent or span
            waiting.extend((getattr(node, field.name), span) for field in dataclasses.fields(node))


def flat(tree: object) -> list[object]:
    """The tree as a list, without its places: equal for equal trees, and no recursion."""
    found: list[object] = []
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, tuple):
            found.append(len(node))
            waiting.extend(node)
        elif dataclasses.is_dataclass(node) and not isinstance(node, Span):
            found.append(type(node).__name__)
            waiting.extend(getattr(node, field.name) for field in dataclasses.fields(node) if field.name != "span")
        elif not isinstance(node, Span):
            found.append(node)
    return found
