"""What can be said about a program that did not parse as a whole: all but what may be due to the part that is missing.

A number out of its bounds, or a comma put in, leaves the tree whole; a declaration out of which tokens had to be cut
is left out of it. What that one would have declared, and what it would have added to another one, is not known.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator

from naclc.diagnostics import Diagnostic
from naclc.source import Span
from naclc.syntax import ast

# Their token stands in the tree with a value that will do; nothing beside it is touched.
_LITERALS = frozenset({"leading-zero", "bad-octet", "bad-mask", "bad-escape", "reversed-range", "range-mixed"})
# What something that is added elsewhere could cure.
_ABOUT_ABSENCE = frozenset(
    {"missing-key", "iface-incomplete", "no-routes", "unused", "unknown-member", "empty-set", "bad-assignment"}
)
_COMMENT = re.compile(r"(?:#|//)[^\r\n]*|/\*[\s\S]*?\*/")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")


def without_consequences(
    found: Iterable[Diagnostic], problems: Iterable[Diagnostic], program: ast.Program
) -> list[Diagnostic]:
    """Those of `found` that are no consequence of `problems`, the errors that the parser of `program` reported."""
    errors = [problem for problem in problems if problem.is_error and problem.span]
    literals = _Places(problem.span for problem in errors if problem.span and problem.code in _LITERALS)
    lines = {problem.span.line for problem in errors if problem.span and problem.code not in _LITERALS}
    left_out = {name for gap in _gaps(program) for name in _NAME.findall(_COMMENT.sub(" ", gap))} if lines else set()

    def stands(diagnostic: Diagnostic) -> bool:
        if any(place.line in lines or literals.touch(place) for place in _places(diagnostic)):
            return False
        if left_out and diagnostic.code in _ABOUT_ABSENCE:
            return False
        return not (diagnostic.code.startswith("unknown-") and set(_NAME.findall(_text(diagnostic))) & left_out)

    return [diagnostic for diagnostic in found if stands(diagnostic)]


def _text(diagnostic: Diagnostic) -> str:
    return diagnostic.span.text if diagnostic.span else ""


def _gaps(program: ast.Program) -> Iterator[str]:
    """The text between the declarations."""
    source, at = program.span.source, program.span.start
    for declaration in program.declarations:
        yield source.text[at : declaration.span.start]
        at = declaration.span.end
    yield source.text[at : program.span.end]


def _places(diagnostic: Diagnostic) -> Iterator[Span]:
    if diagnostic.span:
        yield diagnostic.span
    for label in diagnostic.labels:
        yield label.span


class _Places:
    """Spans of a text, merged, to be asked whether something touches one of them."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for span in sorted(spans, key=lambda span: span.start):
            if self._ends and span.start < self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], span.end)
            else:
                self._starts.append(span.start)
                self._ends.append(span.end)

    def touch(self, span: Span) -> bool:
        at = bisect_right(self._ends, span.start)
        return at < len(self._ends) and self._starts[at] < span.end
