"""What belongs to the language and the skeleton OS does not have: refused where that system is chosen, never ignored.
All of it, and nothing else. IncludeOS has it.

Reports   not-on-target.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from naclc.diagnostics import Diagnostic, error, in_source_order
from naclc.pipeline.lower import walk
from naclc.semantics import model
from naclc.semantics.depth import run_deep
from naclc.semantics.model import Config, Configuration, Kind, TimerData
from naclc.source import Span

SYSTEMS = ("any", "skeleton", "includeos")


class Part(StrEnum):
    """A part of the language that an operating system may lack, as a message names it."""

    CONNTRACK = "a Conntrack"
    NAT = "a Nat function"
    MASQUERADE = "the Iface key `masquerade`"
    VLAN = "the Iface key `vlan`"
    DHCP = "an Iface config with DHCP"
    SEND_QUEUE_LIMIT = "the Iface key `send_queue_limit`"
    BUFFER_LIMIT = "the Iface key `buffer_limit`"
    SYSLOG = "a Syslog"
    SYSLOG_ACTION = "the action `syslog`"
    TIMER = "a Timer"
    TIMER_STATS = "the Timer data `stats`"
    LOAD_BALANCER = "a Load_balancer"


# Who gives the skeleton OS a part takes it away here.
SKELETON_LACKS = frozenset({Part.TIMER_STATS, Part.LOAD_BALANCER})

_Use = tuple[Part, Span]


def not_on_target(configuration: Configuration, system: str) -> list[Diagnostic]:
    """One error for each part that `system` (one of SYSTEMS) does not have, in source order.

    `any` asks nothing: what one of the systems can run is accepted, and IncludeOS has all of it.
    """
    return run_deep(_lacking, configuration) if system == "skeleton" else []


def _lacking(configuration: Configuration) -> list[Diagnostic]:
    uses = [*_elements(configuration)]
    for iface in configuration.ifaces:
        uses += _keys(iface)
    for function in configuration.functions:
        uses += _statements(function)
    return in_source_order([_refused(part, span) for part, span in uses if part in SKELETON_LACKS])


def _elements(configuration: Configuration) -> Iterator[_Use]:
    if configuration.conntrack:
        yield Part.CONNTRACK, configuration.conntrack.span
    if configuration.load_balancer:
        yield Part.LOAD_BALANCER, configuration.load_balancer.span
    if configuration.syslog:
        yield Part.SYSLOG, configuration.syslog.span
    for timer in configuration.timers:
        yield Part.TIMER_STATS if TimerData.STATS in timer.data else Part.TIMER, timer.span


def _keys(iface: model.Iface) -> Iterator[_Use]:
    for key, part, used in (
        ("vlan", Part.VLAN, iface.vlan is not None),
        ("config", Part.DHCP, iface.config is not Config.STATIC),
        ("masquerade", Part.MASQUERADE, iface.masquerade),
        ("send_queue_limit", Part.SEND_QUEUE_LIMIT, iface.send_queue_limit is not None),
        ("buffer_limit", Part.BUFFER_LIMIT, iface.buffer_limit is not None),
    ):
        if used:
            yield part, iface.keys.get(key, iface.span)


def _statements(function: model.Function) -> Iterator[_Use]:
    if function.kind is Kind.NAT:
        yield Part.NAT, function.type_span or function.span
    for statement in walk(function.body):
        if isinstance(statement, model.Syslog):
            yield Part.SYSLOG_ACTION, _first(statement.span, len("syslog"))


def _first(span: Span, length: int) -> Span:
    return Span(span.source, span.start, span.start + length)


def _refused(part: Part, span: Span) -> Diagnostic:
    advice = "IncludeOS has it: check, compile and build take `--os includeos`"
    return error("not-on-target", f"the skeleton OS does not have {part}", span, help=advice)
