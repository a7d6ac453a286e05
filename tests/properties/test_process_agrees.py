"""Damaged and spoofed packets, one after the other, do on the skeleton OS what they do on the reference machine."""

from __future__ import annotations

from functools import cache

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.packet import Raw

from naclc.image import Target
from naclc.interpret import header
from naclc.verify.executors.inside import InsideExecutor
from naclc.verify.executors.process import ProcessExecutor
from naclc.verify.judge import Judge
from naclc.verify.wire.session import Surroundings
from tests.verdicts.pairs import SHORTEST_FRAME, image
from tests.verdicts.tables import FOLDER, pipeline_of
from tests.verdicts.test_verdicts_process import workdir

__all__ = ["workdir"]  # a fixture

HOSTS = ("192.0.2.9", "10.0.0.5", "198.51.100.9", "10.1.9.9", "192.0.2.1", "10.0.0.1")
OTHERS = ("192.0.2.255", "255.255.255.255", "224.0.0.1", "127.0.0.1", "203.0.113.1", "0.0.0.0", "240.0.0.1")
MESSAGES = (
    TCP(sport=1, dport=2, flags="S"),
    TCP(sport=2, dport=1, flags="SA"),
    UDP(sport=1, dport=2),
    UDP(sport=2, dport=1),
    ICMP(id=1),
    ICMP(type=0, id=1),
    ICMP(type=3),
    Raw(bytes(24)),
)


@cache
def whole(source: str, destination: str, message: int, options: bytes) -> bytes:
    return bytes(IP(src=source, dst=destination, options=options) / MESSAGES[message].copy() / Raw(b"payload"))


@st.composite
def packets(draw: st.DrawFn) -> bytes:
    source, destination = draw(st.sampled_from(HOSTS)), draw(st.sampled_from(HOSTS))
    if draw(st.integers(0, 3)) == 0:
        source = draw(st.sampled_from(OTHERS))
    if draw(st.integers(0, 3)) == 0:
        destination = draw(st.sampled_from(OTHERS))
    number = draw(st.integers(0, len(MESSAGES) - 1))
    packet = bytearray(whole(source, destination, number, draw(st.sampled_from([b"", b"", b"\1" * 8]))))
    if draw(st.integers(0, 3)) == 0:
        packet[8] = draw(st.integers(0, 2))  # TTL
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 3]))):
        packet[draw(st.integers(0, min(len(packet), 44) - 1))] = draw(st.integers(0, 255))
    if draw(st.integers(0, 7)):
        start = min(max(header.hdrlength(packet), 20), len(packet))
        packet[10:12] = b"\0\0"
        packet[10:12] = header.checksum(bytes(packet[:start])).to_bytes(2, "big")
    return bytes(packet).ljust(SHORTEST_FRAME, b"\0")


@settings(
    deadline=None,
    max_examples=12,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
@given(
    st.sampled_from(["network.nacl", "tracking.nacl"]),
    st.lists(st.tuples(st.sampled_from(["outside", "inside"]), packets()), min_size=20, max_size=40),
)
def test_process_agrees(workdir, policy: str, arrivals: list[tuple[str, bytes]]) -> None:  # type: ignore[no-untyped-def]
    path = FOLDER / policy
    pipeline = pipeline_of(path)
    judge = Judge.of(pipeline)
    machine = ProcessExecutor(Surroundings(pipeline), image(path, workdir, Target.LINUX))
    with InsideExecutor("interpreter", pipeline).session("drawn") as reference, machine.session("drawn") as session:
        for iface, packet in arrivals:
            expected, observed = reference.send(iface, packet), session.send(iface, packet)
            assert judge.disagreements(expected, observed) == [], (iface, packet.hex())
