"""Reads and checks Syslog and Timers (docs/language.md 5.5 and 5.6).

Reports   unknown-key, missing-key, type-mismatch, unknown-word, value-out-of-range, port-out-of-range, bad-address,
          empty-set; duplicate-word, lb-without-balancer.
"""

from __future__ import annotations

from naclc.diagnostics import Label
from naclc.semantics.keys import Keys, open_element
from naclc.semantics.model import SyslogServer, Timer, TimerData
from naclc.semantics.scope import Scope
from naclc.semantics.values import Element
from naclc.semantics.words import read_word
from naclc.source import Span


def read_syslog(scope: Scope, element: Element) -> SyslogServer | None:
    """None when something in it is missing or wrong."""
    keys = open_element(scope, element)
    if keys is None:
        return None
    keys.refuse_unknown(("address", "port"))
    address = keys.host_address("address") if keys.require("address") else None
    port = keys.port("port") if keys.require("port") else None
    return None if address is None or port is None else SyslogServer(element.name, address, port, element.span)


def read_timer(scope: Scope, element: Element, has_balancer: bool) -> Timer | None:
    """None when something in it is missing or wrong. `has_balancer`: there is a Load_balancer."""
    keys = open_element(scope, element)
    if keys is None:
        return None
    keys.refuse_unknown(("interval", "data"))
    interval = keys.integer("interval", 1) if keys.require("interval") else None
    words = _read_data(keys) if keys.require("data") else {}
    if TimerData.LB in words and not has_balancer:
        message = "`lb` prints nothing: there is no Load_balancer"
        scope.reporter.warning("lb-without-balancer", message, words[TimerData.LB], help="remove the word")
    if interval is None:
        return None
    return Timer(element.name, interval, tuple(word for word in TimerData if word in words), element.span)


def _read_data(keys: Keys) -> dict[TimerData, Span]:
    """The words, and where each stands first."""
    words: dict[TimerData, Span] = {}
    for place in keys.items("data", "words", tuple(TimerData)) or ():
        text = read_word(keys.scope, place, "word for the data of a Timer", tuple(TimerData))
        if text is None:
            continue
        span = place.value.span
        first = words.setdefault(TimerData(text), span)
        if first is not span:
            label = Label(first, "first given here")
            keys.reporter.warning("duplicate-word", f"`{text}` is given twice", span, label, help="remove one of them")
    return words
