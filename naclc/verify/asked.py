"""The packets that somebody asks about, as steps of a test: from words on the command line, or from a capture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from naclc.analyze.journey import Guide, Journey
from naclc.interpret.events import Sent
from naclc.pipeline.pipeline import Pipeline
from naclc.verify import packets
from naclc.verify.cases import Case, ReplyStep, WaitStep
from naclc.verify.nics import Wiring

_IP_KEYS = ("src", "dst", "ttl")
_TRANSPORTS = ("tcp", "udp", "icmp")


class Impossible(Exception):
    """What was asked for cannot be sent; says why."""


def flow(given: Mapping[str, str]) -> str:
    """Words by key (`src`, `dst`, `ttl`, `protocol`, and keys of a transport) as the packet of a tests file.

    >>> flow({"src": "192.0.2.9", "dst": "192.0.2.1", "protocol": "tcp", "dport": "80", "flags": "syn,ack"})
    '{src: 192.0.2.9, dst: 192.0.2.1, tcp: {dport: 80, flags: [syn,ack]}}'

    Raises:
        Impossible: no protocol, or keys of a transport without its protocol.
    """
    outer = [f"{key}: {given[key]}" for key in _IP_KEYS if key in given]
    inner = {key: text for key, text in given.items() if key not in (*_IP_KEYS, "protocol")}
    if "flags" in inner:
        inner["flags"] = f"[{inner['flags']}]"
    protocol = given.get("protocol", "").lower()
    if protocol == "icmp":
        inner.setdefault("type", "echo-request")
    if protocol in _TRANSPORTS:
        outer.append(f"{protocol}: {{{', '.join(f'{key}: {text}' for key, text in inner.items())}}}")
    elif inner:
        raise Impossible(f"`{next(iter(inner))}` wants the protocol tcp, udp or icmp")
    elif not protocol:
        raise Impossible("say with --protocol what the packet is: tcp, udp, icmp, a name, or a number")
    else:
        outer.append(f"protocol: {protocol}")
    return f"{{{', '.join(outer)}}}"


def tests_text(iface: str, asked: list[str]) -> str:
    """A tests file with one test that sends the packets `asked`, each `{…}` or `raw: …`, to `iface`."""
    steps = [f"  - {{in: {iface}, {'' if text.startswith('raw:') else 'packet: '}{text}}}" for text in asked]
    return "\n".join(("tests:", "- name: packet", "  steps:", *steps, ""))


def journeys(case: Case, pipeline: Pipeline) -> Iterator[Journey]:
    """The ways of the packets of a test, in their order; `pipeline` has the addresses that DHCP gave.

    Raises:
        Impossible: a reply to nothing, or a packet on a NIC that no Iface listens on.
    """
    guide, wiring = Guide(pipeline), Wiring.of(pipeline)
    left: list[bytes | None] = []  # what left the machine first, by step
    for step in case.steps:
        if isinstance(step, WaitStep):
            guide.wait(step.seconds)
            left.append(None)
            continue
        before = left[step.to - 1] if isinstance(step, ReplyStep) else None
        packet = _reply(before, step) if isinstance(step, ReplyStep) else packets.build(step.packet)
        receiver = wiring.receiver(step.port)
        if receiver is None:
            raise Impossible(f"no Iface listens to NIC {step.port.removeprefix('#').replace('.', ' with VLAN ')}")
        journey = guide.send(receiver.number, packet)
        left.append(next((event.packet for event in journey.events if isinstance(event, Sent)), None))
        yield journey


def _reply(before: bytes | None, step: ReplyStep) -> bytes:
    packet = packets.reply(before, step.changes) if before is not None else None
    if packet is None:
        raise Impossible(f"step {step.to} of the test led to no packet to reply to")
    return packet
