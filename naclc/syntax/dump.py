"""The stable text form of a program: `--dump ast`.

One node a line, its children below it and two columns further in, its place behind it (`@line:column-line:column`,
lines from 1, columns from 0). An `else if` stands at the depth of its `if`, and what `not` negates at the depth of
the `not`, so that long chains stay narrow. Works without recursion: nesting has no limit here.
"""

from __future__ import annotations

from naclc.source import Span
from naclc.syntax import ast

Node = ast.Declaration | ast.Statement | ast.Body | ast.Expression | ast.Member
Child = tuple[int, str, Node]  # depth below the parent (0 or 1), a word before it, the node


def dump(program: ast.Program) -> str:
    """The text, one line at least, ending in a line end."""
    lines = [f"program {_place(program.span)}"]
    waiting: list[Child] = [(1, "", declaration) for declaration in reversed(program.declarations)]
    while waiting:
        depth, word, node = waiting.pop()
        head, children = _describe(node)
        lines.append(f"{'  ' * depth}{word}{head} {_place(node.span)}")
        waiting.extend((depth + below, label, child) for below, label, child in reversed(children))
    return "\n".join(lines) + "\n"


def _place(span: Span) -> str:
    line, column = span.end_position
    return f"@{span.line}:{span.column}-{line}:{column}"


def _describe(node: Node) -> tuple[str, list[Child]]:
    match node:
        case ast.Typed(type, name, value):
            return f"typed {type.text} {name.text}", [(1, "", value)]
        case ast.Untyped(target, value):
            return f"untyped {target.text}", [(1, "", value)]
        case ast.Function(type, subtype, name, body):
            named = f" {name.text}" if name else ""
            return f"function {type.text}::{subtype.text}{named}", [(1, "", body)]
        case ast.Body(statements):
            return "body", [(1, "", statement) for statement in statements]
        case ast.Action(name, arguments):
            form = "action" if arguments is None else "call"
            return f"{form} {name.text}", [(1, "", argument) for argument in arguments or ()]
        case ast.Cond(condition, then, otherwise):
            children: list[Child] = [(1, "", condition), (1, "then ", then)]
            if otherwise:
                children.append((int(isinstance(otherwise, ast.Body)), "else ", otherwise))
            return "if", children
        case ast.Member(key, value):
            return f"member {key.text}", [(1, "", value)]
        case _:
            return _describe_expression(node)


def _describe_expression(node: ast.Expression) -> tuple[str, list[Child]]:
    match node:
        case ast.Or(operands) | ast.And(operands):
            return "or" if isinstance(node, ast.Or) else "and", [(1, "", operand) for operand in operands]
        case ast.Not(operand):
            return "not", [(0, "", operand)]
        case ast.Test(left, operator, right):
            return f"test {operator}", [(1, "", left), (1, "", right)]
        case ast.Object(members):
            return "object", [(1, "", member) for member in members]
        case ast.List(items):
            return "list", [(1, "", item) for item in items]
        case ast.Range(first, last):
            return "range", [(1, "", first), (1, "", last)]
        case _:
            return _describe_scalar(node), []


def _describe_scalar(node: ast.Value) -> str:
    match node:
        case ast.Integer(value):
            return f"integer {value}"
        case ast.Decimal(text):
            return f"decimal {text}"
        case ast.Bool(value):
            return f"bool {'true' if value else 'false'}"
        case ast.String(text):
            return f"string {text!a}"
        case ast.Ipv4(value):
            return f"ipv4 {_dotted(value)}"
        case ast.Cidr(address, prefix):
            return f"cidr {_dotted(address)}/{prefix}"
        case ast.Path():
            return f"path {node.text}"
        case _:
            raise AssertionError(f"not a scalar: {type(node).__name__}")


def _dotted(address: int) -> str:
    return ".".join(str(octet) for octet in address.to_bytes(4, "big"))
