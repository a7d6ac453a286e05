"""Exit statuses of every command (docs/commands.md)."""

from __future__ import annotations

OK = 0
FAILED = 1  # an error in the policy, a denied warning, a failed test
USAGE = 2
MISSING = 3  # something this machine needs is not there
INTERNAL = 70
INTERRUPTED = 130

# Codes of diagnostics that speak of the machine, not of the policy.
MISSING_CODES = frozenset(
    {
        "compiler-missing",
        "qemu-missing",
        "qemu-too-old",
        "extra-missing",
        "includeos-missing",
        "cmake-missing",
        "graphviz-missing",
    }
)
