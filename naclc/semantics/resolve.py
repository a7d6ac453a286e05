"""Syntax tree to typed model: the order in which a program is checked."""

from __future__ import annotations

from collections.abc import Iterator

from naclc.diagnostics import Diagnostic
from naclc.semantics.bodies import Bodies, FunctionInfo
from naclc.semantics.calls import Calls
from naclc.semantics.constants import check_values
from naclc.semantics.declare import declare
from naclc.semantics.depth import run_deep
from naclc.semantics.gateway import read_gateway
from naclc.semantics.ifaces import ReadIface, check_together, read_iface
from naclc.semantics.model import Attachment, Configuration, Gateway, Hook
from naclc.semantics.reporter import Reporter
from naclc.semantics.scope import Scope
from naclc.semantics.usage import check_unused
from naclc.semantics.values import Element, ElementKind
from naclc.syntax import ast


def resolve(
    program: ast.Program, nics: int | None = None, *, tolerant: bool = False
) -> tuple[Configuration | None, list[Diagnostic]]:
    """The model of `program`, None when there is an error, and all that is to be said about it in source order.

    `nics` is the number of NICs of the machine, None when it is not known. With `tolerant` there is a model also when
    all errors are about addresses and NICs of Ifaces: functions and chains are as written, so that it can be found
    out whether verdicts are missing. It is good for nothing else.
    """
    return run_deep(_resolve, program, nics, tolerant)


def _resolve(program: ast.Program, nics: int | None, tolerant: bool) -> tuple[Configuration | None, list[Diagnostic]]:
    reporter = Reporter()
    scope = Scope(reporter)
    functions = declare(program, scope)
    check_values(scope)
    elements = list(scope.elements.values())
    iface_elements = [element for element in elements if element.kind is ElementKind.IFACE]
    numbers = {element.name: number for number, element in enumerate(iface_elements)}
    bodies = Bodies(scope, numbers)
    infos = [bodies.read(function, element) for function, element in functions]
    read = [read_iface(scope, element, nics) for element in iface_elements]
    ifaces = [iface for iface in read if iface]
    check_together(reporter, ifaces)
    gateway = _read_gateway(scope, elements, ifaces)
    _check_calls(reporter, scope, infos, ifaces, gateway)
    if not reporter.blind:
        check_unused(scope, [iface.element for iface in ifaces if iface.sole_index])
    found = reporter.sorted()
    errors = [diagnostic for diagnostic in found if diagnostic.is_error]
    if errors and not (tolerant and _are_about_ifaces(errors, program)):
        return None, found
    configuration = Configuration(
        tuple(iface.to_model(number) for number, iface in enumerate(ifaces)),
        gateway,
        tuple(info.function for info in infos if info.function),
        program.span,
    )
    return configuration, found


# Errors about one value of an Iface, which no function looks at.
_HARMLESS = frozenset(
    {"bad-address", "bad-netmask", "bad-mac", "nic-missing", "duplicate-iface", "duplicate-address", "iface-incomplete"}
)


def _are_about_ifaces(errors: list[Diagnostic], program: ast.Program) -> bool:
    """Whether functions, and where they hang, are as if there were no errors."""
    ifaces = [d.span for d in program.declarations if isinstance(d, ast.Typed) and d.type.text.lower() == "iface"]

    def is_harmless(problem: Diagnostic) -> bool:
        span = problem.span
        if span is None or problem.code not in _HARMLESS:
            return False
        return any(iface.start <= span.start < iface.end for iface in ifaces)

    return all(map(is_harmless, errors))


def _read_gateway(scope: Scope, elements: list[Element], ifaces: list[ReadIface]) -> Gateway | None:
    """The first Gateway; further ones are checked as well."""
    by_name = {iface.element.name: iface for iface in ifaces}
    gateways = [element for element in elements if element.kind is ElementKind.GATEWAY]
    read = [read_gateway(scope, element, by_name) for element in gateways]
    return read[0] if read else None


def _check_calls(
    reporter: Reporter, scope: Scope, infos: list[FunctionInfo], ifaces: list[ReadIface], gateway: Gateway | None
) -> None:
    declared = [info for info in infos if scope.elements.get(info.element.name) is info.element]
    calls = Calls(declared, reporter)
    calls.check_depth()
    calls.check_contexts()
    chains = list(_chains(ifaces, gateway))
    calls.check_hooks((hook, attachment) for hook, chain in chains for attachment in chain)
    for hook, chain in chains:
        calls.check_chain(hook, chain)


def _chains(ifaces: list[ReadIface], gateway: Gateway | None) -> Iterator[tuple[Hook, tuple[Attachment, ...]]]:
    for iface in ifaces:
        yield from iface.chains.items()
    if gateway and gateway.forward:
        yield Hook.FORWARD, gateway.forward
