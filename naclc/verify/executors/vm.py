"""The whole service as a booted machine.

One machine is started ahead while another is at work: with two cores the boot costs no time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

from naclc.verify import qemu
from naclc.verify.executor import MachineFailure, Session
from naclc.verify.nics import mac_addresses
from naclc.verify.wire.child import Child
from naclc.verify.wire.record import Recorder
from naclc.verify.wire.session import Surroundings, WireSession
from naclc.verify.wire.wires import DEFAULT_LIMITS, Limits

_KVM_BOOT = 3.0  # seconds: where KVM opens but cannot run firmware, nothing ever comes


class VmExecutor:
    """`image` is the bootable ELF. `hardware.accel` may also be "auto": KVM where a machine has booted with it.

    `counts`: the image is the skeleton OS, whose console tells counters when it is asked; IncludeOS has no such thing.
    """

    real_time = True

    def __init__(
        self,
        around: Surroundings,
        image: Path,
        hardware: qemu.Hardware = qemu.DEFAULT_HARDWARE,
        pcap_dir: Path | None = None,
        limits: Limits = DEFAULT_LIMITS,
        *,
        counts: bool = True,
    ) -> None:
        self.name = f"vm-{hardware.nic}"
        self._around = around
        self._image = image
        self._hardware = hardware
        self._pcap_dir = pcap_dir
        self._limits = limits
        self._counts = counts
        self._macs = mac_addresses(around.pipeline)
        self._spare: Child | None = None
        self._to_come = 0

    def prepare(self, sessions: int) -> None:
        """Raises nothing: a machine that cannot be started fails its session."""
        self._to_come = sessions

    def session(self, label: str) -> AbstractContextManager[Session]:
        return self._session(label)

    @contextmanager
    def _session(self, label: str) -> Iterator[Session]:
        if self._hardware.accel == "auto":
            self._hardware = replace(self._hardware, accel=self._best_accel())
        machine, self._spare = self._spare or self._start(), None
        self._to_come -= 1
        try:
            if self._to_come > 0:
                self._spare = self._start()
            with self._wired(machine, Recorder(self._pcap_dir, f"{self.name}.{label}"), self._limits) as session:
                yield session
        finally:
            machine.close()

    @contextmanager
    def _wired(self, machine: Child, recorder: Recorder, limits: Limits) -> Iterator[WireSession]:
        session = WireSession(self._around, machine, qemu.why_ended, recorder, limits, counts=self._counts)
        try:
            session.boot()
            yield session
        finally:
            session.close()

    def _start(self) -> Child:
        return qemu.start(self._image, self._macs, self._hardware)

    def _best_accel(self) -> str:
        """KVM when a machine boots with it in time."""
        if not os.access("/dev/kvm", os.R_OK | os.W_OK):
            return "tcg"
        machine = qemu.start(self._image, self._macs, replace(self._hardware, accel="kvm"))
        try:
            with self._wired(machine, Recorder(None, ""), Limits(_KVM_BOOT, _KVM_BOOT)):
                return "kvm"
        except MachineFailure:
            return "tcg"
        finally:
            machine.close()

    def close(self) -> None:
        if self._spare is not None:
            self._spare.close()
            self._spare = None
