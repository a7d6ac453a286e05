"""A session on wires: frames in, frames out, and proof that nothing more will come.

    send ──▶ packet, ARP request on its link ──▶ … its answer: the packet has been dealt with
         ──▶ ARP request on every link       ──▶ … their answers: nothing sent before is still on the way
         ──▶ again, as long as the machine asks questions and gets answers
         ──▶ `counters` at the console       ──▶ what was delivered and dropped, and the log text

No policy filters ARP, and each NIC keeps the order of its frames: a drop is known without waiting. The ARP requests
come from 0.0.0.0 (RFC 5227), so that the machine learns nothing from them. A NIC without any address is asked nothing;
there it is the console's answers that show that the packet has been dealt with: when it is asked again after an answer,
the machine has looked at its NICs in between. A machine without that command (`counts` is false) is given a moment
instead, and nobody can see what was delivered to it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from naclc.diagnostics import Diagnostic, error
from naclc.interpret.machine import Lease
from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.model import Config
from naclc.verify import syslog
from naclc.verify.executor import Observation
from naclc.verify.leases import without_lease
from naclc.verify.neighbours import EVERYBODY, Neighbours
from naclc.verify.nics import Link
from naclc.verify.wire import console
from naclc.verify.wire.child import Child
from naclc.verify.wire.neighbourhood import Neighbourhood, Seen
from naclc.verify.wire.record import Recorder
from naclc.verify.wire.wires import DEFAULT_LIMITS, Limits, Wires

_REPEAT = 1.0  # seconds after which a question is asked again
_BOOT_REPEAT = 0.1
_MAX_ROUNDS = 64
_QUESTIONS = 3  # at the console, where a NIC has no address
_QUIET = 0.05  # seconds after which a console that nobody can ask has said all
_SWEEP = 10  # seconds between two sweeps of the connection table
_SEARCHES = 128  # ARP searches in one second of virtual time: the machine limits them by the second


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is around a machine. `pipeline` is the policy at run time: with the addresses of `leases`, by Iface name."""

    pipeline: Pipeline
    neighbours: Neighbours = EVERYBODY
    leases: Mapping[str, Lease] | None = None

    @property
    def given(self) -> Mapping[str, Lease]:
        return self.leases or {}


class WireSession:
    """`why` says what became of a child that has ended, from its exit status. `virtual`: the machine's time stands
    still until its console is told `advance`. `counts`: its console tells counters when it is asked."""

    def __init__(
        self,
        around: Surroundings,
        child: Child,
        why: Callable[[Child, int | None], Diagnostic],
        recorder: Recorder,
        limits: Limits = DEFAULT_LIMITS,
        *,
        virtual: bool = False,
        counts: bool = True,
    ) -> None:
        self._pipeline = around.pipeline
        self._limits = limits
        self._virtual = virtual
        self._counts = counts
        self._wires = Wires(child, why, recorder, limits, self._take)
        self._hosts = Neighbourhood(around.pipeline, around.neighbours, around.given, self._wires.transmit)
        self._wiring = self._hosts.wiring
        self._late = without_lease(around.pipeline, around.given)
        fallbacks = {self._wiring.links[iface.name] for iface in self._late}
        addressed = [link for link, iface in sorted(self._wiring.ifaces.items()) if iface.address is not None]
        self._at_once = [link for link in addressed if link not in fallbacks]
        self._asked = addressed
        self._searches = 0
        self._text = b""  # what the console said since the step began
        self._counters: Mapping[str, Mapping[str, int]] = {}

    def boot(self) -> None:
        """Wait until the machine answers on every addressed link and at its console.

        Raises MachineFailure when it does not within the limit, or ends.
        """
        if not self._counts and not self._asked:
            self._wires.hangs("no Iface has an address, so that nothing tells when it has booted")
        deadline = time.monotonic() + self._limits.boot
        self._controls(self._at_once, deadline, _BOOT_REPEAT)
        wait = max((iface.dhcp_timeout for iface in self._late if iface.config is Config.DHCP_WITH_FALLBACK), default=0)
        if self._virtual and wait:
            self._ask_console(deadline)  # what runs at start has run
            self._advance(-(-wait // _SWEEP) * _SWEEP)  # so that sweeps stay at multiples of the interval
        self._controls(self._asked, deadline + wait, _BOOT_REPEAT)
        self._ask_console(deadline + wait, _BOOT_REPEAT if not self._asked else _REPEAT)

    def send(self, port: str, packet: bytes) -> Observation:
        link = self._wiring.link(port)
        self._begin()
        before = self._counters
        self._hosts.ipv4(link, packet)
        self._settle(link.network)
        self._ask_console()
        self._searches += self._hosts.seen.answered
        seen = self._observe(before, received=self._wiring.receiver(port) is not None)
        if self._virtual and self._searches >= _SEARCHES:
            self._searches = 0
            self._advance(1)
        return seen

    def wait(self, seconds: int) -> None:
        """In virtual time where the machine has it. What the machine sends and prints meanwhile is let go."""
        self._begin()
        if self._virtual:
            self._advance(seconds)
            return
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._wires.pump(left)
        self._ask_console()

    def close(self) -> None:
        self._wires.close()

    # --- one step ---

    def _take(self, nic: int, frame: bytes) -> None:
        self._hosts.take(nic, frame)

    def _begin(self) -> None:
        self._hosts.seen = Seen()
        self._text = b""
        self._wires.frames = 0

    def _advance(self, seconds: int) -> None:
        self._wires.type(f"advance {seconds}\n".encode())
        self._ask_console()

    def _settle(self, link: Link) -> None:
        deadline = time.monotonic() + self._limits.answer
        beside = [other for other in self._asked if other.nic == link.nic]
        self._controls(beside, deadline, _REPEAT)
        for _ in range(0 if beside else _QUESTIONS):
            self._ask_console()
        for _ in range(_MAX_ROUNDS):
            answered = self._hosts.seen.answered
            self._controls(self._asked, deadline, _REPEAT)
            if self._hosts.seen.answered == answered:
                return

    def _controls(self, links: Sequence[Link], deadline: float, repeat: float) -> None:
        """ARP requests to the machine on `links`; back when all are answered."""
        self._hosts.ask(links)
        while self._hosts.unanswered:
            again = min(deadline, time.monotonic() + repeat)
            while self._hosts.unanswered and (left := again - time.monotonic()) > 0:
                self._wires.pump(left)
            if self._hosts.unanswered and time.monotonic() >= deadline:
                self._silent(self._hosts.unanswered)
            self._hosts.repeat()

    def _silent(self, links: Sequence[Link]) -> NoReturn:
        """Fail for what is silent; a lease that was not taken is the better reason."""
        for link in links:
            server = self._hosts.servers.get(link)
            if server is not None and not server.given:
                what = f"Iface {self._wiring.name(link)} took no DHCP lease: {server.missing()}"
                self._wires.fails(error("dhcp-no-lease", what, None, help=server.advice()))
        names = ", ".join(self._wiring.name(link) for link in links)
        self._wires.hangs(f"no answer to ARP on {names}")

    def _ask_console(self, deadline: float | None = None, repeat: float | None = None) -> None:
        """Have the counters told, and with them that all before has been dealt with."""
        if not self._counts:
            return self._listen()
        deadline = deadline or time.monotonic() + self._limits.answer
        while True:
            if time.monotonic() >= deadline:
                self._wires.hangs("no answer at its console")
            self._wires.type(console.QUESTION)
            again = min(deadline, time.monotonic() + (repeat or self._limits.answer))
            while (left := again - time.monotonic()) > 0:
                report = console.complete(self._wires.output)
                if report is not None:
                    self._wires.output = b""
                    self._text += report.text
                    self._counters = report.counters
                    return None
                self._wires.pump(left)

    def _listen(self) -> None:
        """Take what the console says until it is quiet, or has been noisy for too long."""
        deadline = time.monotonic() + self._limits.answer
        said = -1
        while said != len(self._wires.output) and time.monotonic() < deadline:
            said = len(self._wires.output)
            self._wires.pump(_QUIET)
        self._text, self._wires.output = self._text + self._wires.output, b""

    def _observe(self, before: Mapping[str, Mapping[str, int]], *, received: bool) -> Observation:
        delivered: list[str] = []
        dropped: list[str] = []
        for device, counters in self._counters.items():
            grown = console.growth(before.get(device, {}), counters)
            if device == "machine":
                for name, count in grown.items():
                    dropped += [name.partition(".")[2]] * (count if "drop." in name else 0)
                continue
            link = console.link_of(device)
            iface = self._wiring.ifaces.get(link) if link is not None else None
            if iface is not None:
                delivered += [iface.name] * grown.get("delivered", 0)
        if not received and not dropped:
            dropped = ["no-iface"]
        text, printed = self._text, tuple[syslog.Message, ...]()
        if self._pipeline.syslog is None:
            text, printed = syslog.on_console(text)
        if self._pipeline.timers:
            text = console.without_timers(text)
        return Observation(
            sent=tuple(self._hosts.seen.sent),
            delivered=tuple(delivered) if self._counts else None,
            log=text.decode("utf-8", "replace"),
            decided=None,
            dropped=tuple(dropped),
            syslog=(*self._hosts.seen.messages, *printed),
        )
