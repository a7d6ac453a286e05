"""Datagrams in pieces, for the machine itself and for others."""

from __future__ import annotations

import pytest

from naclc.export.nft import sysctls
from naclc.interpret import header
from naclc.probes.probe import ProbeStep
from naclc.verify.packets import build
from naclc.verify.packetspec import PacketSpec, Value
from tests.kernel.agreement import Comparison
from tests.kernel.linux import LinuxRouter, require_kernel, setup_of
from tests.kernel.policies import checked
from tests.kernel.test_policies import ruleset_of

PIECE = 64  # octets of data in all fragments but the last
OUTSIDE, INSIDE, DMZ = 0xC0000201, 0x0A000101, 0x0A000201
NEIGHBOUR, TRUSTED, STRANGER = 0xC0000209, 0xC0000208, 0xC000021E
ECHO: dict[str, Value] = {"icmp.type": 8, "payload": bytes(range(150))}
DNS: dict[str, Value] = {"udp.dport": 53, "payload": bytes(range(150))}

# policy, Iface, transport, fields, whether it is delivered; why
ROWS = [
    ("stateless", "outside", "icmp", ECHO | {"src": NEIGHBOUR, "dst": OUTSIDE}, True, "pings are taken"),
    ("stateless", "outside", "udp", DNS | {"src": TRUSTED, "dst": OUTSIDE}, True, "its port is in the first fragment"),
    ("stateless", "outside", "udp", DNS | {"src": STRANGER, "dst": OUTSIDE}, False, "not of the trusted"),
    ("stateless", "inside", "icmp", ECHO | {"src": INSIDE + 8, "dst": INSIDE}, True, "no chain before input"),
    ("host", "outside", "udp", DNS | {"src": NEIGHBOUR, "dst": OUTSIDE}, False, "a low port"),
    ("host", "outside", "udp", DNS | {"src": NEIGHBOUR, "dst": OUTSIDE, "udp.dport": 5353}, False, "no entry"),
    ("host", "inside", "udp", DNS | {"src": INSIDE + 8, "dst": INSIDE}, True, "everything is taken there"),
    ("stateful", "inside", "udp", DNS | {"src": INSIDE + 8, "dst": INSIDE, "udp.dport": 33000}, True, "tracked whole"),
    ("stateful", "outside", "icmp", ECHO | {"src": NEIGHBOUR, "dst": OUTSIDE}, True, "tracked whole, answered"),
    ("stateful", "outside", "udp", DNS | {"src": NEIGHBOUR, "dst": OUTSIDE}, False, "tracked whole, not taken"),
    ("masquerade", "outside", "icmp", ECHO | {"src": NEIGHBOUR, "dst": OUTSIDE}, True, "tracked whole, answered"),
]


def fragments(packet: bytes) -> list[bytes]:
    """`packet`, which has no options, in pieces."""
    start = header.IPV4_HEADER
    data = packet[start:]
    pieces = []
    for at in range(0, len(data), PIECE):
        piece = bytearray(packet[:start])
        piece[2:4] = (start + len(data[at : at + PIECE])).to_bytes(2, "big")
        more = 0x2000 if at + PIECE < len(data) else 0
        piece[6:8] = (more | at // 8).to_bytes(2, "big")
        piece[10:12] = b"\0\0"
        piece[10:12] = header.checksum(bytes(piece)).to_bytes(2, "big")
        pieces.append(bytes(piece) + data[at : at + PIECE])
    return pieces


@pytest.mark.parametrize("backwards", [False, True], ids=["in order", "backwards"])
@pytest.mark.parametrize(
    ("policy", "iface", "transport", "values", "delivered"), [r[:5] for r in ROWS], ids=[r[5] for r in ROWS]
)
def test_for_the_machine_itself(
    policy: str, iface: str, transport: str, values: dict[str, Value], delivered: bool, backwards: bool
) -> None:
    require_kernel()
    tried = checked(policy)
    assert tried.pipeline is not None
    pieces = fragments(build(PacketSpec(transport, values | {"id": 77})))
    with LinuxRouter(setup_of(tried.pipeline)) as router:
        router.load(ruleset_of(tried), sysctls(tried.pipeline))
        comparison = Comparison(tried.pipeline, router)
        comparison.probe(
            "pieces", [ProbeStep(iface, p) for p in (pieces[::-1] if backwards else pieces)], gathered=True
        )
    assert comparison.agreement.differences == []
    assert comparison.agreement.delivered == delivered


def test_through_a_stateless_machine_each_goes_by_itself() -> None:
    """The first has its port, and the offsets of the others are above 5."""
    require_kernel()
    tried = checked("stateless")
    assert tried.pipeline is not None
    values: dict[str, Value] = {"src": NEIGHBOUR, "dst": DMZ + 8, "tcp.dport": 443, "payload": bytes(range(200))}
    pieces = fragments(build(PacketSpec("tcp", values)))
    with LinuxRouter(setup_of(tried.pipeline)) as router:
        router.load(ruleset_of(tried), sysctls(tried.pipeline))
        comparison = Comparison(tried.pipeline, router)
        for number, piece in enumerate(pieces):
            comparison.probe(f"piece {number}", [ProbeStep("outside", piece)])
    assert comparison.agreement.differences == []
    assert (len(pieces), comparison.agreement.forwarded) == (4, 4)
