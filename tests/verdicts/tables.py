"""Verdict tables: the file format, and how a row becomes a packet and an observation.

    # policy: network.nacl
    #
    # iface    packet                                  -> outcome                 | why
    outside    udp 192.0.2.9:1000 10.0.0.5:53          -> out inside ttl=63       | a connected network
    + inside   udp 10.0.0.5:53 192.0.2.9:1000          -> out outside log=est     | its answer
    +9s outside udp 192.0.2.9:1000 10.0.0.5:53         -> out inside              | just in time

A row runs on a fresh machine; one that begins with `+` on the machine of the row before it, `+9s` nine seconds later.
A packet is a protocol (tcp, udp, icmp or a number), source, destination, and options:

    ttl= dscp= id= frag=        fields of the IP header; df, mf alone set a flag; options=HEX
    version= ihl= len= sum=     wrong on purpose; right unless given
    flags= seq= ack= doff=      tcp (flags as letters, S unless given)      ulen=   udp length
    type= code=                 icmp (8 and 0 unless given)                 tsum=   transport checksum
    data= cut= pad=             octets of payload (8 unless given); octets kept of the packet; link padding added

The outcome begins with `drop`, `local`, `answer` or `out`; the words after it must appear in the observation in that
order. An observation says:

    drop REASON [answer ...]                             out IFACE via=HOP ttl=N src=ADDRESS
    local [dropped REASON]                               answer IFACE via=HOP ttl=N src=A dst=B KIND

KIND is icmp=TYPE/CODE or tcp=FLAGS. All end in rule=LINE of the last verdict and log=TEXT of all hooks, if there are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.packet import Packet, Raw

from naclc.interpret.events import Decided, Delivered, Dropped, Event, Logged, Sent
from naclc.interpret.machine import Machine
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
_PROTOCOLS = {"tcp": 6, "udp": 17, "icmp": 1}


@dataclass(frozen=True, slots=True)
class Row:
    """`steps` are the rows that share its machine, itself the last: (seconds to wait before, Iface, packet)."""

    policy: Path
    line: int
    why: str
    steps: tuple[tuple[int, str, bytes], ...]
    outcome: str

    def __str__(self) -> str:
        return f"{self.policy.stem}:{self.line} {self.why}"


def rows(table: Path) -> Iterator[Row]:
    """The rows of a table. Raises ValueError for a line that is none."""
    policy: Path | None = None
    steps: tuple[tuple[int, str, bytes], ...] = ()
    for number, line in enumerate(table.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("# policy:"):
            policy = FOLDER / line.split(":")[1].strip()
        if not line.strip() or line.startswith("#"):
            continue
        found = _ROW.fullmatch(line.strip())
        if found is None or policy is None:
            raise ValueError(f"{table.name}:{number}: not a row: {line}")
        step = (int(found["wait"] or 0), found["iface"], packet(found["packet"].split()))
        steps = (*steps, step) if found["more"] else (step,)
        yield Row(policy, number, f"{table.stem}: {found['why']}", steps, found["outcome"])


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
            message = ICMP(type=int(options.pop("type", "8")), id=1, seq=1)
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
    machine = Machine(pipeline, evaluate)
    number_of = {iface.name: iface.number for iface in pipeline.ifaces}
    events: tuple[Event, ...] = ()
    for wait, iface, octets in row.steps:
        machine.wait(wait)
        events = machine.receive(number_of[iface], octets)
    return " ".join(_words(pipeline, events))


def _words(pipeline: Pipeline, events: tuple[Event, ...]) -> Iterator[str]:
    local = any(isinstance(event, Delivered) for event in events)
    if local and not any(isinstance(event, Sent) for event in events):
        yield "local"
    for at, event in enumerate(events):
        if isinstance(event, Dropped):
            yield f"{'dropped' if local else 'drop'} {event.reason}"
        if isinstance(event, Sent):
            own = any(isinstance(earlier, Delivered | Dropped) for earlier in events[:at])
            yield _answer(pipeline, event) if own else _forwarded(pipeline, event)
    lines = [pipeline.statements[event.statement].line for event in events if isinstance(event, Decided)]
    text = b"".join(event.text for event in events if isinstance(event, Logged)).decode()
    if lines:
        yield f"rule={lines[-1]}"
    if text:
        yield f"log={text}"


def _where(pipeline: Pipeline, event: Sent) -> str:
    hop = ".".join(str(octet) for octet in event.next_hop.to_bytes(4, "big"))
    return f"{pipeline.ifaces[event.iface].name} via={hop}"


def _forwarded(pipeline: Pipeline, event: Sent) -> str:
    sent = IP(event.packet)
    return f"out {_where(pipeline, event)} ttl={sent.ttl} src={sent.src}"


def _answer(pipeline: Pipeline, event: Sent) -> str:
    sent = IP(event.packet)
    kind = f"icmp={sent[ICMP].type}/{sent[ICMP].code}" if ICMP in sent else f"tcp={sent[TCP].flags}"
    return f"answer {_where(pipeline, event)} ttl={sent.ttl} src={sent.src} dst={sent.dst} {kind}"


def agrees(outcome: str, observation: str) -> bool:
    """Whether the observation begins as the outcome does and has its other words in their order."""
    first, *others = outcome.split()
    seen = iter(observation.split())
    return next(seen, None) == first and all(word in seen for word in others)
