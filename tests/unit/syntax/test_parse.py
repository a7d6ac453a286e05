"""What the tree holds: values, spans, and the limits of nesting."""

from __future__ import annotations

import pytest

from naclc.source import SourceFile
from naclc.syntax import ast
from naclc.syntax.parse import parse


def program(text: str) -> ast.Program:
    tree, found = parse(SourceFile("test.nacl", text))
    assert found == []
    assert tree is not None
    return tree


def value(text: str) -> ast.Value:
    (declaration,) = program(f"a: {text}").declarations
    assert isinstance(declaration, ast.Untyped)
    return declaration.value


def condition(text: str) -> ast.Expression:
    (function,) = program(f"Filter::IP f {{ if ({text}) {{ drop }} }}").declarations
    assert isinstance(function, ast.Function)
    (statement,) = function.body.statements
    assert isinstance(statement, ast.Cond)
    return statement.condition


def shape(node: ast.Expression) -> str:
    """A condition with all its groupings in parentheses."""
    match node:
        case ast.Or(operands):
            return "(" + " or ".join(shape(operand) for operand in operands) + ")"
        case ast.And(operands):
            return "(" + " and ".join(shape(operand) for operand in operands) + ")"
        case ast.Not(operand):
            return f"not {shape(operand)}"
        case ast.Test(left, operator, right):
            return f"[{shape(left)} {operator} {shape(right)}]"
        case _:
            return node.span.text


def codes(text: str) -> list[str]:
    return [diagnostic.code for diagnostic in parse(SourceFile("test.nacl", text))[1]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("65535", 65535),
        ("0x1F", 31),
        ("0XfF", 255),
        ("(-1)", -1),
        ("( - 80 )", -80),
        ("1" + "0" * 100, 10**100),
        ("9" * 5000, 10**4000),
        ("0x" + "f" * 5000, 10**4000),
    ],
)
def test_integers(text: str, expected: int) -> None:
    result = value(text)
    assert isinstance(result, ast.Integer)
    assert result.value == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("1.50", "1.50"), ("0.05", "0.05"), ("(-1.5)", "-1.5"), ("1 . 5", "1.5")]
)
def test_decimals(text: str, expected: str) -> None:
    result = value(text)
    assert isinstance(result, ast.Decimal)
    assert result.text == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.0.0.0", 0),
        ("255.255.255.255", 2**32 - 1),
        ("10.0.0.1", 0x0A000001),
        ("10 . 0 /* 9.9 */ . 0\n.# 3\n1", 0x0A000001),
        ("10.0.//\n0.1", 0x0A000001),
    ],
)
def test_addresses(text: str, expected: int) -> None:
    result = value(text)
    assert isinstance(result, ast.Ipv4)
    assert result.value == expected
    assert result.span.text == text


@pytest.mark.parametrize(("text", "prefix"), [("10.1.2.3/8", 8), ("10.1.2.3 / 32", 32), ("10.1.2.3/*x*/ /0", 0)])
def test_cidrs_keep_their_host_bits(text: str, prefix: int) -> None:
    result = value(text)
    assert isinstance(result, ast.Cidr)
    assert (result.address, result.prefix) == (0x0A010203, prefix)


def test_a_comment_in_an_address_ends_at_its_first_end() -> None:
    assert codes("a: 1 /* a */ 2 /* b */ . 3") == ["adjacent-numbers"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r'"a\n\t\\\""', 'a\n\t\\"'),
        (r'"\\n"', "\\n"),
        ('"# // /* é \0"', "# // /* é \0"),
        ('""', ""),
    ],
)
def test_strings(text: str, expected: str) -> None:
    result = value(text)
    assert isinstance(result, ast.String)
    assert result.value == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a or b and c or d", "(a or (b and c) or d)"),
        ("a || b && c", "(a or (b and c))"),
        ("not a == 1 and b == 2", "(not [a == 1] and [b == 2])"),
        ("not not !a", "not not not a"),
        ("x not in [1]", "not [x in [1]]"),
        ("x IN [1]", "[x in [1]]"),
        ("not x not in [1]", "not not [x in [1]]"),
        ("(a or b) and c", "((a or b) and c)"),
        ("((a))", "a"),
        ("(a and b) and c", "((a and b) and c)"),
        ("(-1) <= x", "[(-1) <= x]"),
        ("((-1)-5) == x", None),
        ("not (a or b)", "not (a or b)"),
    ],
)
def test_conditions(text: str, expected: str | None) -> None:
    if expected is None:
        assert codes(f"Filter::IP f {{ if ({text}) {{ }} }}") == ["syntax"]
    else:
        assert shape(condition(text)) == expected


def test_an_action_with_and_without_parentheses() -> None:
    (function,) = program('Filter::IP f { drop accept() log("x", 5,) }').declarations
    assert isinstance(function, ast.Function)
    arguments = [action.arguments for action in function.body.statements if isinstance(action, ast.Action)]
    assert [None if given is None else len(given) for given in arguments] == [None, 0, 2]


def test_spans_are_those_of_the_text() -> None:
    text = "Iface eth0 { index: 0 }\na.b.in: [1-2, x]\nFilter :: IP f { if (not a == 1) { x(2) } else { } }"
    iface, assignment, function = program(text).declarations
    assert [declaration.span.text for declaration in (iface, assignment, function)] == text.splitlines()
    assert isinstance(assignment, ast.Untyped)
    assert assignment.target.span.text == "a.b.in"
    assert [part.span.text for part in assignment.target.parts] == ["a", "b", "in"]
    assert isinstance(function, ast.Function)
    assert function.body.span.text == "{ if (not a == 1) { x(2) } else { } }"
    (cond,) = function.body.statements
    assert isinstance(cond, ast.Cond)
    assert cond.condition.span.text == "not a == 1"
    assert cond.otherwise is not None
    assert cond.otherwise.span.text == "{ }"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends(end: str) -> None:
    first, second = program(f"a: 5 # comment{end}b: 6{end}").declarations
    assert (first.span.line, second.span.line, second.span.column) == (1, 2, 0)


def test_columns_count_code_points() -> None:
    _, second = program('a: "😀\t" b: 6').declarations
    assert second.span.column == 8


@pytest.mark.parametrize("text", ["", " ", "\n# only a comment", "/**/"])
def test_nothing_is_a_program(text: str) -> None:
    assert program(text).declarations == ()


NESTED = [
    pytest.param("a: " + "[" * 1000 + "]" * 1000, id="lists"),
    pytest.param("a: " + "{b: " * 1000 + "1" + "}" * 1000, id="objects"),
    pytest.param("Filter::IP f { if (" + "(" * 998 + "a" + ")" * 998 + ") {} }", id="parentheses"),
    pytest.param("Filter::IP " + "{ Filter::IP " * 999 + "{ drop }" + "}" * 999, id="functions"),
]


@pytest.mark.parametrize("text", NESTED)
def test_1000_brackets_may_be_open(text: str) -> None:
    assert codes(text) == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a: " + "[" * 1001 + "]" * 1001 + " b: 80b", id="lists"),
        pytest.param("a: " + "{b: " * 1001 + "1" + "}" * 1001 + " b: 80b", id="objects"),
        pytest.param("Filter::IP f { if (" + "(" * 999 + "a" + ")" * 999 + ") {} } b: 80b", id="parentheses"),
        pytest.param("Filter::IP " + "{ Filter::IP " * 1000 + "{ drop }" + "}" * 1000 + " b: 80b", id="functions"),
        pytest.param("a: " + "[" * 50_000 + "]" * 50_000 + " b: 80b", id="far too deep"),
    ],
)
def test_1001_are_too_deep(text: str) -> None:
    assert codes(text) == ["too-deep", "syntax"]


def test_too_deep_and_open_is_too_deep_only() -> None:
    assert codes("a: " + "[" * 50_000) == ["too-deep"]


def test_the_bracket_that_is_too_deep_is_named() -> None:
    _, (problem,) = parse(SourceFile("test.nacl", "a: " + "[" * 1001 + "]" * 1001))
    assert problem.span is not None
    assert problem.span.column == 1003


def test_long_chains_are_not_deep() -> None:
    chain = "if (a) { drop } else " * 10_000 + "{ accept }"
    assert codes(f"Filter::IP f {{ {chain} if ({'not ' * 10_000} a) {{ }} }}") == []
    assert codes(f"Filter::IP f {{ if ({'a or b and ' * 10_000} a) {{ }} }}") == []


@pytest.mark.parametrize("text", ["a: \0 5", "\0" * 1000, "a: 5\0\0"])
def test_nul_is_a_bad_character_once(text: str) -> None:
    assert codes(text) == ["bad-character"]


def test_a_hundred_mistakes_are_a_hundred_messages() -> None:
    text = "".join(f"a{number} = {number}\n" for number in range(100))
    tree, found = parse(SourceFile("test.nacl", text))
    assert [diagnostic.span.line for diagnostic in found if diagnostic.span] == list(range(1, 101))
    assert tree is not None
    assert len(tree.declarations) == 100


def test_what_is_no_text_at_all_is_given_up() -> None:
    tree, found = parse(SourceFile("test.nacl", "\1\2" * 5000))
    assert tree is None
    assert len(found) == 1000


def test_a_declaration_with_a_hole_is_left_out_and_a_repaired_one_is_not() -> None:
    tree, _ = parse(SourceFile("test.nacl", "a: [1 x] b: [1, ==] c: 5"))
    assert tree is not None
    names = [declaration.target.text for declaration in tree.declarations if isinstance(declaration, ast.Untyped)]
    assert names == ["a", "c"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a: [" + "9-1," * 20_000 + "]", id="ranges"),
        pytest.param("a:\n" * 20_000, id="values that are missing"),
        pytest.param("]" * 20_000, id="brackets"),
        pytest.param("a = " * 20_000, id="equals signs"),
    ],
)
def test_there_are_never_more_than_some_thousand_messages(text: str) -> None:
    assert 100 <= len(codes(text)) <= 2000


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a: 1" + " " * 1_000_000, id="blanks at the end"),
        pytest.param("a: 1 /*" + "*x" * 500_000 + "*/", id="a comment of stars"),
        pytest.param("a: 1" + "/**/" * 250_000, id="comments in a row"),
        pytest.param("a: " + "1" * 1_000_000, id="digits"),
        pytest.param("a: b" + ".c" * 100_000, id="a long path"),
    ],
)
def test_long_texts_of_one_kind_are_no_trap(text: str) -> None:
    assert codes(text) == []
