"""Programs as text, for the tests of this folder."""

from __future__ import annotations

from naclc.diagnostics import Diagnostic
from naclc.semantics.model import Configuration
from naclc.semantics.resolve import resolve
from naclc.source import SourceFile
from naclc.syntax.parse import parse


def resolved(text: str) -> tuple[Configuration | None, list[Diagnostic]]:
    """Model and diagnostics of a program that parses."""
    program, problems = parse(SourceFile("test.nacl", text))
    assert program is not None and problems == []
    return resolve(program)


def model_of(text: str) -> Configuration:
    """The model of a program without errors."""
    configuration, diagnostics = resolved(text)
    assert configuration is not None, diagnostics
    return configuration
