"""Recursion without the interpreter's recursion limit: policies nest deeper than Python's stack.

A recursive function is written as a generator that yields the calls it makes and is sent their results.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, TypeVar

T = TypeVar("T")
Work = Generator[Any, Any, T]  # yields further Work of the same T, is sent their T


def run(work: Work[T]) -> T:
    """
    >>> def depth(n): return 0 if n == 0 else 1 + (yield depth(n - 1))
    >>> run(depth(100_000))
    100000
    """
    waiting: list[Work[T]] = [work]
    result: Any = None
    while waiting:
        try:
            waiting.append(waiting[-1].send(result))
            result = None
        except StopIteration as done:
            waiting.pop()
            result = done.value
    final: T = result
    return final
