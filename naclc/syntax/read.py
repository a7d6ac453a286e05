"""A path to a SourceFile."""

from __future__ import annotations

import sys
from pathlib import Path

from naclc.diagnostics import Diagnostic, error
from naclc.source import SourceFile, Span

LIMIT = 16 * 2**20  # octets; a policy of 100,000 rules has about 6 MiB

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_source(path: str) -> SourceFile | Diagnostic:
    """The text of the file `path`, or of standard input for `-`; an initial byte-order mark is skipped.

    Returns a Diagnostic instead when there is no text to be had: those of read_octets and decode.
    """
    data = read_octets(path)
    return data if isinstance(data, Diagnostic) else decode(path, data)


def read_octets(path: str) -> bytes | Diagnostic:
    """What is in the file `path`, or on standard input for `-`.

    Returns a Diagnostic without a span instead:
        unreadable-file  it does not exist, is a directory, or the system refuses it
        file-too-large   more than LIMIT octets; no more than that is read
    """
    name = _name(path)
    try:
        data = _read(path)
    except (OSError, ValueError) as problem:
        return _unreadable(path, name, problem)
    if len(data) > LIMIT:
        return error(
            "file-too-large",
            f"`{name}` is larger than {LIMIT // 2**20} MiB",
            None,
            help="is this the right file? a policy of 100,000 rules has about 6 MiB",
        )
    return data


def decode(path: str, data: bytes) -> SourceFile | Diagnostic:
    """`data`, which was read from `path`, as text without an initial byte-order mark.

    Returns a Diagnostic instead: bad-encoding, it is not UTF-8; the span is the place of the first bad octet.
    """
    name = _name(path)
    data = data.removeprefix(_BYTE_ORDER_MARK)
    try:
        return SourceFile(name, data.decode("utf-8"))
    except UnicodeDecodeError as problem:
        return _bad_encoding(name, data, problem)


def _name(path: str) -> str:
    return "<stdin>" if path == "-" else path


def _read(path: str) -> bytes:
    """Up to LIMIT + 1 octets: enough to see that there are too many."""
    if path == "-":
        return sys.stdin.buffer.read(LIMIT + 1)
    if not path:  # Path would take it for the present directory
        raise FileNotFoundError(path)
    with Path(path).open("rb") as file:
        return file.read(LIMIT + 1)


def _unreadable(path: str, name: str, problem: OSError | ValueError) -> Diagnostic:
    if isinstance(problem, FileNotFoundError):
        return error("unreadable-file", f"there is no file `{name}`", None, help="check the path")
    if isinstance(problem, IsADirectoryError):
        return error("unreadable-file", f"`{name}` is a directory", None, help="name the policy file in it")
    if isinstance(problem, PermissionError):
        advice = f"give yourself the right to read it, for instance with `chmod u+r {path}`"
        return error("unreadable-file", f"`{name}` may not be read: permission denied", None, help=advice)
    reason = problem.strerror if isinstance(problem, OSError) and problem.strerror else str(problem)
    advice = "copy it to a place where it can be read, or give the policy on standard input with `-`"
    return error("unreadable-file", f"`{name}` cannot be read: {reason.lower()}", None, help=advice)


def _bad_encoding(name: str, data: bytes, problem: UnicodeDecodeError) -> Diagnostic:
    source = SourceFile(name, data.decode("utf-8", "replace"))
    start = len(data[: problem.start].decode("utf-8"))
    span = Span(source, start, start + 1)
    return error(
        "bad-encoding",
        f"the octet 0x{data[problem.start]:02x} on line {span.line} is not UTF-8",
        span,
        help="save the file as UTF-8",
    )
