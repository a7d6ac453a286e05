"""What went over each wire, kept as one pcap file a NIC, in both directions and with its times."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

from naclc.diagnostics import Diagnostic, error
from naclc.verify.executor import MachineFailure

_ETHERNET = 1  # link type of the pcap format


class Recorder:
    """Keeps nothing when `directory` is None. Files are named LABEL.nicN.pcap and opened with their first frame."""

    def __init__(self, directory: Path | None, label: str) -> None:
        self._directory = directory
        self._label = file_name(label)
        self._writers: dict[int, Any] = {}

    def frame(self, nic: int, frame: bytes) -> None:
        """Raises MachineFailure when it cannot be written."""
        if self._directory is None:
            return
        try:
            writer = self._writers.get(nic) or self._open(self._directory, nic)
            now = time.time()
            writer.write_packet(frame, sec=int(now), usec=int(now % 1 * 1_000_000))
        except OSError as problem:
            raise MachineFailure(_unwritable(self._directory, problem)) from problem

    def _open(self, directory: Path, nic: int) -> Any:
        from scapy.utils import RawPcapWriter

        directory.mkdir(parents=True, exist_ok=True)
        writer = RawPcapWriter(str(directory / f"{self._label}.nic{nic}.pcap"), linktype=_ETHERNET)
        writer.write_header(None)
        self._writers[nic] = writer
        return writer

    def close(self) -> None:
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()


def file_name(label: str) -> str:
    """`label` as the name of a file: letters, digits, dots, and dashes for the rest."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", label).strip("-.")[:100] or "machine"


def check_directory(directory: Path) -> Diagnostic | None:
    """What keeps pcap files from being written to `directory`; it is made when it is not there."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        probe = directory / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as problem:
        return _unwritable(directory, problem)
    return None


def _unwritable(directory: Path, problem: OSError) -> Diagnostic:
    what = f"cannot write packets to `{directory}`: {problem.strerror or problem}"
    return error("unwritable-output", what, None, help="give `--pcap-dir` a directory that can be written")
