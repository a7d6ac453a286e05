"""A session on wires: frames in, frames out, and proof that nothing more will come.

    send ──▶ packet, ARP request on its NIC ──▶ … its answer: the packet has been dealt with
         ──▶ ARP request on every NIC       ──▶ … their answers: nothing sent before is still on the way
         ──▶ again, as long as the machine asks ARP questions and gets answers
         ──▶ `counters` at the console      ──▶ what was delivered and dropped, and the log text

No policy filters ARP, and each NIC keeps the order of its frames: a drop is known without waiting. The ARP requests
come from 0.0.0.0 (RFC 5227), so that the machine learns nothing from them. A NIC without address is asked nothing;
then the console's answer alone shows that the packet has been dealt with.
"""

from __future__ import annotations

import os
import selectors
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from naclc.diagnostics import Diagnostic, error
from naclc.pipeline.pipeline import Iface, Pipeline
from naclc.verify.executor import MachineFailure, Observation, Sent
from naclc.verify.neighbours import Neighbours, iface_on
from naclc.verify.nics import mac_addresses, nic_numbers
from naclc.verify.wire import console, frames
from naclc.verify.wire.child import MAX_OUTPUT, Child
from naclc.verify.wire.record import Recorder

_PATIENCE = 10.0  # seconds without an answer after which the machine hangs
_REPEAT = 1.0  # seconds after which a question is asked again
_BOOT_REPEAT = 0.1
_MAX_ROUNDS = 64
_MAX_FRAME = 1 << 16
_MAX_FRAMES = 10_000  # from the machine in one step


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: `boot` from the start to the first answer, `answer` for each answer afterwards."""

    boot: float = 20.0
    answer: float = _PATIENCE


DEFAULT_LIMITS = Limits()


@dataclass(slots=True)
class _Seen:
    """What came since the step began. `answered`: how many ARP questions of the machine we answered."""

    sent: list[Sent] = field(default_factory=list)
    answered: int = 0
    frames: int = 0
    waiting: dict[int, int] = field(default_factory=dict)  # NIC number: the round whose answer is awaited


class WireSession:
    """`why` says what became of a child that has ended, from its exit status."""

    def __init__(
        self,
        pipeline: Pipeline,
        child: Child,
        neighbours: Neighbours,
        why: Callable[[Child, int | None], Diagnostic],
        recorder: Recorder,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._pipeline = pipeline
        self._child = child
        self._neighbours = neighbours
        self._why = why
        self._recorder = recorder
        self._limits = limits
        self._numbers = nic_numbers(pipeline)
        self._macs = [frames.mac_octets(mac) for mac in mac_addresses(pipeline)]
        self._ifaces: dict[int, Iface] = {self._numbers[iface.name]: iface for iface in pipeline.ifaces}
        self._asked = [nic for nic, iface in sorted(self._ifaces.items()) if iface.address is not None]
        self._output = b""
        self._round = 0
        self._seen = _Seen()
        self._counters: Mapping[str, Mapping[str, int]] = {}
        self._selector = selectors.DefaultSelector()
        for number, wire in enumerate(child.nics):
            self._selector.register(wire, selectors.EVENT_READ, number)
        self._selector.register(child.console_out, selectors.EVENT_READ, "console")
        self._selector.register(child.errors_out, selectors.EVENT_READ, "errors")
        self._open = {"console", "errors"}

    def boot(self) -> None:
        """Wait until the machine answers on every addressed NIC and at its console.

        Raises MachineFailure when it does not within the limit, or ends.
        """
        deadline = time.monotonic() + self._limits.boot
        if self._asked:
            self._controls(self._asked, deadline, _BOOT_REPEAT)
        self._ask_console(deadline, _BOOT_REPEAT if not self._asked else _REPEAT)

    def send(self, port: str, packet: bytes) -> Observation:
        nic = int(port[1:]) if port.startswith("#") else self._numbers[port]
        self._seen = _Seen()
        source = int.from_bytes(packet[12:16], "big") if len(packet) >= 20 else 0
        frame = frames.ipv4_frame(self._macs[nic], frames.neighbour_mac(source), packet)
        before = self._counters
        self._transmit(nic, frame)
        self._settle(nic)
        report = self._ask_console()
        return self._observe(before, report, iface_on(self._pipeline, self._numbers, port))

    def wait(self, seconds: int) -> None:
        """In real time: the machine's clock is a real one."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._pump(left)

    def close(self) -> None:
        self._selector.close()
        self._recorder.close()

    # --- one step ---

    def _settle(self, nic: int) -> None:
        deadline = time.monotonic() + self._limits.answer
        if nic in self._asked:
            self._controls([nic], deadline, _REPEAT)
        else:
            self._ask_console()
        for _ in range(_MAX_ROUNDS):
            answered = self._seen.answered
            self._controls(self._asked, deadline, _REPEAT)
            if self._seen.answered == answered:
                return

    def _controls(self, nics: list[int], deadline: float, repeat: float) -> None:
        """ARP requests to the machine on `nics`; back when all are answered."""
        self._round += 1
        self._seen.waiting = dict.fromkeys(nics, self._round)
        while self._seen.waiting:
            for nic in list(self._seen.waiting):
                address = self._ifaces[nic].address or 0
                self._transmit(nic, frames.arp_request(self._control_mac(nic), 0, address))
            again = min(deadline, time.monotonic() + repeat)
            while self._seen.waiting and (left := again - time.monotonic()) > 0:
                self._pump(left)
            if self._seen.waiting and time.monotonic() >= deadline:
                silent = ", ".join(self._ifaces[nic].name for nic in sorted(self._seen.waiting))
                self._hangs(f"no answer to ARP on {silent}")

    def _ask_console(self, deadline: float | None = None, repeat: float | None = None) -> console.Report:
        deadline = deadline or time.monotonic() + self._limits.answer
        while time.monotonic() < deadline:
            self._type(console.QUESTION)
            again = min(deadline, time.monotonic() + (repeat or self._limits.answer))
            while (left := again - time.monotonic()) > 0:
                report = console.complete(self._output)
                if report is not None:
                    self._output = b""
                    self._counters = report.counters
                    return report
                self._pump(left)
        self._hangs("no answer at its console")
        raise AssertionError

    def _observe(
        self, before: Mapping[str, Mapping[str, int]], report: console.Report, receiver: Iface | None
    ) -> Observation:
        delivered: list[str] = []
        dropped: list[str] = []
        for device, counters in report.counters.items():
            grown = console.growth(before.get(device, {}), counters)
            if device == "machine":
                for name, count in grown.items():
                    dropped += [name.partition(".")[2]] * (count if "drop." in name else 0)
                continue
            iface = self._ifaces.get(int(device.removeprefix("eth"))) if device.startswith("eth") else None
            if iface is not None:
                delivered += [iface.name] * grown.get("delivered", 0)
        if receiver is None and not dropped:
            dropped = ["no-iface"]
        text = report.text.decode("utf-8", "replace")
        return Observation(tuple(self._seen.sent), tuple(delivered), text, None, tuple(dropped))

    # --- wires ---

    def _pump(self, patience: float) -> None:
        """Take what has come, waiting for it up to `patience` seconds."""
        for key, _ in self._selector.select(patience):
            if isinstance(key.data, int):
                self._take_frames(key.data)
            elif key.data == "errors":
                self._take_errors()
            else:
                self._take_console()
        if "console" not in self._open and "errors" not in self._open:
            self._ended()

    def _take_frames(self, nic: int) -> None:
        wire = self._child.nics[nic]
        while self._seen.frames <= _MAX_FRAMES:
            try:
                frame = wire.recv(_MAX_FRAME)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                self._ended()
            if not frame:
                return
            self._seen.frames += 1
            self._recorder.frame(nic, frame)
            self._take_frame(nic, frame)
        raise MachineFailure(error("guest-noise", f"the machine sent more than {_MAX_FRAMES} frames in one step", None))

    def _take_frame(self, nic: int, frame: bytes) -> None:
        arp = frames.parse_arp(frame)
        if arp is not None:
            return self._take_arp(nic, arp)
        packet = frames.parse_ipv4(frame)
        iface = self._ifaces.get(nic)
        if packet is not None:
            hop = frames.neighbour_of(frame[:6])
            if hop is not None and iface is not None:
                hop = self._neighbours.reached(iface, hop)
            self._seen.sent.append(Sent(iface.name if iface else f"#{nic}", packet, hop))
        return None

    def _take_arp(self, nic: int, arp: frames.Arp) -> None:
        iface = self._ifaces.get(nic)
        if not arp.request:
            awaited = self._seen.waiting.get(nic)
            if awaited is not None and arp.target_mac == self._control_mac(nic):
                del self._seen.waiting[nic]
        elif iface is not None and arp.target != arp.sender and self._neighbours.answers(iface, arp.target):
            self._seen.answered += 1
            mac = frames.neighbour_mac(arp.target)
            self._transmit(nic, frames.arp_reply(arp.sender_mac, mac, arp.target, arp.sender))

    def _take_console(self) -> None:
        octets = self._read(self._child.console_out, "console")
        self._output += octets
        if len(self._output) > MAX_OUTPUT:
            raise MachineFailure(error("guest-noise", f"the machine printed more than {MAX_OUTPUT} octets", None))

    def _take_errors(self) -> None:
        octets = self._read(self._child.errors_out, "errors")
        self._child.errors = (self._child.errors + octets)[-_MAX_FRAME:]

    def _read(self, descriptor: int, name: str) -> bytes:
        try:
            octets = os.read(descriptor, 1 << 16)
        except (BlockingIOError, InterruptedError):
            return b""
        if not octets:
            self._selector.unregister(descriptor)
            self._open.discard(name)
            if self._child.status(0.05) is not None:
                self._ended()
        return octets

    def _transmit(self, nic: int, frame: bytes) -> None:
        self._recorder.frame(nic, frame)
        deadline = time.monotonic() + self._limits.answer
        while True:
            try:
                self._child.nics[nic].send(frame)
                return
            except (BlockingIOError, InterruptedError):
                if time.monotonic() >= deadline:
                    self._hangs("it takes no frames")
                self._pump(0.01)
            except OSError:
                self._ended()

    def _type(self, octets: bytes) -> None:
        deadline = time.monotonic() + self._limits.answer
        while octets:
            try:
                octets = octets[os.write(self._child.console_in, octets) :]
            except (BlockingIOError, InterruptedError):
                if time.monotonic() >= deadline:
                    self._hangs("it takes no input at its console")
                self._pump(0.01)
            except OSError:
                self._ended()

    def _control_mac(self, nic: int) -> bytes:
        return b"\x06\x01" + (self._round & 0xFFFFFF).to_bytes(3, "big") + bytes((nic & 255,))

    # --- ends ---

    def _ended(self) -> None:
        status = self._child.status(2.0)
        self._drain_output()
        raise MachineFailure(self._with_output(self._why(self._child, status)))

    def _hangs(self, what: str) -> None:
        if self._child.status() is not None:
            self._ended()
        self._drain_output()
        raise MachineFailure(self._with_output(error("guest-hang", f"the machine hangs: {what}", None)))

    def _drain_output(self) -> None:
        self._child.read_errors()
        try:
            while octets := os.read(self._child.console_out, 1 << 16):
                self._output = (self._output + octets)[-MAX_OUTPUT:]
        except OSError:
            return

    def _with_output(self, diagnostic: Diagnostic) -> Diagnostic:
        """The last lines of its console, as help, when there is no other."""
        lines = self._output.decode("utf-8", "replace").strip().splitlines()[-4:]
        if not lines or diagnostic.help:
            return diagnostic
        return error(diagnostic.code, diagnostic.message, None, help="its console ends with: " + " | ".join(lines))
