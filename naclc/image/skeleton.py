"""The skeleton OS as a library, compiled once per flavour and compiler, and kept."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from naclc.image.cache import cached, key_of
from naclc.image.target import BuildFailure
from naclc.image.toolchain import Compiler, Flavour, compile_options, run, skeleton_os

LIBRARY = "libskeleton.a"
_PARTS = ("include", "kernel", "drivers", "net", "platform")


def skeleton_key(compiler: Compiler, flavour: Flavour) -> str:
    """Names the skeleton OS as it is now, in this flavour, by this compiler."""
    parts: list[str | bytes] = ["skeleton", compiler.version, *compile_options(flavour)]
    for path in _files():
        parts += [path.relative_to(skeleton_os()).as_posix(), path.read_bytes()]
    return key_of(parts)


def skeleton_library(compiler: Compiler, flavour: Flavour, cache: Path) -> Path | BuildFailure:
    """The library, made when it is not in `cache` yet."""
    entry = cached(cache, skeleton_key(compiler, flavour), lambda work: _make(compiler, flavour, work))
    return entry if isinstance(entry, BuildFailure) else entry / LIBRARY


def sources(flavour: Flavour) -> list[Path]:
    """What the library is compiled from, in a stable order."""
    root = skeleton_os()
    folders = [root / part for part in ("kernel", "drivers", "net")]
    folders.append(root / "platform" / flavour.target.value)
    return [path for folder in folders for path in sorted(folder.iterdir()) if path.suffix in (".cpp", ".S")]


def object_options(source: Path) -> tuple[str, ...]:
    """What single files need beside compile_options: a memcpy must not be compiled into a call of memcpy."""
    return ("-fno-builtin", "-fno-tree-loop-distribute-patterns") if source.name == "libc.cpp" else ()


def _files() -> list[Path]:
    root = skeleton_os()
    return sorted(path for part in _PARTS for path in (root / part).rglob("*") if path.is_file())


def _make(compiler: Compiler, flavour: Flavour, work: Path) -> BuildFailure | None:
    pairs = [(path, work / f"{path.stem}.o") for path in sources(flavour)]
    names = [output.name for _, output in pairs]
    assert len(set(names)) == len(names), "two files of the skeleton OS have the same name"
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        failures = pool.map(lambda pair: _compile(compiler, flavour, *pair), pairs)
        failure = next((each for each in failures if each is not None), None)
    if failure is not None:
        return failure
    objects = [str(output) for _, output in pairs]
    failure = run(["ar", "rcsD", str(work / LIBRARY), *objects], "archive the skeleton OS")
    for _, output in pairs:
        output.unlink()
    return failure


def _compile(compiler: Compiler, flavour: Flavour, source: Path, output: Path) -> BuildFailure | None:
    options = (*compile_options(flavour), *object_options(source))
    return run([compiler.path, *options, "-c", str(source), "-o", str(output)], f"compile `{source.name}`")
