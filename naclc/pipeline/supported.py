"""What belongs to the language and the skeleton OS does not have yet: refused here, never ignored. All of it, and
nothing else. IncludeOS has it.

Reports   not-supported-yet.
"""

from __future__ import annotations

from collections.abc import Iterator

from naclc.diagnostics import Diagnostic, error, in_source_order
from naclc.pipeline.lower import walk
from naclc.semantics import model
from naclc.semantics.depth import run_deep
from naclc.semantics.model import Config, Configuration, Kind
from naclc.source import Span

_Finding = tuple[str, Span]


def unsupported(configuration: Configuration) -> list[Diagnostic]:
    """One error for each part that cannot run on the skeleton OS, in source order."""
    return run_deep(_unsupported, configuration)


def _unsupported(configuration: Configuration) -> list[Diagnostic]:
    findings = [*_elements(configuration)]
    for iface in configuration.ifaces:
        findings += _keys(iface)
    for function in configuration.functions:
        findings += _statements(function)
    return in_source_order([_refused(what, span) for what, span in findings])


def _elements(configuration: Configuration) -> Iterator[_Finding]:
    if configuration.conntrack:
        yield "a Conntrack", configuration.conntrack.span
    if configuration.load_balancer:
        yield "a Load_balancer", configuration.load_balancer.span
    if configuration.syslog:
        yield "a Syslog", configuration.syslog.span
    for timer in configuration.timers:
        yield "a Timer", timer.span


def _keys(iface: model.Iface) -> Iterator[_Finding]:
    for key, refused in (
        ("vlan", iface.vlan is not None),
        ("config", iface.config is not Config.STATIC),
        ("masquerade", iface.masquerade),
        ("send_queue_limit", iface.send_queue_limit is not None),
        ("buffer_limit", iface.buffer_limit is not None),
    ):
        if refused:
            what = f"the Iface config `{iface.config}`" if key == "config" else f"the Iface key `{key}`"
            yield what, iface.keys.get(key, iface.span)


def _statements(function: model.Function) -> Iterator[_Finding]:
    if function.kind is Kind.NAT:
        yield "a Nat function", function.type_span or function.span
        return
    for statement in walk(function.body):
        if isinstance(statement, model.Syslog):
            yield "the action `syslog`", _first(statement.span, len("syslog"))


def _first(span: Span, length: int) -> Span:
    return Span(span.source, span.start, span.start + length)


def _refused(what: str, span: Span) -> Diagnostic:
    advice = (
        "the skeleton OS, which naclc boots and tests, does not have it; for IncludeOS compile with `--os includeos`"
    )
    return error("not-supported-yet", f"{what} is not supported yet", span, help=advice)
