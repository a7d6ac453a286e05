"""Decision graphs, run on a packet. Where fields lie is decided here anew: the interpreter has its own table.

References: RFC 791 3.1 (IPv4 header), RFC 2474 and RFC 3168 (DSCP, ECN), RFC 9293 3.1 (TCP), RFC 3540 (NS bit),
RFC 768 (UDP), RFC 792 (ICMP); docs/language.md 7.1 for units and 8.3 for when a transport header is there.
"""

from __future__ import annotations

from bisect import bisect_right

from naclc.decision.graph import Call, Effect, FieldTest, Graphs, Guard, Leaf, Node, Test
from naclc.net.fields import PROTOCOL_NUMBERS, Field, FieldType, State
from naclc.pipeline.evaluation import NO_STATEMENT, Decision, Evaluator, Facts, Verdict
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.model import Protocol

# First bit of a field from the start of its header, bits numbered as in the RFCs' pictures; the width is the field's.
_FIRST_BIT = {
    "ip.version": 0,
    "ip.dscp": 8,
    "ip.ecn": 14,
    "ip.length": 16,
    "ip.id": 32,
    "ip.frag-off": 51,
    "ip.ttl": 64,
    "ip.protocol": 72,
    "ip.checksum": 80,
    "ip.saddr": 96,
    "ip.daddr": 128,
    "tcp.sport": 0,
    "tcp.dport": 16,
    "tcp.sequence": 32,
    "tcp.ackseq": 64,
    "tcp.doff": 96,
    "tcp.reserved": 100,
    "tcp.has-ns": 103,
    "tcp.flags": 104,
    "tcp.has-cwr": 104,
    "tcp.has-ece": 105,
    "tcp.has-urg": 106,
    "tcp.has-ack": 107,
    "tcp.has-psh": 108,
    "tcp.has-rst": 109,
    "tcp.has-syn": 110,
    "tcp.has-fin": 111,
    "tcp.window": 112,
    "tcp.checksum": 128,
    "tcp.urgptr": 144,
    "udp.sport": 0,
    "udp.dport": 16,
    "udp.length": 32,
    "udp.checksum": 48,
    "icmp.type": 0,
    "icmp.code": 8,
}
_TRANSPORT_OCTETS = {Protocol.TCP: 20, Protocol.UDP: 8, Protocol.ICMP: 8}


def read(field: Field, facts: Facts) -> int:
    """The value of `field`, 0 .. 2**width - 1. A transport field must be read below its guard only."""
    match field.name:
        case "ct.state":
            return int(facts.state)
        case "iface.in":
            return facts.iface_in
        case "iface.out":
            return facts.iface_out
        case "ip.hdrlength":
            return _header_octets(facts.packet)
    start = 0 if field.protocol == "ip" else _header_octets(facts.packet)
    first = _FIRST_BIT[field.name]
    last = first + field.width - 1
    octets = facts.packet[start + first // 8 : start + last // 8 + 1]
    return int.from_bytes(octets, "big") >> (7 - last % 8) & (1 << field.width) - 1


def _header_octets(packet: bytes) -> int:
    return (packet[0] & 15) * 4


def has_header(protocol: Protocol, packet: bytes) -> bool:
    """Whether `packet` is of `protocol` and its transport header is there (docs/language.md 8.3)."""
    start = _header_octets(packet)
    first_fragment = not (packet[6] & 0x1F or packet[7])
    there = start >= 20 and len(packet) - start >= _TRANSPORT_OCTETS[protocol]
    return packet[9] == PROTOCOL_NUMBERS[protocol] and first_fragment and there


def evaluator(graphs: Graphs, pipeline: Pipeline) -> Evaluator:
    """The graphs as an answer to "what does this function do with this packet". KeyError: no such function."""
    names = {iface.number: iface.name for iface in pipeline.ifaces}

    def evaluate(function: str, facts: Facts) -> Decision:
        graph = graphs.graphs[function]
        if graph.protocol is not Protocol.IP and not has_header(graph.protocol, facts.packet):
            return Decision(Verdict.END, NO_STATEMENT)
        return _run(graphs, graph.root, facts, names)

    return evaluate


def _run(graphs: Graphs, node: Node, facts: Facts, names: dict[int, str]) -> Decision:
    log: list[str] = []
    sent: list[tuple[int, bytes]] = []
    returns: list[tuple[Node, str, int]] = []  # where to go on, callee, what was written before; innermost last
    passed: set[str] = set()  # functions that ended in silence: they will again, the packet is the same
    while True:
        match node:
            case Leaf(verdict, statement, rewrite):
                if not node.is_end or not returns:
                    return Decision(verdict, statement, "".join(log).encode(), rewrite, tuple(sent))
                node, callee, written = returns.pop()
                if written == len(log) + len(sent):
                    passed.add(callee)
            case Effect(parts, following, _, severity):
                text = "".join(
                    part if isinstance(part, str) else shown(part, read(part, facts), names) for part in parts
                )
                if severity is None:
                    log.append(text)
                else:
                    sent.append((severity, text.encode()))
                node = following
            case Call(function, following):
                if function in passed:
                    node = following
                else:
                    returns.append((following, function, len(log) + len(sent)))
                    node = graphs.graphs[function].root
            case _:
                node = step(node, facts)


def path_length(graphs: Graphs, function: str, facts: Facts) -> int:
    """How many nodes `facts` meets in `function` and in those of its calls that log, known without going there more
    than once. Calls that end in silence are not counted: an evaluation runs each such function once."""
    met: dict[str, tuple[int, bool]] = {}  # of each function: how many nodes, and whether the packet comes to its end
    for name, graph in graphs.graphs.items():
        node, length, silent = graph.root, 1, True
        while not isinstance(node, Leaf):
            match node:
                case Effect(_, following):
                    node, silent = following, False
                case Call(callee, following):
                    there, ends = met[callee]
                    length += there
                    silent = silent and not there
                    if not ends:
                        break
                    node = following
                case _:
                    node = step(node, facts)
            length += 1
        if name == function:
            return length
        met[name] = 0 if silent else length, isinstance(node, Leaf) and node.is_end
    raise KeyError(function)


def step(node: Test | FieldTest | Guard, facts: Facts) -> Node:
    """The way out of a test that `facts` takes."""
    match node:
        case Test(field, edges):
            at = bisect_right(edges, read(field, facts), key=lambda edge: edge.first) - 1
            return edges[at].target
        case FieldTest(left, right):
            difference = read(left, facts) - read(right, facts)
            return node.less if difference < 0 else node.greater if difference > 0 else node.equal
        case Guard(protocol, inside, outside):
            return inside if has_header(protocol, facts.packet) else outside


def shown(field: Field, number: int, names: dict[int, str]) -> str:
    """A field's value as log writes it (docs/language.md 6.2); `names` are the Ifaces' by number."""
    match field.type:
        case FieldType.ADDR:
            return ".".join(map(str, number.to_bytes(4, "big")))
        case FieldType.BOOL:
            return ("false", "true")[number]
        case FieldType.STATE:
            return State(number).name.lower()
        case FieldType.IFACE:
            return names.get(number, "?")
        case _:
            return str(number)
