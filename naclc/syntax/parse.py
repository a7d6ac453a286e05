"""Text to ast.Program: scan, match brackets, run the machine, recover."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from naclc.diagnostics import Diagnostic, in_source_order
from naclc.source import SourceFile, Span
from naclc.syntax import ast
from naclc.syntax.brackets import balance
from naclc.syntax.build import Builder
from naclc.syntax.machine import Machine
from naclc.syntax.recover import Recovery
from naclc.syntax.scan import MOST, scan


def parse(source: SourceFile) -> tuple[ast.Program | None, list[Diagnostic]]:
    """The tree of `source` and everything that is wrong with its text, in source order.

    Never raises, whatever the text. With errors the program is partial: a declaration out of which tokens had to
    be cut is left out, one that was repaired (a comma put in) is there. No program at all: the text is no policy.
    """
    with no_collection():
        return _parse(source)


@contextmanager
def no_collection() -> Iterator[None]:
    """Without the cycle collector: it would walk the growing tree again and again, and there are no cycles in it.

    A parse of 10,000 rules takes half the time.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _parse(source: SourceFile) -> tuple[ast.Program | None, list[Diagnostic]]:
    tokens, misfits = scan(source)
    if len(misfits) >= MOST:
        return None, in_source_order(misfits)
    tokens, unbalanced = balance(source, tokens)
    builder = Builder(source)
    machine = Machine(tokens, builder)
    recovery = Recovery(source, machine, builder, misfits, unbalanced)
    while not machine.run():
        if not recovery.recover():
            break
    program = ast.Program(tuple(builder.declarations), Span(source, 0, len(source.text)))
    unbalanced = [problem for problem in unbalanced if not _swallowed(problem, misfits)]
    return program, in_source_order(misfits + unbalanced + builder.diagnostics + recovery.diagnostics)


def _swallowed(problem: Diagnostic, misfits: list[Diagnostic]) -> bool:
    """Whether the closer of a bracket may well be in a string that is not closed on the bracket's line."""
    return any(
        misfit.code == problem.code == "unterminated"
        and misfit.span is not None
        and problem.span is not None
        and problem.span.start < misfit.span.start
        and problem.span.line == misfit.span.line
        for misfit in misfits
    )
