"""Text to ast.Program: scan, match brackets, run the machine, recover."""

from __future__ import annotations

from naclc.diagnostics import Diagnostic, error, in_source_order
from naclc.source import SourceFile, Span
from naclc.syntax import ast
from naclc.syntax.build import Builder
from naclc.syntax.machine import Machine
from naclc.syntax.scan import scan


def parse(source: SourceFile) -> tuple[ast.Program | None, list[Diagnostic]]:
    """The tree of `source` and everything that is wrong with its text, in source order.

    Never raises, whatever the text. With errors the program is partial: a declaration out of which tokens had to
    be cut is left out, one that was repaired (a comma put in) is there.
    """
    tokens, found = scan(source)
    builder = Builder(source)
    machine = Machine(tokens, builder)
    if not machine.run():
        token = tokens[machine.position]
        found.append(error("syntax", "this does not belong here", Span(source, token.start, token.end)))
    program = ast.Program(tuple(builder.declarations), Span(source, 0, len(source.text)))
    return program, in_source_order(found + builder.diagnostics)
