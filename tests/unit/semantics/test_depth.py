"""Room for deep recursion."""

from __future__ import annotations

import sys
import threading

import pytest

from naclc.semantics.depth import run_deep


def _dive(levels: int) -> int:
    return 0 if levels == 0 else 1 + _dive(levels - 1)


def test_deep_recursion_works_and_the_limit_comes_back() -> None:
    limit = sys.getrecursionlimit()
    assert run_deep(_dive, 50_000) == 50_000
    assert sys.getrecursionlimit() == limit


def test_exceptions_come_out_as_they_are() -> None:
    with pytest.raises(ZeroDivisionError):
        run_deep(lambda: 1 // 0)


def test_nested_use_is_a_plain_call() -> None:
    assert run_deep(lambda: run_deep(_dive, 20_000)) == 20_000


def test_two_threads_at_once_do_not_take_the_room_from_each_other() -> None:
    depths: list[int] = []
    started = threading.Barrier(2)

    def dive(levels: int) -> None:
        def work() -> int:
            started.wait()
            return _dive(levels)

        depths.append(run_deep(work))

    threads = [threading.Thread(target=dive, args=(levels,)) for levels in (1, 60_000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(depths) == [1, 60_000]
