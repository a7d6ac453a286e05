"""Reads and checks the Conntrack (docs/language.md 5.3).

Reports   unknown-key, type-mismatch, value-out-of-range, unknown-word; limit-too-small, timeout-ignored, no-effect,
          conntrack-unused.
"""

from __future__ import annotations

from naclc.diagnostics import Label
from naclc.semantics.keys import Keys, open_element
from naclc.semantics.model import Conntrack, EntryState, Protocol, Untracked
from naclc.semantics.reporter import Reporter
from naclc.semantics.scope import Scope
from naclc.semantics.values import Element

KEYS = ("limit", "reserve", "stateful_tcp", "timeout", "untracked")
TRACKED = {"tcp": Protocol.TCP, "udp": Protocol.UDP, "icmp": Protocol.ICMP}
TUPLES_PER_CONNECTION = 2

_Timeouts = dict[tuple[EntryState, Protocol], int]


def read_conntrack(scope: Scope, element: Element) -> Conntrack | None:
    """The Conntrack without what is wrong in it; None when its value is no object."""
    keys = open_element(scope, element)
    if keys is None:
        return None
    keys.refuse_unknown(KEYS)
    limit = keys.integer("limit") or 0
    if 0 < limit < TUPLES_PER_CONNECTION:
        message = f"a table of {limit} has no room for a connection, which takes {TUPLES_PER_CONNECTION} entries"
        keys.reporter.warning("limit-too-small", message, keys.value_span("limit"), help="0 is no limit")
    stateful = bool(keys.boolean("stateful_tcp"))
    untracked = keys.word("untracked", "choice for untracked packets", tuple(Untracked))
    return Conntrack(
        element.name,
        limit,
        keys.integer("reserve"),
        stateful,
        _read_timeouts(keys, stateful),
        Untracked(untracked or Untracked.DROP),
        element.span,
    )


def _read_timeouts(keys: Keys, stateful: bool) -> _Timeouts:
    timeouts: _Timeouts = {}
    states = keys.inner("timeout")
    if states is None:
        return timeouts
    _warn_empty(states)
    states.refuse_unknown(tuple(EntryState))
    for state in EntryState:
        protocols = states.inner(state)
        if protocols is None:
            continue
        _warn_empty(protocols)
        protocols.refuse_unknown(tuple(TRACKED))
        for word, protocol in TRACKED.items():
            seconds = protocols.integer(word, 1)
            if seconds is not None:
                timeouts[state, protocol] = seconds
        if stateful and "tcp" in protocols.entries:
            message = "this timeout has no effect: TCP is followed by its flags and has timeouts of its own"
            label = Label(keys.key_span("stateful_tcp"), "asks for that")
            advice = "remove it, or `stateful_tcp`"
            keys.reporter.warning("timeout-ignored", message, protocols.key_span("tcp"), label, help=advice)
    return timeouts


def _warn_empty(keys: Keys) -> None:
    if not keys.entries:
        advice = "remove it, or give it timeouts in seconds"
        keys.reporter.warning("no-effect", f"{keys.title} has no effect: it is empty", keys.span, help=advice)


def check_used(reporter: Reporter, conntrack: Conntrack, tracking: bool) -> None:
    """`tracking`: packets of some Iface are looked up in the connection table."""
    if not tracking:
        reporter.warning(
            "conntrack-unused",
            f"nothing uses Conntrack `{conntrack.name}`: no Iface has a chain, masquerades or is named by a route",
            conntrack.span,
            help="remove it, or attach the functions that it is meant for",
        )
