"""Results that are kept between builds: a directory of entries named by a hash of all they were made from.

INVARIANT whole   an entry is there in full or not at all: it is made beside its place and then renamed, so builds
                  that run at the same time do not meet.
An entry that nobody used for _KEPT_SECONDS is removed by the next build.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from naclc.diagnostics import error
from naclc.image.target import BuildFailure

_KEPT_SECONDS = 30 * 24 * 3600


def default_cache() -> Path:
    import platformdirs

    return Path(platformdirs.user_cache_dir("naclc"))


def key_of(parts: Iterable[str | bytes]) -> str:
    """A name for what is made from `parts`: 32 hexadecimal digits. Different lists of parts have different names."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "little"))
        digest.update(data)
    return digest.hexdigest()[:32]


def cached(cache: Path, key: str, make: Callable[[Path], BuildFailure | None]) -> Path | BuildFailure:
    """The entry `key` of `cache`: a directory, which `make` fills when it is not there yet."""
    entry = cache / key
    try:
        if entry.is_dir():
            os.utime(entry)
            return entry
        cache.mkdir(parents=True, exist_ok=True)
        _remove_old(cache)
        work = Path(tempfile.mkdtemp(prefix="making-", dir=cache))
    except OSError as problem:
        return unwritable(cache, problem)
    try:
        failure = make(work)
        return failure if failure is not None else _put(work, entry)
    except OSError as problem:
        return unwritable(cache, problem)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def unwritable(path: Path, problem: OSError) -> BuildFailure:
    reason = (problem.strerror or str(problem)).lower()
    return BuildFailure(
        error(
            "unwritable-output",
            f"`{path}` cannot be written: {reason}",
            None,
            help="make room there, or give yourself the right to write",
        )
    )


def unreadable(path: Path, problem: OSError) -> BuildFailure:
    reason = (problem.strerror or str(problem)).lower()
    return BuildFailure(error("unreadable-file", f"`{path}` cannot be read: {reason}", None))


def _put(work: Path, entry: Path) -> Path:
    """Give the finished directory its name, unless another build was faster."""
    try:
        work.rename(entry)
    except OSError:
        if not entry.is_dir():
            raise
    return entry


def _remove_old(cache: Path) -> None:
    limit = time.time() - _KEPT_SECONDS
    with contextlib.suppress(OSError):
        for entry in cache.iterdir():
            if entry.stat().st_mtime < limit:
                shutil.rmtree(entry, ignore_errors=True)
