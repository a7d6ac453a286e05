"""What is built, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from naclc.diagnostics import Diagnostic


class Target(Enum):
    """PC: an ELF64 that QEMU's `-kernel` boots. LINUX: an ordinary program whose NICs are datagram sockets."""

    PC = "pc"
    LINUX = "linux"


@dataclass(frozen=True, slots=True)
class Image:
    """A finished image; `size` in octets."""

    path: Path
    target: Target
    size: int


@dataclass(frozen=True, slots=True)
class Library:
    """A finished shared library."""

    path: Path


@dataclass(frozen=True, slots=True)
class BuildFailure:
    """Why nothing was built. `output` is what the compiler said, as it said it; empty when it was not asked.

    Codes: `compiler-missing`, `compiler-failed`, `unreadable-file`, `unwritable-output`.
    """

    diagnostic: Diagnostic
    output: str = field(default="", repr=False)
