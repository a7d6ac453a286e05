"""The formatter on programs that are long, wide or deep: linear in time, and no recursion."""

import time

import pytest

from naclc.source import SourceFile
from naclc.syntax.format import format_source

DEEP = 990


def formatted(text):
    result, errors = format_source(SourceFile("p.nacl", text))
    assert result is not None, errors
    return result


def rules(count):
    rule = "if (ip.saddr in 10.{}.{}.0/24 and tcp.dport in {}-{}) {{ accept }} # rule\n"
    body = "".join(rule.format(i >> 8, i & 255, i, i + 5) for i in range(count))
    return f"Filter::TCP f {{\n{body}drop\n}}\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a: " + "[" * DEEP + "1" + "]" * DEEP, id="lists"),
        pytest.param("a: " + "{a:" * DEEP + "1" + "}" * DEEP, id="objects"),
        pytest.param("a: " + "[#\n" * DEEP + "1" + "]" * DEEP, id="lists with comments"),
        pytest.param("Filter::IP f {if (" + "(" * DEEP + "a" + ")" * DEEP + ") {drop}}", id="parentheses"),
        pytest.param("Filter::IP f " + "{if (a) " * DEEP + "{drop}" + "}" * DEEP, id="conditions"),
        pytest.param("Filter::IP f " + "{IP::IP " * DEEP + "{drop}" + "}" * DEEP, id="functions"),
        pytest.param("Filter::IP f {if (a) {drop}" + " else if (b) {drop}" * 20_000 + "}", id="a chain of else"),
        pytest.param("Filter::IP f {if (" + "not " * 20_000 + "a) {drop}}", id="not"),
        pytest.param("Filter::IP f {if (a" + " and b" * 20_000 + ") {drop}}", id="and"),
        pytest.param("Filter::IP f {if (" + "(a or b and " * 400 + "c" + ")" * 400 + ") {drop}}", id="and in or"),
    ],
)
def test_depth_and_length_are_no_matter(text):
    once = formatted(text)
    assert formatted(once) == once


def test_ten_thousand_rules_in_three_seconds():
    text = rules(10_000)
    begin = time.process_time()
    assert formatted(text).count("\n") == 10_003
    assert time.process_time() - begin < 3


def test_the_time_is_linear():
    def seconds(count):
        text = rules(count)
        begin = time.process_time()
        formatted(text)
        return time.process_time() - begin

    seconds(100)
    assert seconds(8_000) < 20 * seconds(1_000)
