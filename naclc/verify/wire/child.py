"""A machine as a child process: started with one datagram socket a NIC, watched, and always ended.

INVARIANT no orphans   a child is killed and waited for by close(), and the kernel kills it when this process dies.
INVARIANT bounded      of its console and error output only the last part is kept.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from naclc.diagnostics import error
from naclc.verify.executor import MachineFailure

MAX_OUTPUT = 1 << 20  # octets of console text between two questions
_MAX_ERRORS = 1 << 14  # octets of standard error kept
_SOCKET_BUFFER = 1 << 20  # octets a direction
_PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Started:
    """`nics`: our end of each NIC's wire; `control`: our end of the socket whose other end the child got, if any."""

    process: subprocess.Popen[bytes]
    nics: tuple[socket.socket, ...]
    control: socket.socket | None


class Child:
    """One running machine process."""

    def __init__(self, started: Started) -> None:
        self._process = started.process
        self.nics = started.nics
        self.control = started.control
        self.errors = b""
        assert self._process.stdin and self._process.stdout and self._process.stderr
        self.console_in = self._process.stdin.fileno()
        self.console_out = self._process.stdout.fileno()
        self.errors_out = self._process.stderr.fileno()
        for descriptor in (self.console_in, self.console_out, self.errors_out):
            os.set_blocking(descriptor, False)

    @property
    def pid(self) -> int:
        return self._process.pid

    def status(self, patience: float = 0.0) -> int | None:
        """The exit status (negative: the signal that killed it) once it has ended, waiting up to `patience` seconds."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(patience or None) if patience else self._process.poll()
        return self._process.returncode

    def read_errors(self) -> None:
        """Take what stands on its standard error, without waiting."""
        with contextlib.suppress(OSError):
            while octets := os.read(self.errors_out, 4096):
                self.errors = (self.errors + octets)[-_MAX_ERRORS:]

    def close(self) -> None:
        """Kill it, wait for it, close the wires. May be called twice."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        for wire in (*self.nics, *([self.control] if self.control else [])):
            wire.close()


Command = Callable[[Sequence[int], int | None], Sequence[str]]


def start(command: Command, nics: int, *, control: bool = False) -> Child:
    """Start what `command` says when it is given the descriptors of the NICs, 0, 1 …, and of the control socket.

    Raises:
        MachineFailure: it cannot be started.
    """
    pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(nics)]
    controls = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM) if control else None
    theirs = [pair[1] for pair in pairs] + ([controls[1]] if controls else [])
    ours = tuple(pair[0] for pair in pairs)
    try:
        for end in (*ours, *theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BUFFER)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SOCKET_BUFFER)
        arguments = command([pair[1].fileno() for pair in pairs], controls[1].fileno() if controls else None)
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=[end.fileno() for end in theirs],
            preexec_fn=end_with(os.getpid()),  # noqa: PLW1509  one system call, its function already loaded
            start_new_session=True,
        )
    except OSError as problem:
        for end in (*ours, *([controls[0]] if controls else [])):
            end.close()
        what = f"cannot start `{problem.filename or 'the machine'}`: {problem.strerror or problem}"
        raise MachineFailure(error("machine-start", what, None)) from problem
    finally:
        for end in theirs:
            end.close()
    for end in ours:
        end.setblocking(False)
    return Child(Started(process, ours, controls[0] if controls else None))


def end_with(parent: int) -> Callable[[], None]:
    """Ask the kernel to kill the child when the thread that started it ends."""

    def in_child() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before that
            os._exit(1)

    return in_child
