"""The grammar is LALR(1) without conflicts, and the shipped tables are those of the grammar."""

from __future__ import annotations

from itertools import pairwise

import pytest
from lark import Lark
from lark.exceptions import UnexpectedInput

from naclc.resources import resource
from naclc.source import SourceFile
from naclc.syntax import build, tables
from naclc.syntax.parse import parse

GRAMMAR = (resource("grammar") / "nacl.lark").read_text(encoding="utf-8")


def test_strict_lark_finds_no_conflict() -> None:
    """Strict mode refuses shift/reduce conflicts and terminals that match the same text (by interegular)."""
    assert Lark(GRAMMAR, parser="lalr", lexer="basic", strict=True).terminals


def test_strict_lark_sees_a_conflict() -> None:
    broken = GRAMMAR + '\nextra: NAME ":" value\n'
    broken = broken.replace("declaration: function\n", "declaration: function\n    | extra\n")
    with pytest.raises(Exception, match=r"[Cc]onflict|[Cc]ollision"):
        Lark(broken, parser="lalr", lexer="basic", strict=True)


def test_tables_are_those_of_the_grammar() -> None:
    shipped = tables.FILE.read_text(encoding="utf-8")
    assert shipped == tables.generate(GRAMMAR), "stale: run `python -m naclc.syntax.tables`"


def test_every_action_has_its_method() -> None:
    actions = {rule.action for rule in tables.load().rules if rule.action}
    assert {action for action in actions if not callable(getattr(build.Builder, action, None))} == set()


def test_rules_without_an_action_have_one_symbol() -> None:
    assert {rule.size for rule in tables.load().rules if rule.action is None} == {1}


SAMPLES = [
    "",
    "a: 5",
    "a 5",
    "a.in.b: [1-2, 10.0.0.1 - 10.0.0.2, (-1), x.if,]",
    "Iface eth2 dhcp eth2.index: 6",
    "Filter::IP f { if (not not a or b and (c) in d) { } else if (x) { y() } else { z(1,) } }",
    "Filter::IP { Nat::TCP a { } log }",
    "a: {in: {}, b: [[]], c: (-1.5)-2.5}",
    "a: -1",
    "a: (5)",
    "Filter::IP f { if (a == b == c) { } }",
    "Filter::IP f { if ((-1) < 5) { } }",
    "Filter::IP f { a.b }",
    "a: 1 . 2 /* x */ . 3 . # y\n 4 / 8",
    "a: 80b",
    'a: "x\\"y" b: "',
    "a: [,]",
    "a: 1.2.3",
    "a: x !in b",
    "Filter::in f {}",
    "a: &",
]


@pytest.mark.parametrize("text", SAMPLES)
def test_lark_and_our_machine_accept_the_same(text: str) -> None:
    lark = Lark(GRAMMAR, parser="lalr", lexer="basic")
    try:
        lark.parse(text)
        accepted = True
    except UnexpectedInput:
        accepted = False
    _, found = parse(SourceFile("a", text))
    assert (found == []) is accepted


def test_numbers_are_tried_longest_form_first() -> None:
    order = [kind for kind in tables.load().patterns if kind in ("CIDR", "IPV4", "DECIMAL", "NUMBER")]
    assert list(pairwise(order)) == [("CIDR", "IPV4"), ("IPV4", "DECIMAL"), ("DECIMAL", "NUMBER")]
