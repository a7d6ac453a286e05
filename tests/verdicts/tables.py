"""Verdict tables: the file format, and how a row becomes a packet and an observation.

    # policy: network.nacl
    # on: interpreter decision
    # lease: outside 192.0.2.7/24 192.0.2.254
    #
    # iface    packet                                  -> outcome                 | why
    outside    udp 192.0.2.9:1000 10.0.0.5:53          -> out inside ttl=63       | a connected network
    + inside   udp 10.0.0.5:53 192.0.2.9:1000          -> out outside log=est     | its answer
    +9s outside udp 192.0.2.9:1000 10.0.0.5:53         -> out inside              | just in time

`on` names the executors that can do the rows after it (all of them without it, and again after the next policy),
`lease` what DHCP gave an Iface: address, netmask, router. A row runs on a fresh machine; one that begins with `+` on
the machine of the row before it, `+9s` nine seconds later.
A packet is a protocol (tcp, udp, icmp or a number), source, destination, and options:

    ttl= dscp= id= frag=        fields of the IP header; df, mf alone set a flag; options=HEX
    version= ihl= len= sum=     wrong on purpose; right unless given
    flags= seq= ack= doff=      tcp (flags as letters, S unless given)      ulen=   udp length
    type= code= ident=          icmp (8, 0 and 1 unless given)              tsum=   transport checksum
    data= cut= pad=             octets of payload (8 unless given); octets kept of the packet; link padding added

The outcome begins with `drop`, `local`, `answer` or `out`; the words after it must appear in the observation in that
order. An observation says:

    drop REASON [answer ...]                     out IFACE via=HOP ttl=N src=A dst=B [sport=N dport=N]
    local [dropped REASON]                       answer IFACE via=HOP ttl=N src=A dst=B KIND [sport=N dport=N]
    held (a fragment that waits)

KIND is icmp=TYPE/CODE, tcp=FLAGS, or piece=OFFSET of a fragment but the first.
`sums=wrong` follows a whole packet that leaves with a wrong checksum; an outcome
must say so too. All end in rule=LINE of the last verdict, log=TEXT of all hooks, and syslog=SEVERITY:TEXT for each
message, if there are; blanks in them are written `_`. What time brings (`+30s`) comes before the packet of the row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.packet import Packet, Raw

from naclc.interpret.events import Decided, Delivered, Dropped, Event, Held, Logged, Reason, Sent, Syslogged
from naclc.interpret.machine import Lease, Machine
from naclc.pipeline.evaluation import Evaluator
from naclc.pipeline.lower import lower
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.resolve import resolve
from naclc.source import SourceFile
from naclc.syntax.parse import parse

FOLDER = Path(__file__).parent
_ROW = re.compile(
    r"(?:(?P<more>\+)(?:(?P<wait>\d+)s)? +)?(?P<iface>\w+) +(?P<packet>.+?) *-> *(?P<outcome>.+?) *\| *(?P<why>.+)"
)
EXECUTORS = frozenset({"interpreter", "decision", "native", "process"})
_PROTOCOLS = {"tcp": 6, "udp": 17, "icmp": 1}


@dataclass(frozen=True, slots=True)
class Row:
    """`steps` are the rows that share its machine, itself the last: (seconds to wait before, Iface, packet). `on` are
    the executors that can do it; `leases` by Iface name."""

    policy: Path
    line: int
    why: str
    steps: tuple[tuple[int, str, bytes], ...]
    outcome: str
    on: frozenset[str] = EXECUTORS
    leases: tuple[tuple[str, Lease], ...] = ()

    def __str__(self) -> str:
        return f"{self.policy.stem}:{self.line} {self.why}"


def rows(table: Path) -> Iterator[Row]:
    """The rows of a table. Raises ValueError for a line that is none."""
    policy: Path | None = None
    steps: tuple[tuple[int, str, bytes], ...] = ()
    on, leases = EXECUTORS, ()
    for number, line in enumerate(table.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("# policy:"):
            policy, on, leases = FOLDER / line.split(":")[1].strip(), EXECUTORS, ()
        elif line.startswith("# on:"):
            on = frozenset(line.split(":")[1].split())
            if not on <= EXECUTORS:
                raise ValueError(f"{table.name}:{number}: no such executor: {line}")
        elif line.startswith("# lease:"):
            leases = (*leases, _lease(line.split(":")[1].split()))
        if not line.strip() or line.startswith("#"):
            continue
        found = _ROW.fullmatch(line.strip())
        if found is None or policy is None:
            raise ValueError(f"{table.name}:{number}: not a row: {line}")
        step = (int(found["wait"] or 0), found["iface"], packet(found["packet"].split()))
        steps = (*steps, step) if found["more"] else (step,)
        yield Row(policy, number, f"{table.stem}: {found['why']}", steps, found["outcome"], on, leases)


def _lease(words: list[str]) -> tuple[str, Lease]:
    iface, subnet, router = words
    address, prefix = subnet.split("/")
    mask = 0xFFFFFFFF << (32 - int(prefix)) & 0xFFFFFFFF
    return iface, Lease(_number(address), mask, _number(router))


def _number(dotted: str) -> int:
    return int.from_bytes(bytes(int(octet) for octet in dotted.split(".")), "big")


def pipeline_of(policy: Path) -> Pipeline:
    """Raises AssertionError when the policy has an error."""
    program, problems = parse(SourceFile(policy.name, policy.read_text(encoding="utf-8")))
    assert program is not None, problems
    configuration, problems = resolve(program)
    assert configuration is not None, problems
    return lower(configuration)


# --- packets ---


def packet(words: list[str]) -> bytes:
    """Raises KeyError for an option that is left over, ValueError for a number that is none."""
    kind, source, destination, *rest = words
    options = dict(word.split("=") if "=" in word else (word, "1") for word in rest)
    cut, padding = options.pop("cut", None), int(options.pop("pad", "0"))
    src, _, sport = source.partition(":")
    dst, _, dport = destination.partition(":")
    message = _message(kind, int(sport or 0), int(dport or 0), options)
    ip = _header(src, dst, _PROTOCOLS.get(kind) or int(kind), options)
    payload = Raw(bytes(int(options.pop("data", "8"))))
    if options:
        raise KeyError(*options)
    built = bytes(ip / message / payload) if message else bytes(ip / payload)
    return built[: int(cut)] if cut else built + bytes(padding)


def _header(src: str, dst: str, protocol: int, options: dict[str, str]) -> Packet:
    flags = "+".join(flag.upper() for flag in ("df", "mf") if options.pop(flag, None))
    ip = IP(src=src, dst=dst, proto=protocol, flags=flags or 0, options=bytes.fromhex(options.pop("options", "")))
    ip.tos = int(options.pop("dscp", "0")) << 2
    for name, field in (("ttl", "ttl"), ("id", "id"), ("frag", "frag"), ("version", "version"), ("ihl", "ihl")):
        if name in options:
            setattr(ip, field, int(options.pop(name)))
    for name, field in (("len", "len"), ("sum", "chksum")):
        if name in options:
            setattr(ip, field, int(options.pop(name)))
    return ip


def _message(kind: str, sport: int, dport: int, options: dict[str, str]) -> Packet | None:
    match kind:
        case "tcp":
            message = TCP(sport=sport, dport=dport, flags=options.pop("flags", "S"))
            numbers = {"seq": "seq", "ack": "ack", "doff": "dataofs", "tsum": "chksum"}
        case "udp":
            message = UDP(sport=sport, dport=dport)
            numbers = {"ulen": "len", "tsum": "chksum"}
        case "icmp":
            message = ICMP(type=int(options.pop("type", "8")), id=int(options.pop("ident", "1")), seq=1)
            numbers = {"code": "code", "tsum": "chksum"}
        case _:
            return None
    for name, field in numbers.items():
        if name in options:
            setattr(message, field, int(options.pop(name)))
    return message


# --- observations ---


def observe(pipeline: Pipeline, row: Row, evaluate: Evaluator) -> str:
    """What the last step of a row led to, in words."""
    number_of = {iface.name: iface.number for iface in pipeline.ifaces}
    machine = Machine(pipeline, evaluate, leases={number_of[iface]: lease for iface, lease in row.leases})
    events: tuple[Event, ...] = ()
    for wait, iface, octets in row.steps:
        events = machine.wait(wait) + machine.receive(number_of[iface], octets)
    return " ".join(_words(pipeline, events))


def _words(pipeline: Pipeline, events: tuple[Event, ...]) -> Iterator[str]:
    local = any(isinstance(event, Delivered) for event in events)
    if local and not any(isinstance(event, Sent) for event in events):
        yield "local"
    if any(isinstance(event, Held) for event in events):
        yield "held"
    for at, event in enumerate(events):
        if isinstance(event, Dropped):
            yield f"{'dropped' if local else 'drop'} {event.reason}"
        if isinstance(event, Sent):
            own = any(_calls_for_an_answer(earlier) for earlier in events[:at])
            yield _answer(pipeline, event) if own else _forwarded(pipeline, event)
            if not _sums_are_right(event.packet):
                yield "sums=wrong"
    lines = [pipeline.statements[event.statement].line for event in events if isinstance(event, Decided)]
    text = b"".join(event.text for event in events if isinstance(event, Logged)).decode()
    if lines:
        yield f"rule={lines[-1]}"
    if text:
        yield f"log={text.replace(' ', '_')}"
    for event in events:
        if isinstance(event, Syslogged):
            yield f"syslog={event.severity}:{event.text.decode().replace(' ', '_')}"


def _calls_for_an_answer(event: Event) -> bool:
    return isinstance(event, Delivered) or (isinstance(event, Dropped) and event.reason is Reason.TTL_EXPIRED)


def _where(pipeline: Pipeline, event: Sent) -> str:
    hop = ".".join(str(octet) for octet in event.next_hop.to_bytes(4, "big"))
    return f"{pipeline.ifaces[event.iface].name} via={hop}"


def _forwarded(pipeline: Pipeline, event: Sent) -> str:
    sent = IP(event.packet)
    return f"out {_where(pipeline, event)} ttl={sent.ttl} src={sent.src} dst={sent.dst}{_ports(sent)}"


def _answer(pipeline: Pipeline, event: Sent) -> str:
    sent = IP(event.packet)
    kind = _kind(sent)
    return f"answer {_where(pipeline, event)} ttl={sent.ttl} src={sent.src} dst={sent.dst} {kind}{_ports(sent)}"


def _kind(sent: Packet) -> str:
    if sent.frag:
        return f"piece={sent.frag}"
    return f"icmp={sent[ICMP].type}/{sent[ICMP].code}" if ICMP in sent else f"tcp={sent[TCP].flags}"


def _ports(sent: Packet) -> str:
    message = sent.payload
    return f" sport={message.sport} dport={message.dport}" if isinstance(message, TCP | UDP) else ""


def _sums_are_right(packet: bytes) -> bool:
    """Whether scapy would have written the same checksums; a fragment's message cannot be checked."""
    again = IP(packet)
    message = again.payload
    del again.chksum
    covered = isinstance(message, TCP | UDP | ICMP) and not again.flags.MF and message.chksum != 0
    if covered and (not isinstance(message, UDP) or message.len == len(packet) - 4 * again.ihl):
        del message.chksum
    return bytes(again) == packet


def agrees(outcome: str, observation: str) -> bool:
    """Whether the observation begins as the outcome does and has its other words in their order."""
    first, *others = outcome.split()
    if ("sums=wrong" in others) != ("sums=wrong" in observation):
        return False
    seen = iter(observation.split())
    return next(seen, None) == first and all(word in seen for word in others)
