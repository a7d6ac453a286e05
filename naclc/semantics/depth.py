"""The one place that makes room for deep recursion.

A program may nest brackets 1000 deep, and `else if`, `not` and names of names as long as it likes. The walks over
such trees are written as plain recursion and run here: in a thread with a large stack (reserved address space, not
memory: only the pages that are touched cost anything) and a recursion limit to match.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")

_FRAMES = 1_000_000
_STACK_SIZES = (512 << 20, 128 << 20, 32 << 20)
_inside = threading.local()


def run_deep(work: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
    """`work(*args, **kwargs)` with room for about a hundred thousand nested calls.

    Its exceptions come out as they are. Inside another run_deep it is a plain call.
    """
    if getattr(_inside, "deep", False):
        return work(*args, **kwargs)
    results: list[_R] = []
    failures: list[BaseException] = []

    def body() -> None:
        _inside.deep = True
        try:
            results.append(work(*args, **kwargs))
        except BaseException as failure:
            failures.append(failure)

    with _LIMIT.raised():
        _start(body).join()
    if failures:
        raise failures[0]
    return results[0]


class _RecursionLimit:
    """The interpreter's one limit for all threads: up while any run_deep is under way, then as it was."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._usual = 0

    @contextmanager
    def raised(self) -> Iterator[None]:
        with self._lock:
            if self._users == 0:
                self._usual = sys.getrecursionlimit()
                sys.setrecursionlimit(max(self._usual, _FRAMES))
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if self._users == 0:
                    sys.setrecursionlimit(self._usual)


_LIMIT = _RecursionLimit()


def _start(body: Callable[[], None]) -> threading.Thread:
    """A started thread with the largest stack that the machine grants."""
    for size in _STACK_SIZES:
        previous = threading.stack_size()
        try:
            threading.stack_size(size)
            thread = threading.Thread(target=body, name="naclc-deep", daemon=True)
            thread.start()
            return thread
        except (RuntimeError, ValueError):
            continue
        finally:
            threading.stack_size(previous)
    thread = threading.Thread(target=body, name="naclc-deep", daemon=True)
    thread.start()
    return thread
