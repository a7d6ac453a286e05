"""The generated decision functions in this process: the C++ as a shared library, called through ctypes.

service.cpp ─ g++ -O2 -shared -DNACLC_NATIVE ─▶ library ─ naclc_decide ─▶ Decision
"""

from __future__ import annotations

import ctypes
from pathlib import Path

from naclc.codegen.unit import Unit
from naclc.pipeline.evaluation import NO_STATEMENT, Decision, Evaluator, Facts, Verdict

_LOG_CAPACITY = 4096  # octets; a longer log is asked for again
_VERDICT_BITS = 8


def load(library: Path, unit: Unit) -> Evaluator:
    """The functions of a library that was compiled with -DNACLC_NATIVE from the text of `unit`.

    The Evaluator raises KeyError for a function the unit does not have. It is not for several threads at once.
    """
    return _Native(library, {function.name: number for number, function in enumerate(unit.functions)})


class _Native:
    def __init__(self, library: Path, functions: dict[str, int]) -> None:
        self._functions = functions
        self._library = ctypes.CDLL(str(library.resolve()))  # kept: unloading it would unmap the function
        self._decide = self._library.naclc_decide
        self._decide.restype = ctypes.c_uint32
        self._decide.argtypes = [
            ctypes.c_uint32,
            ctypes.c_char_p,
            ctypes.c_uint32,
            ctypes.c_uint8,
            ctypes.c_uint16,
            ctypes.c_uint16,
            ctypes.c_char_p,
            ctypes.c_uint32,
            ctypes.POINTER(ctypes.c_uint32),
        ]

    def __call__(self, function: str, facts: Facts) -> Decision:
        number = self._functions[function]
        encoded, log = self._run(number, facts, _LOG_CAPACITY)
        verdict = Verdict(encoded & ((1 << _VERDICT_BITS) - 1))
        statement = NO_STATEMENT if verdict is Verdict.END else encoded >> _VERDICT_BITS
        return Decision(verdict, statement, log)

    def _run(self, number: int, facts: Facts, capacity: int) -> tuple[int, bytes]:
        buffer, length = ctypes.create_string_buffer(capacity), ctypes.c_uint32()
        packet, size = facts.packet, len(facts.packet)
        into, out = facts.iface_in, facts.iface_out
        encoded = self._decide(number, packet, size, facts.state, into, out, buffer, capacity, ctypes.byref(length))
        if length.value > capacity:  # the decision is pure: asked again, it says the same
            return self._run(number, facts, length.value)
        return encoded, buffer.raw[: length.value]
