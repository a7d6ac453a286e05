"""The whole service as an ordinary process: the skeleton OS's Linux platform."""

from __future__ import annotations

import signal
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from naclc.diagnostics import Diagnostic, error
from naclc.verify.executor import Session
from naclc.verify.nics import mac_addresses
from naclc.verify.wire import child
from naclc.verify.wire.record import Recorder
from naclc.verify.wire.session import Surroundings, WireSession
from naclc.verify.wire.wires import DEFAULT_LIMITS, Limits

PANIC_STATUS = 101


class ProcessExecutor:
    """`binary` is the linked service; its time stands still between waits. `pcap_dir`: where frames are kept, None for
    nowhere."""

    name = "process"
    real_time = False

    def __init__(
        self,
        around: Surroundings,
        binary: Path,
        pcap_dir: Path | None = None,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._around = around
        self._binary = binary
        self._pcap_dir = pcap_dir
        self._limits = limits

    def prepare(self, sessions: int) -> None:
        pass

    def session(self, label: str) -> AbstractContextManager[Session]:
        return self._session(label)

    @contextmanager
    def _session(self, label: str) -> Iterator[Session]:
        macs = mac_addresses(self._around.pipeline)

        def command(nics: Sequence[int], _control: int | None) -> list[str]:
            wires = [
                part for number, mac in zip(nics, macs, strict=True) for part in ("--nic", f"fd={number},mac={mac}")
            ]
            return [str(self._binary.absolute()), *wires, "--exit-on-eof", "--virtual-clock"]

        machine = child.start(command, len(macs))
        recorder = Recorder(self._pcap_dir, f"{self.name}.{label}")
        session = WireSession(self._around, machine, why_ended, recorder, self._limits, virtual=True)
        try:
            session.boot()
            yield session
        finally:
            session.close()
            machine.close()

    def close(self) -> None:
        pass


def why_ended(machine: child.Child, status: int | None) -> Diagnostic:
    """What became of the process, from its exit status."""
    if status is None:
        return error("guest-hang", "the service closed its console and hangs", None)
    if status == PANIC_STATUS:
        return error("guest-panic", "the service panicked", None)
    if status < 0:
        names = {int(known): known.name for known in signal.Signals}
        name = names.get(-status, f"signal {-status}")
        return error("service-killed", f"the service was killed by {name}", None, help=_errors(machine))
    return error("guest-exit", f"the service ended with status {status}", None, help=_errors(machine))


def _errors(machine: child.Child) -> str | None:
    """The last lines of its standard error (a sanitizer's report, a refused argument)."""
    lines = machine.errors.decode("utf-8", "replace").strip().splitlines()[-6:]
    return " | ".join(lines) if lines else None
