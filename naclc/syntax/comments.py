"""What the parser leaves out of the tree or nests in it, as plain places: comments, and statements."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from naclc.source import SourceFile, Span
from naclc.syntax import ast, tables
from naclc.syntax.scan import scan
from naclc.syntax.tokens import Token


def comments(source: SourceFile) -> list[Span]:
    """All comments in source order, with their marks; but not those between the octets of an address."""
    tokens, _ = scan(source)
    pattern = re.compile(tables.load().patterns["COMMENT"])
    begin = Token("", "", 0, 0)
    return [
        Span(source, *match.span())
        for before, after in pairwise([begin, *tokens])
        for match in pattern.finditer(source.text, before.end, after.start)
    ]


def statements(program: ast.Program) -> Iterator[Span]:
    """Every declaration, and every statement of every body, in no particular order."""
    waiting: list[ast.Declaration | ast.Statement] = list(program.declarations)
    while waiting:
        statement = waiting.pop()
        yield statement.span
        match statement:
            case ast.Function(body=body):
                waiting.extend(body.statements)
            case ast.Cond(then=then, otherwise=otherwise):
                waiting.extend(then.statements)
                if isinstance(otherwise, ast.Body):
                    waiting.extend(otherwise.statements)
                elif otherwise is not None:
                    waiting.append(otherwise)
