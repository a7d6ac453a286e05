"""Octets and characters that no policy has: each is told where it stands, and nothing else suffers."""

from __future__ import annotations

import pytest

from naclc.source import SourceFile
from naclc.syntax.parse import parse

# As Latin letters look, and are not: Cyrillic, Greek, full width, mathematical, with a combining accent.
LOOK_ALIKES = ["w\u0435b", "\u03bfut", "\uff45th0", "\U0001d41ab", "a\u0301b"]


def findings(text: str) -> list[tuple[str, str]]:
    _, found = parse(SourceFile("hostile.nacl", text))
    return [(each.code, each.span.text if each.span else "") for each in found]


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_a_name_that_only_looks_latin_is_refused_where_it_is_declared_and_where_it_is_used(name: str) -> None:
    text = f"{name}: 80\nb: [{name}]\n"
    assert [code for code, _ in findings(text)] == ["bad-character", "bad-character"]
    assert all(not span.isascii() for _, span in findings(text))


def test_a_nul_is_told_between_tokens_and_harmless_in_strings_and_comments() -> None:
    assert findings('a: 1 \0 b: "x\0y" # \0\nc: 2\n') == [("bad-character", "\0")]
    assert findings("a: 1\0\0\0\nb: 2\n") == [("bad-character", "\0\0\0")]


def test_a_file_of_nuls_is_one_error() -> None:
    assert [code for code, _ in findings("\0" * 10_000)] == ["bad-character"]


def test_two_and_three_errors_in_one_token() -> None:
    assert findings("a: 010.0.256.1/33\n") == [("leading-zero", "010"), ("bad-octet", "256"), ("bad-mask", "33")]
    assert findings("a: 300.0.0.256-1.2.3.4\n") == [("bad-octet", "300"), ("bad-octet", "256")]
    assert findings('s: "\\q and \\x"\n') == [("bad-escape", "\\q"), ("bad-escape", "\\x")]


@pytest.mark.parametrize("code", [0x202E, 0x2066, 0x200F, 0x61C])
def test_a_bidirectional_control_is_a_warning_in_texts_and_an_error_elsewhere(code: int) -> None:
    control = chr(code)
    assert findings(f'a: "x{control}y" # {control}\n') == [("bidi-control", control)] * 2
    assert findings(f"a: {control}80\n") == [("bad-character", control)]
