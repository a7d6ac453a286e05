"""TCP followed by its flags, for a connection table with stateful_tcp (docs/language.md 8.2).

    SYN_SENT ──reply SYN+ACK──▶ SYN_RECV ──original ACK──▶ ESTABLISHED
    ESTABLISHED ──original FIN──▶ FIN_WAIT ──FIN──▶ TIME_WAIT ──ACK──▶ CLOSE
        └─────────reply FIN─────▶ CLOSE_WAIT ──FIN──▶ LAST_ACK ──ACK──▶ CLOSE
    any ──RST──▶ CLOSE

A segment makes one step at most: in TIME_WAIT and LAST_ACK one with FIN is no ACK of the last FIN.
"""

from __future__ import annotations

from enum import Enum

FIN, SYN, RST, ACK = 1, 2, 4, 16


class TcpState(Enum):
    SYN_SENT = "SYN_SENT"
    SYN_RECV = "SYN_RECV"
    ESTABLISHED = "ESTABLISHED"
    FIN_WAIT = "FIN_WAIT"
    TIME_WAIT = "TIME_WAIT"
    CLOSE_WAIT = "CLOSE_WAIT"
    LAST_ACK = "LAST_ACK"
    CLOSE = "CLOSE"


# Seconds an entry lives after its last segment.
TIMEOUTS = {
    TcpState.SYN_SENT: 120,
    TcpState.SYN_RECV: 60,
    TcpState.ESTABLISHED: 86_400,
    TcpState.FIN_WAIT: 120,
    TcpState.TIME_WAIT: 120,
    TcpState.CLOSE_WAIT: 720,
    TcpState.LAST_ACK: 30,
    TcpState.CLOSE: 10,
}


def opens(flags: int) -> bool:
    """Whether a segment with these flags (tcp.flags) makes an entry."""
    return flags & (SYN | ACK | RST | FIN) == SYN


def following(state: TcpState, flags: int, *, reply: bool) -> TcpState:
    """The state after a segment with these flags; `reply`: it goes against the direction of the first."""
    if flags & RST:
        return TcpState.CLOSE
    match state:
        case TcpState.SYN_SENT if reply and flags & SYN and flags & ACK:
            return TcpState.SYN_RECV
        case TcpState.SYN_RECV if not reply and flags & ACK:
            return TcpState.ESTABLISHED
        case TcpState.ESTABLISHED if flags & FIN:
            return TcpState.CLOSE_WAIT if reply else TcpState.FIN_WAIT
        case TcpState.FIN_WAIT if flags & FIN:
            return TcpState.TIME_WAIT
        case TcpState.CLOSE_WAIT if flags & FIN:
            return TcpState.LAST_ACK
        case TcpState.TIME_WAIT | TcpState.LAST_ACK if flags & ACK and not flags & FIN:
            return TcpState.CLOSE
    return state
