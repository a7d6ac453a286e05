"""Programs of C++ tests. Objects are kept by content, so that a second run compiles only what changed."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

KEPT = Path(tempfile.gettempdir()) / f"naclc-net-tests-{os.getuid()}"


def program(
    name: str, compiler: Sequence[str], linker: Sequence[str], sources: Iterable[Path], headers: Iterable[Path]
) -> Path:
    """The program of `sources`, each compiled with the command `compiler`, linked with `linker`.

    `headers`: folders with all that may be included from outside the system.
    """
    KEPT.mkdir(mode=0o700, exist_ok=True)
    included = _digest(*(file.read_bytes() for folder in headers for file in _headers(folder)))
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one worker builds, the others find it built
        with ThreadPoolExecutor(2) as workers:
            objects = list(workers.map(partial(_object, compiler, included), sources))
        words = [*linker, *map(str, objects)]
        linked = KEPT / f"{name}-{_digest(*(word.encode() for word in words))}"
        if not linked.exists():
            _make([*words, "-o"], linked)
    return linked


def _headers(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file() and file.suffix in ("", ".hpp"))


def _object(compiler: Sequence[str], included: str, source: Path) -> Path:
    key = _digest(included.encode(), *(word.encode() for word in compiler), source.read_bytes())
    compiled = KEPT / f"{source.stem}-{key}.o"
    if not compiled.exists():
        _make([*compiler, "-c", str(source), "-o"], compiled)
    return compiled


def _make(command: Sequence[str], output: Path) -> None:
    fresh = output.with_name(f"{output.name}.new")
    subprocess.run([*command, str(fresh)], check=True)
    fresh.replace(output)


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]
