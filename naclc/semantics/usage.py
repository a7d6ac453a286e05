"""Finds what nothing uses: functions and constants that no typed element leads to, Ifaces without purpose.

Reports   unused.
"""

from __future__ import annotations

from naclc.semantics.reporter import Reporter
from naclc.semantics.scope import Scope
from naclc.semantics.values import Element, ElementKind

_USED_BY_OTHERS = (ElementKind.UNTYPED, ElementKind.FUNCTION)


def check_unused(scope: Scope, bare_ifaces: list[Element]) -> None:
    """`bare_ifaces` only have an index. What only unused things use is unused too."""
    roots = [name for name, element in scope.elements.items() if element.kind not in _USED_BY_OTHERS]
    used: set[str] = set()
    pending = [*scope.meant]
    pending += [name for root in roots for name in scope.uses.get(root, ())]
    while pending:
        name = pending.pop()
        if name not in used:
            used.add(name)
            pending += scope.uses.get(name, ())
    for element in scope.elements.values():
        if element.kind in _USED_BY_OTHERS and element.name not in used:
            _warn(scope.reporter, element)
    for element in bare_ifaces:
        if element.name not in used:
            _warn(scope.reporter, element)


def _warn(reporter: Reporter, element: Element) -> None:
    if element.kind is ElementKind.IFACE:
        message = f"Iface `{element.name}` does nothing: it has only an index, and nothing names it"
        advice = "give it an address or a chain, or remove it"
    else:
        message = f"nothing uses `{element.name}`"
        advice = "remove it, or name it where it is meant to be used"
        if element.kind is ElementKind.FUNCTION:
            advice = "attach it to a chain, call it, or remove it"
    reporter.warning("unused", message, element.span, help=advice)
