"""From config.json to the model that the same settings in NaCl text have (docs/language.md section 9).

The JSON becomes the declarations that NaCl text would have, with places in the JSON, and those are resolved like any
others: one set of checks for both inputs. Only what JSON alone can get wrong is found before.

Reports   syntax, too-deep, json-value, and what its sections and naclc.semantics report.
"""

from __future__ import annotations

from dataclasses import dataclass

from naclc.config.declared import Declared
from naclc.config.interfaces import read_net
from naclc.config.read import read_json
from naclc.config.sections import Section
from naclc.config.services import read_load_balancer, read_router, read_syslog
from naclc.config.tree import Object, kind
from naclc.diagnostics import Diagnostic, error, in_source_order
from naclc.semantics.model import Configuration
from naclc.semantics.reporter import Reporter
from naclc.semantics.resolve import resolve
from naclc.source import SourceFile, Span
from naclc.syntax import ast
from naclc.syntax.misfits import bidi_controls

# What a value that could not be read may have cured.
_ABOUT_ABSENCE = frozenset({"iface-incomplete", "missing-key", "no-routes", "unused", "empty-set", "route-no-nexthop"})
# Those of them that may be due to another declaration.
_ANYWHERE = frozenset({"missing-key", "route-no-nexthop"})


@dataclass(frozen=True, slots=True)
class Translated:
    """`program`: the declarations, None when the text is no JSON object; `configuration`: None when there is an error
    that leaves no model."""

    program: ast.Program | None
    configuration: Configuration | None
    diagnostics: tuple[Diagnostic, ...]


def translate(source: SourceFile, nics: int | None = None) -> Translated:
    """The model of a config.json, and all that is to be said about it in source order.

    `nics` is the number of NICs of the machine, None when it is not known.
    """
    root = read_json(source)
    if isinstance(root, Diagnostic):
        return Translated(None, None, (root,))
    if not isinstance(root, Object):
        start = Span(source, root.span.start, min(root.span.end, root.span.start + 1))
        problem = error("json-value", f"a configuration is an object, not {kind(root)}", start, help="as in `{ … }`")
        return Translated(None, None, (problem,))
    reporter = Reporter()
    declared = Declared()
    section = Section(reporter, "the configuration", root)
    read_net(declared, section)
    read_router(declared, section)
    read_load_balancer(declared, section)
    read_syslog(declared, section)
    program = ast.Program(tuple(declared.declarations), Span(source, 0, len(source.text)))
    configuration, found = resolve(program, nics)
    own = reporter.sorted()
    shared = [problem for problem in found if not _is_silent(problem, declared)]
    if reporter.failed:
        configuration = None
        shared = _without_consequences(shared, own, program)
    bidi = [] if source.text.isascii() else bidi_controls(source, [])
    return Translated(program, configuration, tuple(in_source_order([*own, *shared, *bidi])))


def _is_silent(problem: Diagnostic, declared: Declared) -> bool:
    return problem.span is not None and (problem.code, problem.span.start) in declared.silent


def _without_consequences(
    found: list[Diagnostic], problems: list[Diagnostic], program: ast.Program
) -> list[Diagnostic]:
    """Those of `found` that are not due to values that could not be read, which `problems` are about."""
    declarations = [declaration.span for declaration in program.declarations]
    places = [problem.span for problem in (*found, *problems) if problem.span]
    innermost = _innermost(declarations, places)
    faulty = {innermost.get(problem.span) for problem in problems if problem.is_error and problem.span}

    def stands(problem: Diagnostic) -> bool:
        if problem.code not in _ABOUT_ABSENCE or problem.span is None:
            return True
        return problem.code not in _ANYWHERE and innermost.get(problem.span) not in faulty

    return [problem for problem in found if stands(problem)]


def _innermost(declarations: list[Span], places: list[Span]) -> dict[Span, Span]:
    """For each place that lies in a declaration, the shortest such declaration. Declarations nest or are apart."""
    pending = sorted(declarations, key=lambda span: (-span.start, span.end))
    around: list[Span] = []
    found = {}
    for place in sorted(set(places), key=lambda span: (span.start, span.end)):
        while pending and pending[-1].start <= place.start:
            around.append(pending.pop())
        while around and around[-1].end < place.end:
            around.pop()
        if around:
            found[place] = around[-1]
    return found
