"""Random policies and packets for properties: values lie where rules and packets are likely to meet."""

from __future__ import annotations

from hypothesis import strategies as st

from naclc.net.fields import FIELDS, State
from naclc.pipeline.evaluation import Facts
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.model import Condition, Hook, Kind
from tests.unit.decision.policies import (
    Body,
    Spec,
    and_,
    block,
    call,
    dnat,
    if_,
    in_,
    is_,
    literal,
    log,
    not_,
    or_,
    pipeline_of,
    snat,
    syslog,
)

_IP = ("ip.ttl", "ip.protocol", "ip.saddr", "ip.daddr", "ip.frag-off", "ip.hdrlength", "ip.dscp", "ct.state")
_FIELDS = {
    "IP": _IP,
    "TCP": (*_IP, "tcp.sport", "tcp.dport", "tcp.flags", "tcp.has-syn", "tcp.has-ack", "tcp.has-ns", "tcp.doff"),
    "UDP": (*_IP, "udp.sport", "udp.dport", "udp.length"),
    "ICMP": (*_IP, "icmp.type", "icmp.code"),
}
_ALIKE = {
    "IP": (("ip.saddr", "ip.daddr"), ("ip.ttl", "ip.protocol")),
    "TCP": (("tcp.sport", "tcp.dport"), ("tcp.dport", "ip.ttl"), ("tcp.has-syn", "tcp.has-ack")),
    "UDP": (("udp.dport", "udp.sport"), ("udp.sport", "udp.length")),
    "ICMP": (("icmp.code", "ip.ttl"),),
}
_OPERATORS = ("==", "!=", "<", "<=", ">", ">=")
_INTERESTING = (0, 1, 2, 5, 6, 8, 17, 20, 40, 0x0A000001, 0x0A0000FF)


def values(width: int) -> st.SearchStrategy[int]:
    top = (1 << width) - 1
    return st.sampled_from([*(value for value in _INTERESTING if value <= top), top - 1, top])


@st.composite
def atoms(draw: st.DrawFn, context: str) -> Condition:
    kind = draw(st.sampled_from(("compare", "compare", "set", "fields", "literal")))
    if kind == "literal":
        return literal(draw(st.booleans()))
    if kind == "fields":
        left, right = draw(st.sampled_from(_ALIKE["IP"] + _ALIKE[context]))
        return is_(left, draw(st.sampled_from(_OPERATORS)), right)
    name = draw(st.sampled_from(_FIELDS[context]))
    width = FIELDS[name].width
    if kind == "compare":
        return is_(name, draw(st.sampled_from(_OPERATORS)), draw(values(width)))
    leaves: list[int | str | tuple[int, int]] = list(draw(st.lists(values(width), min_size=1, max_size=4)))
    if draw(st.booleans()):
        first, last = sorted((draw(values(width)), draw(values(width))))
        leaves.append((first, last))
    if width == 32 and draw(st.booleans()):
        leaves.append(draw(st.sampled_from(("10.0.0.0/8", "10.0.0.3/30", "0.0.0.0/0", "255.255.255.255/32"))))
    return in_(name, *leaves)


def conditions(context: str) -> st.SearchStrategy[Condition]:
    return st.recursive(
        atoms(context),
        lambda inner: st.one_of(
            st.builds(not_, inner),
            st.lists(inner, min_size=2, max_size=3).map(lambda operands: and_(*operands)),
            st.lists(inner, min_size=2, max_size=3).map(lambda operands: or_(*operands)),
        ),
        max_leaves=4,
    )


@st.composite
def bodies(draw: st.DrawFn, context: str, callees: tuple[tuple[str, str], ...], depth: int, kind: Kind) -> Body:
    return [draw(_statements(context, callees, depth, kind)) for _ in range(draw(st.integers(1, 3)))]


@st.composite
def _statements(draw: st.DrawFn, context: str, callees: tuple[tuple[str, str], ...], depth: int, kind: Kind) -> Spec:
    last = ["dnat", "snat"] if kind is Kind.NAT else ["accept", "drop"]
    kinds = ["log", "syslog", *last] + (["if"] * 5 + ["block"] * 2 if depth else [])
    callable_here = [name for name, protocol in callees if context == "IP" or protocol in ("IP", context)]
    chosen = draw(st.sampled_from(kinds + ["call"] * 2 * bool(callable_here)))
    match chosen:
        case "accept" | "drop":
            return chosen
        case "dnat" | "snat":
            to, port = draw(st.sampled_from((("10.0.0.1", None), ("255.255.255.254", 65535), (None, 1))))
            return dnat(to, port) if chosen == "dnat" else snat(to, port)
        case "log":
            return log(draw(st.sampled_from(("a", "b"))), draw(st.sampled_from(_FIELDS[context])))
        case "syslog":
            return syslog(draw(st.integers(0, 7)), "c%m", draw(st.sampled_from(_FIELDS[context])))
        case "call":
            return call(draw(st.sampled_from(callable_here)))
        case "block":
            inner = draw(st.sampled_from(("IP", "TCP", "UDP", "ICMP") if context == "IP" else ("IP", context)))
            return block(inner, draw(bodies(context if inner == "IP" else inner, callees, depth - 1, kind)))
    otherwise = draw(bodies(context, callees, depth - 1, kind)) if draw(st.booleans()) else ()
    return if_(draw(conditions(context)), draw(bodies(context, callees, depth - 1, kind)), otherwise)


@st.composite
def pipelines(draw: st.DrawFn, kinds: tuple[Kind, ...] = (Kind.FILTER, Kind.FILTER, Kind.NAT)) -> Pipeline:
    """Three functions of one of `kinds`, the last attached; each may call those before it."""
    kind = draw(st.sampled_from(kinds))
    functions: dict[str, tuple[str, Body]] = {}
    for name in ("f", "g"):
        protocol = draw(st.sampled_from(("IP", "TCP", "UDP", "ICMP")))
        callees = tuple((known, spec[0]) for known, spec in functions.items())
        functions[name] = protocol, draw(bodies(protocol, callees, 2, kind))
    functions["main"] = "IP", draw(bodies("IP", tuple((name, spec[0]) for name, spec in functions.items()), 3, kind))
    return pipeline_of(functions, {Hook.INPUT: ["main"]}, kind=kind)


@st.composite
def facts(draw: st.DrawFn) -> Facts:
    """Packets with whole, cut or absent transport headers, with and without IP options."""
    header_words = draw(st.sampled_from((5, 5, 5, 6, 15)))
    head = bytearray(draw(st.binary(min_size=header_words * 4, max_size=header_words * 4)))
    head[0] = 0x40 | header_words
    head[6:8] = draw(st.sampled_from((b"\0\0", b"\0\0", b"\x40\0", b"\x20\0", b"\0\5", b"\x1f\xff")))
    head[8] = draw(values(8))
    head[9] = draw(st.sampled_from((1, 6, 6, 17, 47)))
    head[12:16] = draw(values(32)).to_bytes(4, "big")
    head[16:20] = draw(values(32)).to_bytes(4, "big")
    ports = draw(values(16)).to_bytes(2, "big") + draw(values(16)).to_bytes(2, "big")
    data = ports + draw(st.binary(min_size=16, max_size=20))
    data = data[: draw(st.sampled_from((0, 7, 8, 19, 20, 24)))]
    packet = head[:2] + (len(head) + len(data)).to_bytes(2, "big") + head[4:] + data
    return Facts(bytes(packet), draw(st.sampled_from(State)), 0)
