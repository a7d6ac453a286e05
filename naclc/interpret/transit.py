"""A packet on its way through the machine."""

from __future__ import annotations

from naclc.interpret.flows import Direction, Flow
from naclc.pipeline.pipeline import Iface


class Transit:
    """The packet as it is now, the Iface it arrived on or was made by, its entry in the connection table, and the
    direction in which it goes there; both None while it is untracked."""

    __slots__ = ("direction", "flow", "origin", "packet")

    def __init__(
        self, packet: bytes, origin: Iface, flow: Flow | None = None, direction: Direction | None = None
    ) -> None:
        self.packet = packet
        self.origin = origin
        self.flow = flow
        self.direction = direction
