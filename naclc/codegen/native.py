"""The generated decision functions in this process: the C++ as a shared library, called through ctypes.

service.cpp ─ g++ -O2 -shared -DNACLC_NATIVE ─▶ library ─ naclc_decide ─▶ Decision
"""

from __future__ import annotations

import ctypes
import struct
from pathlib import Path

from naclc.codegen.unit import Unit
from naclc.pipeline.evaluation import NO_STATEMENT, Decision, Evaluator, Facts, Rewrite, RewriteKind, Verdict

_LOG_CAPACITY = 4096  # octets of log and of messages; longer ones are asked for again
_VERDICT_BITS = 8
_REWRITE = 3  # in place of a verdict
_KINDS = (RewriteKind.DNAT, RewriteKind.SNAT)
_MESSAGE_HEAD = struct.Struct(">BI")  # severity, octets of text


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
            ctypes.c_char_p,
            ctypes.c_uint32,
            ctypes.POINTER(ctypes.c_uint32),
        ]

    def __call__(self, function: str, facts: Facts) -> Decision:
        encoded, log, sent = self._run(self._functions[function], facts, _LOG_CAPACITY)
        code = encoded & ((1 << _VERDICT_BITS) - 1)
        if code == _REWRITE:
            return self._rewrite(encoded, log, sent)
        verdict = Verdict(code)
        statement = NO_STATEMENT if verdict is Verdict.END else encoded >> _VERDICT_BITS
        return Decision(verdict, statement, log, syslog=sent)

    def _rewrite(self, encoded: int, log: bytes, sent: tuple[tuple[int, bytes], ...]) -> Decision:
        values = (ctypes.c_uint32 * 4)()
        self._library.naclc_rewrite(ctypes.c_uint32(encoded), values)
        statement, kind, address, port = values
        return Decision(Verdict.END, statement, log, Rewrite(_KINDS[kind], address or None, port or None), sent)

    def _run(self, number: int, facts: Facts, capacity: int) -> tuple[int, bytes, tuple[tuple[int, bytes], ...]]:
        log, messages = (ctypes.create_string_buffer(capacity) for _ in range(2))
        log_length, messages_length = ctypes.c_uint32(), ctypes.c_uint32()
        packet = facts.packet, len(facts.packet), facts.state, facts.iface_in, facts.iface_out
        texts = log, capacity, ctypes.byref(log_length), messages, capacity, ctypes.byref(messages_length)
        encoded = self._decide(number, *packet, *texts)
        longest = max(log_length.value, messages_length.value)
        if longest > capacity:  # the decision is pure: asked again, it says the same
            return self._run(number, facts, longest)
        return encoded, log.raw[: log_length.value], _messages(messages.raw[: messages_length.value])


def _messages(octets: bytes) -> tuple[tuple[int, bytes], ...]:
    messages: list[tuple[int, bytes]] = []
    while octets:
        severity, length = _MESSAGE_HEAD.unpack_from(octets)
        end = _MESSAGE_HEAD.size + length
        messages.append((severity, octets[_MESSAGE_HEAD.size : end]))
        octets = octets[end:]
    return tuple(messages)
