"""A condition that somebody asks about, in the words of a policy: names, sets and fields mean what they mean there."""

from __future__ import annotations

import re
from dataclasses import replace

from naclc.diagnostics import Diagnostic, error
from naclc.semantics.model import Accept, Condition, If, Protocol
from naclc.semantics.resolve import resolve
from naclc.source import SourceFile, Span
from naclc.syntax.parse import parse

_TRANSPORT_FIELD = re.compile(r"\b(tcp|udp|icmp)\s*\.", re.IGNORECASE)


def read_condition(
    policy: SourceFile, text: str, name: str = "<expression>"
) -> tuple[tuple[Condition, Protocol] | None, list[Diagnostic]]:
    """`text` as the condition of an if that stands in NaCl policy `policy`, which has no errors.

    Args:
        name: what the text is called in diagnostics.

    Returns:
        The condition and the protocol whose fields it reads (IP when of none); and what is wrong with it.
    """
    own = SourceFile(name, text)
    protocols = sorted({match[1].upper() for match in _TRANSPORT_FIELD.finditer(text)})
    if len(protocols) > 1:
        what = f"a packet is not {' and '.join(protocols)} at once"
        return None, [error("field-not-available", what, Span(own, 0, len(text)), help="ask about one after the other")]
    protocol = Protocol(protocols[0]) if protocols else Protocol.IP
    question = "naclc_question"
    while question in policy.text:
        question += "_"
    before = f"{policy.text}\nFilter::{protocol.value} {question} {{ if (\n"
    both = SourceFile(policy.name, f"{before}{text}\n) {{ accept }} }}")
    program, findings = parse(both)
    if program is not None and not any(finding.is_error for finding in findings):
        configuration, findings = resolve(program)
        function = next((f for f in (configuration.functions if configuration else ()) if f.name == question), None)
        match function.body if function else ():
            case (If(condition, (Accept(),), ()),) if not _errors(findings, len(before)):
                return (condition, protocol), []
    whole = Span(both, len(before), len(before) + len(text))
    wrong = _errors(findings, len(before)) or [error("syntax", "this is not one condition", whole)]
    return None, [_moved(finding, own, len(before)) for finding in wrong]


def _errors(findings: list[Diagnostic], start: int) -> list[Diagnostic]:
    """The errors from offset `start` on: what stands before has been looked at already."""
    return [finding for finding in findings if finding.is_error and finding.span and finding.span.end > start]


def _moved(finding: Diagnostic, own: SourceFile, start: int) -> Diagnostic:
    """The same about `own`, which begins at offset `start` of the text that was read."""
    assert finding.span is not None
    first = min(max(finding.span.start - start, 0), len(own.text))
    last = min(max(finding.span.end - start, first), len(own.text))
    return replace(finding, span=Span(own, first, last), labels=())
