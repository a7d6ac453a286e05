"""Writing results: whole or not at all.

A file is written beside its place and renamed over it, so a reader sees the old text or the new one and a failure
leaves the old one as it was. An unchanged file is not touched and keeps its time, so that `make` does not rebuild.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import tempfile
from pathlib import Path

from naclc.diagnostics import Diagnostic, error


def write_output(path: str, data: bytes) -> Diagnostic | None:
    """Put `data` into the file `path`; "-" is standard output.

    Returns:
        None, or `unwritable-output` when it could not be written; the file is then as it was before.
    """
    if path == "-":
        return _write_stream(data)
    target = Path(path)
    try:
        if _is_special(target):
            target.write_bytes(data)
        elif not _holds(target, data):
            _replace(target, data)
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        return error(
            "unwritable-output",
            f"`{path}` cannot be written: {reason}",
            None,
            help="name another file, or make room and give yourself the right to write there",
        )
    return None


def put_in_place(made: Path, target: Path) -> None:
    """Make the finished file `made`, which lies on `target`'s file system, be `target`: a link stays a link, and a
    device or a pipe is written to, never replaced.

    Raises:
        OSError: it cannot be done; `target` is then as it was before.
    """
    if _is_special(target):
        target.write_bytes(made.read_bytes())
    else:
        made.replace(os.path.realpath(target))


def _write_stream(data: bytes) -> Diagnostic | None:
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as problem:
        reason = (problem.strerror or str(problem)).lower()
        return error("unwritable-output", f"standard output cannot be written: {reason}", None)
    return None


def _is_special(target: Path) -> bool:
    """A device or a pipe: it cannot be replaced, only written to."""
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return False
    return not stat.S_ISREG(mode)


def _holds(target: Path, data: bytes) -> bool:
    return target.is_file() and target.stat().st_size == len(data) and target.read_bytes() == data


def _replace(target: Path, data: bytes) -> None:
    real = Path(os.path.realpath(target))  # a link stays a link
    handle, name = tempfile.mkstemp(prefix=f".{real.name}.", dir=real.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, _mode_for(real))
        os.replace(name, real)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def _mode_for(real: Path) -> int:
    """The mode of the file that is replaced, or what the umask leaves of rw-rw-rw-."""
    if real.exists():
        return stat.S_IMODE(real.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
