"""Random policies as text, made from the type system: whatever is drawn is legal, and naclc finds no error in it.

    programs()   elements of every kind, constants, Filters and Nats whose tests fit their fields and contexts

The names of what is drawn never collide; each Filter ends in a verdict.
"""

from __future__ import annotations

from hypothesis import strategies as st

from naclc.net.constants import CONSTANTS, ConstantKind
from naclc.net.fields import FIELDS, Field, FieldType

_KINDS = {
    FieldType.PORT: ConstantKind.PORT,
    FieldType.PROTO: ConstantKind.PROTOCOL,
    FieldType.ICMP_TYPE: ConstantKind.ICMP_TYPE,
}
_ORDERED = ("==", "!=", "<", "<=", ">", ">=")
_STATES = ("new", "established")
_FLAGS = ("fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr")
_TEXTS = ('"x"', '"%d %s\\n"', '"\\" and \\\\"', '"€"', '""')
_SEVERITIES = ("emerg", "err", "Warning", "DEBUG")
_PORTS = st.one_of(st.integers(1, 65535).map(str), st.sampled_from(["http", "SSH", "dns"]))
_HOSTS = st.integers(1, 254).map(lambda last: f"10.1.0.{last}")


def _number(width: int) -> st.SearchStrategy[str]:
    number = st.integers(0, (1 << width) - 1)
    return st.one_of(number.map(str), number.map(hex))


def _addresses() -> st.SearchStrategy[str]:
    return st.integers(0, 2**32 - 1).map(lambda number: ".".join(map(str, number.to_bytes(4, "big"))))


def _scalars(field: Field) -> st.SearchStrategy[str]:
    """What `field` may be compared with by `==`."""
    match field.type:
        case FieldType.ADDR:
            return st.one_of(_addresses(), st.just("host"), st.just("eth0.address"))
        case FieldType.STATE:
            return st.sampled_from(_STATES)
        case FieldType.BOOL:
            return st.sampled_from(["true", "false", "on"])
        case FieldType.IFACE:
            return st.sampled_from(["eth0", "eth1"])
        case FieldType.FLAGS:
            return st.one_of(_number(8), st.sampled_from(_FLAGS))
    names = [name for name, constant in CONSTANTS.items() if constant.kind is _KINDS.get(field.type)]
    return st.one_of(_number(field.width), *([st.sampled_from(names)] if names else []))


@st.composite
def _sets(draw: st.DrawFn, field: Field) -> str:
    leaf = _scalars(field)
    if field.type is FieldType.ADDR:
        cidr = st.tuples(_addresses(), st.integers(0, 32)).map(lambda parts: f"{parts[0]}/{parts[1]}")
        leaf = st.one_of(leaf, cidr, st.just("nets"))
    elif field.type in (FieldType.NUM, *_KINDS):
        ends = st.tuples(*[st.integers(0, (1 << field.width) - 1)] * 2).map(sorted)
        leaf = st.one_of(leaf, ends.map(lambda pair: f"{pair[0]}-{pair[1]}"))
    leaves = draw(st.lists(leaf, min_size=1, max_size=4))
    if draw(st.booleans()):
        return "{" + ", ".join(f"k{number}: {leaf}" for number, leaf in enumerate(leaves)) + "}"
    return f"[{', '.join(leaves)}{draw(st.sampled_from(['', ',']))}]"


@st.composite
def _tests(draw: st.DrawFn, context: str) -> str:
    heads = ["ip", "ct"] if context == "IP" else ["ip", "ct", context.lower()]
    field = draw(st.sampled_from([each for each in FIELDS.values() if each.protocol in heads]))
    name = draw(st.sampled_from([field.name, field.name.upper()]))
    if field.type is FieldType.BOOL and draw(st.booleans()):
        return name
    if field.type is not FieldType.BOOL and draw(st.booleans()):
        return f"{name} {draw(st.sampled_from(['in', 'IN', 'not in']))} {draw(_sets(field))}"
    unordered = field.type in (FieldType.STATE, FieldType.BOOL, FieldType.FLAGS)
    operator = draw(st.sampled_from(_ORDERED[:2] if unordered else _ORDERED))
    sides = [name, draw(_scalars(field))]
    return f" {operator} ".join(sides[:: draw(st.sampled_from([1, -1]))])


def _conditions(context: str) -> st.SearchStrategy[str]:
    def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        joined = st.tuples(inner, st.sampled_from(["and", "or", "&&", "||"]), inner).map(" ".join)
        return st.one_of(inner.map(lambda each: f"not ({each})"), inner.map(lambda each: f"!({each})"), joined)

    return st.recursive(_tests(context), larger, max_leaves=4)


@st.composite
def _body(draw: st.DrawFn, kind: str, context: str, callees: tuple[str, ...], depth: int) -> str:
    statements = []
    for _ in range(draw(st.integers(1, 3))):
        form = draw(st.sampled_from(["log", "syslog", "if", "block", "call"] if depth else ["log", "syslog"]))
        inner = _body(kind, context, callees, max(0, depth - 1))
        if form == "if":
            branches = f"if ({draw(_conditions(context))}) {{ {draw(inner)} }}"
            if draw(st.booleans()):
                branches += f" else if ({draw(_conditions(context))}) {{ {draw(inner)} }} else {{ {draw(inner)} }}"
            statements.append(branches)
        elif form == "block":
            child = draw(st.sampled_from([context, "IP"] if context != "IP" else ["IP", "TCP", "UDP", "ICMP"]))
            inner = _body(kind, context if child == "IP" else child, callees, depth - 1)
            statements.append(f"{kind}::{child} {{ {draw(inner)} }}")
        elif form == "call" and callees and context == "IP":
            statements.append(draw(st.sampled_from(callees)) + draw(st.sampled_from(["", "()"])))
        else:
            field = draw(st.sampled_from([name for name, each in FIELDS.items() if each.protocol == "ip"]))
            severity = f"{draw(st.sampled_from(_SEVERITIES))}, " if form == "syslog" else ""
            action = "syslog" if severity else "log"
            statements.append(f"{action}({severity}{draw(st.sampled_from(_TEXTS))}, {field}, text)")
    return " ".join([*statements, *draw(_ending(kind, context))])


@st.composite
def _ending(draw: st.DrawFn, kind: str, context: str) -> list[str]:
    if not draw(st.booleans()):
        return []
    if kind == "Filter":
        return [draw(st.sampled_from(["accept", "drop", "DROP()"]))]
    action, host = draw(st.sampled_from(["dnat", "snat"])), draw(_HOSTS)
    if context == "ICMP":
        return [f"{action}({host})"]
    return [f"{action}({draw(st.sampled_from([host, draw(_PORTS), f'{host}, {draw(_PORTS)}']))})"]


@st.composite
def _functions(draw: st.DrawFn) -> list[str]:
    text = []
    for kind, letter in (("Filter", "f"), ("Nat", "n")):
        callees: tuple[str, ...] = ()
        for number in range(draw(st.integers(1, 3))):
            name, context = f"{letter}{number}", draw(st.sampled_from(["IP", "TCP", "UDP", "ICMP"]))
            text.append(f"{kind}::{context} {name} {{ {draw(_body(kind, context, callees, 2))} }}")
            callees += (name,)
        end = " accept" if kind == "Filter" else ""
        text.append(f"{kind}::IP {letter}_main {{ {draw(_body(kind, 'IP', callees, 3))}{end} }}")
    return text


_SERVICES = (
    "Conntrack table { limit: 1000, reserve: 10, timeout: { established: { udp: 60 }, confirmed: { icmp: 5 } } }",
    "Syslog server { address: 10.1.0.3, port: 514 }",
    "Timer ticks { interval: 5, data: [memory, cpu] }",
    "Conntrack table { untracked: filter }",
)


@st.composite
def programs(draw: st.DrawFn) -> str:
    """A policy with two NICs, in any order of its statements."""
    hooks = {hook: draw(st.sampled_from(["f_main", "[f_main, n_main]", "n_main"])) for hook in ("prerouting", "input")}
    chains = ", ".join(f"{hook}: {chain}" for hook, chain in hooks.items())
    nexthop = draw(_HOSTS)
    text = [
        f"Iface eth0 {{ index: 0, address: 10.1.0.2, netmask: 255.255.255.0, {chains} }}",
        "Iface eth1 { index: 1, config: dhcp, dhcp_timeout: 3 }",
        f"Gateway gw {{ r1: {{ net: 0.0.0.0, netmask: 0.0.0.0, nexthop: {nexthop}, iface: eth0, cost: 2 }} }}",
        "gw.forward: f_main",
        "eth1.output: n_main",
        f"host: {draw(_addresses())}",
        "nets: [192.0.2.0/24, host]",
        f"on: {draw(st.sampled_from(['true', 'false']))}",
        'text: "some text"',
        *draw(_functions()),
        *draw(st.lists(st.sampled_from(_SERVICES), max_size=2, unique_by=lambda each: each.split()[0])),
    ]
    return draw(st.sampled_from(["\n", " ", " # …\n"])).join(draw(st.permutations(text))) + "\n"
