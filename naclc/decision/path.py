"""A packet in words, and the path it takes through a function as the user wrote it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from naclc.decision.build import condition_graph
from naclc.decision.evaluate import has_header, read, step
from naclc.decision.graph import FieldTest, Guard, Leaf, Test
from naclc.decision.notation import value
from naclc.diagnostics import Label
from naclc.net.fields import FIELDS, Field
from naclc.pipeline.evaluation import Facts, Verdict
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.model import (
    Accept,
    Block,
    Call,
    Condition,
    Dnat,
    Drop,
    If,
    Log,
    Protocol,
    Snat,
    Statement,
    Syslog,
)

_LONGEST_PATH = 6  # labels that are shown of a path: the last ones
_IN_HEADLINE = ("ip.saddr", "ip.daddr", "ip.protocol", "ip.version", "tcp.sport", "tcp.dport", "udp.sport", "udp.dport")


def describe_packet(facts: Facts, fields: Iterable[Field], pipeline: Pipeline) -> str:
    """Protocol, addresses and ports, and what else of `fields` the packet has.

    `TCP from 192.0.2.1:40000 to 198.51.100.1:22 (ct.state new, ip.ttl 64)`
    """
    protocol = next((p for p in Protocol if p is not Protocol.IP and has_header(p, facts.packet)), Protocol.IP)
    kind = protocol.lower()
    ends = []
    for address, port in (("ip.saddr", "sport"), ("ip.daddr", "dport")):
        text = value(FIELDS[address], read(FIELDS[address], facts))
        if protocol in (Protocol.TCP, Protocol.UDP):
            text += f":{read(FIELDS[f'{kind}.{port}'], facts)}"
        ends.append(text)
    name = protocol.value
    if protocol is Protocol.IP:
        name = f"IP protocol {value(FIELDS['ip.protocol'], read(FIELDS['ip.protocol'], facts))}"
    names = {iface.number: iface.name for iface in pipeline.ifaces}
    others = [
        f"{field} {value(field, read(field, facts), names)}"
        for field in sorted(fields, key=repr)
        if field.name not in _IN_HEADLINE and field.protocol in ("ip", "ct", "iface", kind)
    ]
    return f"{name} from {ends[0]} to {ends[1]}" + (f" ({', '.join(others)})" if others else "")


def path_labels(function: str, facts: Facts, pipeline: Pipeline) -> list[Label]:
    """What the packet meets on its way through `function`, the last places if it meets many."""
    return list(_path(function, facts, pipeline))[-_LONGEST_PATH:]


def _path(function: str, facts: Facts, pipeline: Pipeline) -> Iterator[Label]:
    waiting: list[Iterator[Statement]] = [iter(pipeline.functions[function].body)]
    called: set[str] = set()  # a function is shown where it is called first: each call of it goes the same way
    while waiting:
        match next(waiting[-1], None):
            case None:
                waiting.pop()
            case If(condition, then, otherwise):
                true = holds(condition, facts)
                yield Label(condition.span, "true for the example" if true else "false for the example")
                waiting.append(iter(then if true else otherwise))
            case Block(protocol, body, _, span):
                if protocol is Protocol.IP or has_header(protocol, facts.packet):
                    waiting.append(iter(body))
                else:
                    yield Label(span, f"skipped: the example is not {protocol}")
            case Call(callee, _, span):
                target = pipeline.functions[callee]
                if callee in called:
                    continue
                called.add(callee)
                if target.protocol is Protocol.IP or has_header(target.protocol, facts.packet):
                    waiting.append(iter(target.body))
                else:
                    yield Label(span, f"skipped: the example is not {target.protocol}")
            case Accept() | Drop() | Dnat() | Snat():
                return
            case Log() | Syslog():
                pass


def holds(condition: Condition, facts: Facts) -> bool:
    """Whether `condition` is true of `facts`."""
    node = condition_graph(condition)
    while isinstance(node, Test | FieldTest | Guard):
        node = step(node, facts)
    return isinstance(node, Leaf) and node.verdict is Verdict.ACCEPT
