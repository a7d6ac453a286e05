"""TCP followed by its flags: docs/language.md 8.2 with stateful_tcp."""

from __future__ import annotations

import pytest

from naclc.interpret.tcp_states import ACK, FIN, RST, SYN, TIMEOUTS, TcpState, following, opens
from naclc.interpret.tcp_states import TcpState as S


@pytest.mark.parametrize("flags", range(256))
def test_only_a_bare_syn_opens(flags: int) -> None:
    assert opens(flags) is (flags & 0b10111 == 0b00010)


@pytest.mark.parametrize(
    ("state", "flags", "reply", "expected"),
    [
        (S.SYN_SENT, SYN | ACK, True, S.SYN_RECV),
        (S.SYN_SENT, SYN | ACK, False, S.SYN_SENT),
        (S.SYN_SENT, SYN, True, S.SYN_SENT),
        (S.SYN_SENT, ACK, True, S.SYN_SENT),
        (S.SYN_RECV, ACK, False, S.ESTABLISHED),
        (S.SYN_RECV, ACK, True, S.SYN_RECV),
        (S.SYN_RECV, FIN | ACK, False, S.ESTABLISHED),
        (S.ESTABLISHED, FIN | ACK, False, S.FIN_WAIT),
        (S.ESTABLISHED, FIN | ACK, True, S.CLOSE_WAIT),
        (S.ESTABLISHED, ACK, True, S.ESTABLISHED),
        (S.FIN_WAIT, FIN | ACK, True, S.TIME_WAIT),
        (S.FIN_WAIT, ACK, True, S.FIN_WAIT),
        (S.CLOSE_WAIT, FIN | ACK, False, S.LAST_ACK),
        (S.CLOSE_WAIT, ACK, False, S.CLOSE_WAIT),
        (S.TIME_WAIT, ACK, False, S.CLOSE),
        (S.TIME_WAIT, FIN | ACK, True, S.TIME_WAIT),
        (S.LAST_ACK, ACK, True, S.CLOSE),
        (S.LAST_ACK, 0, True, S.LAST_ACK),
        (S.CLOSE, SYN, False, S.CLOSE),
    ],
)
def test_steps(state: TcpState, flags: int, reply: bool, expected: TcpState) -> None:
    assert following(state, flags, reply=reply) is expected


@pytest.mark.parametrize("reply", [False, True])
@pytest.mark.parametrize("state", TcpState)
def test_reset_closes_from_everywhere(state: TcpState, reply: bool) -> None:
    assert following(state, RST | ACK | FIN, reply=reply) is TcpState.CLOSE


def test_every_state_has_its_time() -> None:
    assert [TIMEOUTS[state] for state in TcpState] == [120, 60, 86_400, 120, 120, 720, 30, 10]
