"""Which diagnostic codes the source can emit, read from the source itself.

A carrier is a function with a parameter `code: str`, or a class with such a field. Whatever is given to a carrier as
its code is one: a literal, either branch of a conditional expression, a constant of the module, or a local variable
that only literals are assigned to. A carrier that hands on its own parameter, or the `code` of a value made before,
adds nothing new. Anything else is unreadable, and the test that uses this module says so.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[3] / "naclc"


@dataclass
class Emitted:
    """`stages`: for each code the parts of naclc (a folder, or a module at top level) that emit it."""

    stages: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    severities: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    unreadable: list[str] = field(default_factory=list)


def emitted(package: Path = PACKAGE) -> Emitted:
    trees = {path.relative_to(package): ast.parse(path.read_text(encoding="utf-8")) for path in package.rglob("*.py")}
    carriers = {name: at for tree in trees.values() for name, at in _carriers(tree)}
    found = Emitted()
    for path, tree in sorted(trees.items()):
        own = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        known = {name: at for name, at in carriers.items() if name not in own} | dict(_carriers(tree))
        for scopes, call in _calls(tree, (tree,)):
            at = known.get(_name(call.func))
            if at is not None and _gives_a_code(call, at):
                _read(call, at, scopes, path, found)
    return found


def _gives_a_code(call: ast.Call, at: int) -> bool:
    """Else it is another function of that name: one that makes a finding gets at least a code and a message."""
    unpacked = any(isinstance(given, ast.Starred) for given in call.args[: at + 1])
    return unpacked or len(call.args) > at + 1 or any(word.arg in ("code", None) for word in call.keywords)


def _read(call: ast.Call, at: int, scopes: tuple[ast.AST, ...], path: Path, found: Emitted) -> None:
    given = next((word.value for word in call.keywords if word.arg == "code"), None)
    if given is None and len(call.args) > at:
        given = call.args[at]
    codes = None if given is None else _strings(given, scopes)
    if codes is None:
        found.unreadable.append(f"naclc/{path}:{call.lineno}: {ast.unparse(call)[:100]}")
        return
    for code in codes:
        found.stages[code].add(path.parts[0].removesuffix(".py"))
        if _name(call.func) in ("error", "warning"):
            found.severities[code].add(_name(call.func))


def _strings(node: ast.expr, scopes: tuple[ast.AST, ...]) -> set[str] | None:
    """What the expression can be; empty when it only hands on a code; None when that cannot be told."""
    match node:
        case ast.Constant(value=str(text)):
            return {text}
        case ast.IfExp(body=body, orelse=orelse):
            both = [_strings(branch, scopes) for branch in (body, orelse)]
            return None if None in both else set().union(*(some for some in both if some))
        case ast.Attribute(attr="code"):
            return set()
        case ast.Name(id=name):
            return _named(name, scopes)
    return None


def _named(name: str, scopes: tuple[ast.AST, ...]) -> set[str] | None:
    for depth in range(len(scopes), 0, -1):
        scope = scopes[depth - 1]
        if isinstance(scope, ast.FunctionDef) and name == "code" and _parameter(scope) is not None:
            return set()
        assigned = [
            statement.value
            for statement in (ast.walk(scope) if depth > 1 else ast.iter_child_nodes(scope))
            if isinstance(statement, ast.Assign)
            and [target for target in statement.targets if isinstance(target, ast.Name) and target.id == name]
        ]
        if assigned:
            values = [_strings(value, scopes[:depth]) for value in assigned]
            return None if None in values else set().union(*(some for some in values if some))
    return None


def _carriers(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Names of functions and classes, and which of their arguments is the code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and (at := _parameter(node)) is not None:
            yield node.name, at
        if isinstance(node, ast.ClassDef):
            fields = [field for field in node.body if isinstance(field, ast.AnnAssign)]
            for at, each in enumerate(fields):
                if _name(each.target) == "code" and _name(each.annotation) == "str" and _is_finding(fields):
                    yield node.name, at


def _is_finding(fields: list[ast.AnnAssign]) -> bool:
    """A finding has a message beside its code; a page about a code has none."""
    return any(_name(each.target) == "message" for each in fields)


def _parameter(function: ast.FunctionDef) -> int | None:
    """The place of `code: str` among the parameters of a function that makes a finding: it has a message too."""
    parameters = [each for each in function.args.args if each.arg != "self"]
    names = [each.arg for each in parameters]
    if "code" not in names or "message" not in names:
        return None
    at = names.index("code")
    annotation = parameters[at].annotation
    return at if annotation is not None and _name(annotation) == "str" else None


def _calls(node: ast.AST, scopes: tuple[ast.AST, ...]) -> Iterator[tuple[tuple[ast.AST, ...], ast.Call]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call):
            yield scopes, child
        inner = (*scopes, child) if isinstance(child, ast.FunctionDef) else scopes
        yield from _calls(child, inner)


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
