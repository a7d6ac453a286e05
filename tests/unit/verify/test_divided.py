"""Answers that leave in fragments are judged whole."""

from __future__ import annotations

import pytest

from naclc.interpret.division import pieces
from naclc.interpret.header import checksum
from naclc.verify.divided import joined
from naclc.verify.executor import Sent
from naclc.verify.packets import build
from naclc.verify.packetspec import PacketSpec

LARGE = build(PacketSpec("icmp", {"src": 0x0A000001, "dst": 0x0A000002, "icmp.type": 0, "payload": bytes(4000)}))
SMALL = build(PacketSpec("udp", {"src": 0x0A000001, "dst": 0x0A000002, "udp.dport": 7}))


def sent(*packets: bytes, iface: str = "lan") -> tuple[Sent, ...]:
    return tuple(Sent(iface, packet, 9) for packet in packets)


@pytest.mark.parametrize("turn", [1, -1])
def test_pieces_are_put_together(turn: int) -> None:
    found = joined(sent(SMALL, *pieces(LARGE)[::turn], SMALL))
    assert len(pieces(LARGE)) == 3
    assert found == sent(SMALL, LARGE, SMALL)
    assert checksum(found[1].packet[:20]) == 0


def test_what_is_not_whole_stays_as_it_is() -> None:
    first, second, last = sent(*pieces(LARGE))
    assert joined((first, last)) == (first, last)
    elsewhere = Sent("wan", second.packet, 9)
    assert joined((first, elsewhere, last)) == (first, elsewhere, last)
    assert joined(sent(b"\x45\0", b"")) == sent(b"\x45\0", b"")
