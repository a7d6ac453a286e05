"""Work and memory grow as the policy does: deep, long, wide and doubling ones, at a quarter of their size and at full.

Work is counted in calls of functions, Python's and C's, in all threads: the same on every machine. What is linear takes
four times as much for the full size; what is quadratic takes sixteen times as much.
"""

from __future__ import annotations

import sys
import threading
import tracemalloc
from collections.abc import Callable

import pytest

from naclc.driver import Options, check_policy
from naclc.source import SourceFile
from naclc.syntax.format import format_source
from naclc.syntax.parse import parse

_LINEAR = 6.0  # times as much for four times the size


def nested_lists(size: int) -> str:
    return f"a: {'[' * size}1{']' * size}\n"


def nested_conditions(size: int) -> str:
    return f"Iface e {{ index: 0, input: f }}\nFilter::IP f {{ {'if (ip.ttl > 1) { ' * size}drop {'}' * size} drop }}\n"


def addresses(size: int) -> str:
    listed = ", ".join(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(size))
    return f"a: [{listed}]\nIface e {{ index: 0, input: f }}\nFilter::IP f {{ if (ip.saddr in a) {{ drop }} accept }}\n"


def rules(size: int) -> str:
    body = "".join(f"if (ip.saddr == 10.0.{n >> 8}.{n & 255} and ip.id == {n}) {{ drop }}\n" for n in range(size))
    return f"Iface e {{ index: 0, input: f }}\nFilter::IP f {{\n{body}accept }}\n"


def doubling_calls(size: int) -> str:
    calls = "".join(f"Filter::IP f{n} {{ f{n + 1} f{n + 1}() }}\n" for n in range(size))
    return f"Iface e {{ index: 0, input: f0 }}\n{calls}Filter::IP f{size} {{ if (ip.ttl > 1) {{ drop }} accept }}\n"


def unclosed(size: int) -> str:
    return "Filter::IP f { if (ip.ttl == [ { \n" * size


def parsed(text: str) -> None:
    parse(SourceFile("grown.nacl", text))


def formatted(text: str) -> None:
    format_source(SourceFile("grown.nacl", text))


def checked(text: str) -> None:
    check_policy(SourceFile("grown.nacl", text), Options())


def work(act: Callable[[str], None], text: str) -> int:
    calls = [0]

    def count(frame: object, event: str, argument: object) -> None:
        if event in ("call", "c_call"):
            calls[0] += 1

    threading.setprofile(count)
    sys.setprofile(count)
    try:
        act(text)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return calls[0]


def memory(act: Callable[[str], None], text: str) -> int:
    tracemalloc.start()
    try:
        act(text)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


SHAPES = [
    pytest.param(parsed, nested_lists, 996, id="1000 lists in each other"),
    pytest.param(checked, nested_conditions, 480, id="480 conditions in each other"),
    pytest.param(formatted, nested_conditions, 480, id="480 conditions in each other, formatted"),
    pytest.param(parsed, addresses, 100_000, id="100,000 addresses"),
    pytest.param(checked, addresses, 4_000, id="4,000 addresses, checked"),
    pytest.param(parsed, rules, 10_000, id="10,000 rules"),
    pytest.param(formatted, rules, 2_000, id="2,000 rules, formatted"),
    pytest.param(checked, rules, 1_000, id="1,000 rules, checked"),
    pytest.param(checked, doubling_calls, 32, id="calls that double 32 times"),
    pytest.param(parsed, unclosed, 400, id="1,200 brackets that are never closed"),
]


@pytest.mark.parametrize(("act", "shape", "size"), SHAPES)
def test_work_grows_as_the_policy_does(act: Callable[[str], None], shape: Callable[[int], str], size: int) -> None:
    act(shape(2))  # what is imported late is no work
    assert work(act, shape(size)) < _LINEAR * work(act, shape(size // 4))


@pytest.mark.parametrize(("act", "shape", "size"), SHAPES)
def test_memory_grows_as_the_policy_does(act: Callable[[str], None], shape: Callable[[int], str], size: int) -> None:
    act(shape(2))
    assert memory(act, shape(size)) < _LINEAR * memory(act, shape(size // 4))
