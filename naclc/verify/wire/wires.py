"""The wires of a machine and its console: octets in both directions, and a clear end whatever the machine does.

INVARIANT bounded   a machine that sends or prints without end, or takes nothing, fails the session.
"""

from __future__ import annotations

import os
import selectors
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from naclc.diagnostics import Diagnostic, error
from naclc.verify.executor import MachineFailure
from naclc.verify.wire.child import MAX_OUTPUT, Child
from naclc.verify.wire.record import Recorder

_MAX_FRAME = 1 << 16
_MAX_FRAMES = 10_000  # from the machine in one step


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: `boot` from the start to the first answer, `answer` for each answer afterwards."""

    boot: float = 20.0
    answer: float = 10.0


DEFAULT_LIMITS = Limits()


class Wires:
    """`why` says what became of a child that has ended, from its exit status. `take` is given each frame that comes,
    with the number of its NIC."""

    def __init__(
        self,
        child: Child,
        why: Callable[[Child, int | None], Diagnostic],
        recorder: Recorder,
        limits: Limits,
        take: Callable[[int, bytes], None],
    ) -> None:
        self._child = child
        self._why = why
        self._recorder = recorder
        self._limits = limits
        self._take = take
        self.output = b""  # of the console, since the reader emptied it
        self.frames = 0  # since the reader set it to 0
        self._selector = selectors.DefaultSelector()
        for number, wire in enumerate(child.nics):
            self._selector.register(wire, selectors.EVENT_READ, number)
        self._selector.register(child.console_out, selectors.EVENT_READ, "console")
        self._selector.register(child.errors_out, selectors.EVENT_READ, "errors")
        self._open = {"console", "errors"}

    def pump(self, patience: float) -> None:
        """Take what has come, waiting for it up to `patience` seconds. Raises MachineFailure when the machine ends."""
        for key, _ in self._selector.select(patience):
            if isinstance(key.data, int):
                self._take_frames(key.data)
            elif key.data == "errors":
                self._child.errors = (self._child.errors + self._read(self._child.errors_out, "errors"))[-_MAX_FRAME:]
            else:
                self._take_console()
        if "console" not in self._open and "errors" not in self._open:
            self._ended()

    def transmit(self, nic: int, frame: bytes) -> None:
        self._recorder.frame(nic, frame)
        deadline = time.monotonic() + self._limits.answer
        while True:
            try:
                self._child.nics[nic].send(frame)
                return
            except (BlockingIOError, InterruptedError):
                if time.monotonic() >= deadline:
                    self.hangs("it takes no frames")
                self.pump(0.01)
            except OSError:
                self._ended()

    def type(self, octets: bytes) -> None:
        """At the console."""
        deadline = time.monotonic() + self._limits.answer
        while octets:
            try:
                octets = octets[os.write(self._child.console_in, octets) :]
            except (BlockingIOError, InterruptedError):
                if time.monotonic() >= deadline:
                    self.hangs("it takes no input at its console")
                self.pump(0.01)
            except OSError:
                self._ended()

    def close(self) -> None:
        self._selector.close()
        self._recorder.close()

    def hangs(self, what: str) -> NoReturn:
        self.fails(error("guest-hang", f"the machine hangs: {what}", None))

    def fails(self, diagnostic: Diagnostic) -> NoReturn:
        """The machine does not do what it must, for which `diagnostic` has words; unless it has ended."""
        if self._child.status() is not None:
            self._ended()
        self._drain_output()
        raise MachineFailure(self._with_output(diagnostic))

    # --- what comes ---

    def _take_frames(self, nic: int) -> None:
        wire = self._child.nics[nic]
        while self.frames <= _MAX_FRAMES:
            try:
                frame = wire.recv(_MAX_FRAME)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                self._ended()
            if not frame:
                return
            self.frames += 1
            self._recorder.frame(nic, frame)
            self._take(nic, frame)
        raise MachineFailure(error("guest-noise", f"the machine sent more than {_MAX_FRAMES} frames in one step", None))

    def _take_console(self) -> None:
        self.output += self._read(self._child.console_out, "console")
        if len(self.output) > MAX_OUTPUT:
            raise MachineFailure(error("guest-noise", f"the machine printed more than {MAX_OUTPUT} octets", None))

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

    # --- ends ---

    def _ended(self) -> NoReturn:
        status = self._child.status(2.0)
        self._drain_output()
        raise MachineFailure(self._with_output(self._why(self._child, status)))

    def _drain_output(self) -> None:
        self._child.read_errors()
        try:
            while octets := os.read(self._child.console_out, 1 << 16):
                self.output = (self.output + octets)[-MAX_OUTPUT:]
        except OSError:
            return

    def _with_output(self, diagnostic: Diagnostic) -> Diagnostic:
        """The last lines of its console, as help, when there is no other."""
        lines = self.output.decode("utf-8", "replace").strip().splitlines()[-4:]
        if not lines or diagnostic.help:
            return diagnostic
        said = "its console ends with: " + " | ".join(lines)
        return error(diagnostic.code, diagnostic.message, None, help=said)
