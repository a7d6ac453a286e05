"""Compile a service against the skeleton OS and link the image.

    service.cpp ─ g++ ─▶ object (kept by content) ┐
    user's own *.cpp ─ g++ ─▶ objects             ├─ link ─▶ image
    skeleton OS ─ g++, ar ─▶ library (kept)       ┘

Objects of a service end in `.service.o`: the linker scripts know their constructors by that.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from naclc.image.cache import cached, default_cache, key_of, unreadable, unwritable
from naclc.image.skeleton import skeleton_key, skeleton_library
from naclc.image.target import BuildFailure, Image, Library, Target
from naclc.image.toolchain import (
    Compiler,
    Flavour,
    compile_options,
    find_compiler,
    libraries,
    link_options,
    run,
)
from naclc.output import put_in_place

_OBJECT = "policy.service.o"


def build_image(
    service_cpp: Path,
    target: Target,
    output: Path,
    *,
    plugin: Sequence[Path] = (),
    cache: Path | None = None,
    debug: bool = False,
    sanitize: bool = False,
) -> Image | BuildFailure:
    """Build the service `service_cpp` for `target` into the file `output`, whole or not at all.

    Args:
        service_cpp: what `naclc compile` wrote; with `plugin` what it wrote with `--plugin`.
        plugin: the user's own C++ files, which define Service::start; they may include files beside them.
        cache: where the skeleton OS's library and objects are kept; None is the user's cache directory.
        debug: keep debugging information.
        sanitize: with AddressSanitizer and UndefinedBehaviorSanitizer; Target.LINUX only.
    """
    compiler = find_compiler()
    if isinstance(compiler, BuildFailure):
        return compiler
    flavour = Flavour(target, debug, sanitize)
    kept = cache if cache is not None else default_cache()
    library = skeleton_library(compiler, flavour, kept)
    if isinstance(library, BuildFailure):
        return library
    policy = _policy_object(compiler, flavour, service_cpp, kept)
    if isinstance(policy, BuildFailure):
        return policy
    try:
        with tempfile.TemporaryDirectory(prefix=f".{output.name}.", dir=output.parent) as work:
            own = [Path(work) / f"{number}.service.o" for number in range(len(plugin))]
            for source, compiled in zip(plugin, own, strict=True):
                failure = _compile(compiler, flavour, source, compiled)
                if failure is not None:
                    return failure
            linked = Path(work) / "image"
            failure = _link(compiler, flavour, [policy, *own], library, linked)
            if failure is not None:
                return failure
            size = linked.stat().st_size
            put_in_place(linked, output)
            return Image(output, target, size)
    except OSError as problem:
        return unwritable(output, problem)


def build_shared_library(
    cpp: Path, output: Path, *, defines: Sequence[str] = (), sanitize: bool = False
) -> Library | BuildFailure:
    """Build one C++ file that needs nothing but the standard library into the shared library `output`, with the
    macros `defines`."""
    compiler = find_compiler()
    if isinstance(compiler, BuildFailure):
        return compiler
    flavour = Flavour(Target.LINUX, sanitize=sanitize)
    options = [*compile_options(flavour), *(f"-D{macro}" for macro in defines), "-shared", "-fPIC"]
    try:
        with tempfile.TemporaryDirectory(prefix=f".{output.name}.", dir=output.parent) as work:
            linked = Path(work) / "library"
            failure = run([compiler.path, *options, str(cpp), "-o", str(linked)], f"compile `{cpp.name}`")
            if failure is not None:
                return failure
            put_in_place(linked, output)
    except OSError as problem:
        return unwritable(output, problem)
    return Library(output)


def _policy_object(compiler: Compiler, flavour: Flavour, source: Path, cache: Path) -> Path | BuildFailure:
    """The object of the generated file, which includes nothing but the skeleton OS and the standard library."""
    try:
        text = source.read_bytes()
    except OSError as problem:
        return unreadable(source, problem)
    key = key_of(["policy", skeleton_key(compiler, flavour), source.name, text])
    entry = cached(cache, key, lambda work: _compile(compiler, flavour, source, work / _OBJECT))
    return entry if isinstance(entry, BuildFailure) else entry / _OBJECT


def _compile(compiler: Compiler, flavour: Flavour, source: Path, output: Path) -> BuildFailure | None:
    options = compile_options(flavour)
    return run([compiler.path, *options, "-c", str(source), "-o", str(output)], f"compile `{source.name}`")


def _link(
    compiler: Compiler, flavour: Flavour, objects: Sequence[Path], library: Path, output: Path
) -> BuildFailure | None:
    options = list(link_options(flavour))
    if len(objects) > 1:  # beside a user's service the policy is a plugin: kernel/plugin_nacl.cpp
        options.append("-Wl,-u,naclc_plugin_nacl")
    inputs = [*map(str, objects), str(library), *libraries(flavour)]
    return run([compiler.path, *options, "-o", str(output), *inputs], "link the image")
