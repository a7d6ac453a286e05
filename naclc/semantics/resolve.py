"""Syntax tree to typed model: the order in which a program is checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from naclc.diagnostics import Diagnostic
from naclc.semantics.bodies import Bodies, FunctionInfo
from naclc.semantics.calls import Calls
from naclc.semantics.conntrack import check_used, read_conntrack
from naclc.semantics.constants import check_values
from naclc.semantics.declare import declare
from naclc.semantics.depth import run_deep
from naclc.semantics.gateway import read_gateway
from naclc.semantics.ifaces import ReadIface, check_together, read_iface
from naclc.semantics.load_balancer import read_load_balancer
from naclc.semantics.model import Attachment, Configuration, Gateway, Hook
from naclc.semantics.nats import check_nats
from naclc.semantics.reporter import Reporter
from naclc.semantics.scope import Scope
from naclc.semantics.services import read_syslog, read_timer
from naclc.semantics.usage import check_unused
from naclc.semantics.values import Element, ElementKind
from naclc.syntax import ast

_T = TypeVar("_T")


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
    elements = _Elements(scope)
    iface_elements = elements.of(ElementKind.IFACE)
    numbers = {element.name: number for number, element in enumerate(iface_elements)}
    bodies = Bodies(scope, numbers)
    infos = [bodies.read(function, element) for function, element in functions]
    ifaces = elements.all(ElementKind.IFACE, lambda scope, element: read_iface(scope, element, nics))
    check_together(reporter, ifaces)
    by_name = {iface.element.name: iface for iface in ifaces}
    gateway = elements.first(ElementKind.GATEWAY, lambda scope, element: read_gateway(scope, element, by_name))
    conntrack = elements.first(ElementKind.CONNTRACK, read_conntrack)
    balancer = elements.first(ElementKind.LOAD_BALANCER, read_load_balancer)
    syslog = elements.first(ElementKind.SYSLOG, read_syslog)
    has_balancer = bool(elements.of(ElementKind.LOAD_BALANCER))
    timers = elements.all(ElementKind.TIMER, lambda scope, element: read_timer(scope, element, has_balancer))
    _check_calls(reporter, scope, infos, ifaces, gateway)
    if conntrack and not reporter.failed:
        tracking = any(iface.tracks for iface in ifaces) or (gateway is not None and gateway.routes != ())
        check_used(reporter, conntrack, tracking)
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
        conntrack,
        balancer,
        syslog,
        tuple(timers),
    )
    return configuration, found


# Errors about one value of an Iface, which no function looks at.
_HARMLESS = frozenset(
    {
        *("bad-address", "bad-netmask", "bad-mac", "nic-missing", "vlan-out-of-range", "iface-incomplete"),
        *("duplicate-iface", "duplicate-address", "dhcp-with-static", "limit-on-vlan"),
    }
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


class _Elements:
    """The typed elements of a program, read kind by kind. Readers answer None for what is too wrong to go on with."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def of(self, kind: ElementKind) -> list[Element]:
        return [element for element in self._scope.elements.values() if element.kind is kind]

    def all(self, kind: ElementKind, read: Callable[[Scope, Element], _T | None]) -> list[_T]:
        found = [read(self._scope, element) for element in self.of(kind)]
        return [element for element in found if element is not None]

    def first(self, kind: ElementKind, read: Callable[[Scope, Element], _T | None]) -> _T | None:
        """Of an element that there may be only one of; further ones are checked as well."""
        found = self.all(kind, read)
        return found[0] if found else None


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
    if not reporter.failed:
        check_nats(reporter, declared, chains)


def _chains(ifaces: list[ReadIface], gateway: Gateway | None) -> Iterator[tuple[Hook, tuple[Attachment, ...]]]:
    for iface in ifaces:
        yield from iface.chains.items()
    if gateway and gateway.forward:
        yield Hook.FORWARD, gateway.forward
