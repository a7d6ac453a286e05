"""A Filter as the NaCl transpiler of 2019 wrote it: one C++ function, one `if` a rule in source order, fields read
through accessors, sets as comparisons joined by `||`, calls written out where they stand.

It is a contender only: it knows what those policies need (ip, tcp, udp and icmp fields, ct.state; no log).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from naclc.net.fields import PROTOCOL_NUMBERS, Field
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics import model

_ACCESSORS = {
    "ip.saddr": ("ip_src", "load32(ip + 12)"),
    "ip.daddr": ("ip_dst", "load32(ip + 16)"),
    "ip.protocol": ("ip_protocol", "ip[9]"),
    "ip.ttl": ("ip_ttl", "ip[8]"),
    "tcp.sport": ("tcp_src_port", "load16(transport())"),
    "tcp.dport": ("tcp_dst_port", "load16(transport() + 2)"),
    "tcp.flags": ("tcp_flags", "transport()[13]"),
    "udp.sport": ("udp_src_port", "load16(transport())"),
    "udp.dport": ("udp_dst_port", "load16(transport() + 2)"),
    "icmp.type": ("icmp_type", "transport()[0]"),
    "ct.state": ("state", "flow_state"),
}

_HEAD = """#include "contender.hpp"

namespace {

inline std::uint32_t load16(const std::uint8_t* p) { return std::uint32_t{p[0]} << 8 | p[1]; }
inline std::uint32_t load32(const std::uint8_t* p) { return load16(p) << 16 | load16(p + 2); }

struct Packet {
  const std::uint8_t* ip;
  std::uint32_t flow_state;

  const std::uint8_t* transport() const { return ip + (ip[0] & 15u) * 4; }
"""

_TAIL = """
}  // namespace

const char* contender_open(const Rule*, std::uint32_t) { return nullptr; }

std::uint64_t contender_octets() { return 0; }

void contender_run(const Slot* slots, std::uint32_t count, std::uint8_t* verdicts) {
  for (std::uint32_t i = 0; i < count; ++i) verdicts[i] = decide(Packet{slots[i].packet, slots[i].state});
}
"""


class Unknown(Exception):
    """Something of NaCl that this emitter does not know."""


def emit(pipeline: Pipeline, function: str) -> str:
    """The Filter `function` as one contender in C++, to be compiled beside contender.hpp.

    Raises:
        Unknown: a statement or a field that no measured policy has.
    """
    accessors = "".join(f"  std::uint32_t {name}() const {{ return {how}; }}\n" for name, how in _ACCESSORS.values())
    body = "\n".join(_statements(pipeline, pipeline.functions[function].body, "  "))
    decide = f"Verdict decide(const Packet& packet) {{\n{body}\n  return kDropped;\n}}\n"
    return f"{_HEAD}{accessors}}};\n\n{decide}{_TAIL}"


def _statements(pipeline: Pipeline, statements: Iterable[model.Statement], indent: str) -> Iterator[str]:
    for statement in statements:
        yield from _statement(pipeline, statement, indent)


def _statement(pipeline: Pipeline, statement: model.Statement, indent: str) -> Iterator[str]:
    inner = partial(_statements, pipeline, indent=indent + "  ")
    match statement:
        case model.Accept():
            yield f"{indent}return kAccepted;"
        case model.Drop():
            yield f"{indent}return kDropped;"
        case model.If():
            yield f"{indent}if ({_condition(statement.condition)}) {{"
            yield from inner(statement.then)
            if statement.otherwise:
                yield f"{indent}}} else {{"
                yield from inner(statement.otherwise)
            yield f"{indent}}}"
        case model.Block():
            yield from _guarded(statement.protocol, inner(statement.body), indent)
        case model.Call():
            called = pipeline.functions[statement.function]
            yield from _guarded(called.protocol, inner(called.body), indent)
        case _:
            raise Unknown(type(statement).__name__)


def _guarded(protocol: model.Protocol, body: Iterator[str], indent: str) -> Iterator[str]:
    number = PROTOCOL_NUMBERS.get(protocol.upper())
    yield f"{indent}{{" if number is None else f"{indent}if (packet.ip_protocol() == {number}) {{"
    yield from body
    yield f"{indent}}}"


def _condition(condition: model.Condition) -> str:
    match condition:
        case model.Compare(field, operator, value):
            return f"{_read(field)} {operator} {value}u"
        case model.CompareFields(left, operator, right):
            return f"{_read(left)} {operator} {_read(right)}"
        case model.InSet(field, leaves):
            return f"({' || '.join(_leaf(_read(field), leaf) for leaf in leaves)})"
        case model.Literal(value):
            return str(value).lower()
        case model.Not(operand):
            return f"!({_condition(operand)})"
        case model.And(operands):
            return " && ".join(f"({_condition(operand)})" for operand in operands)
        case model.Or(operands):
            return " || ".join(f"({_condition(operand)})" for operand in operands)


def _leaf(field: str, leaf: model.Leaf) -> str:
    match leaf:
        case model.Single(value):
            return f"{field} == {value}u"
        case model.Between(first, last):
            return f"({field} >= {first}u && {field} <= {last}u)"
        case model.Network(address, prefix):
            mask = 0xFFFFFFFF << (32 - prefix) & 0xFFFFFFFF
            return f"({field} & {mask}u) == {address & mask}u"


def _read(field: Field) -> str:
    if field.name not in _ACCESSORS:
        raise Unknown(field.name)
    return f"packet.{_ACCESSORS[field.name][0]}()"
