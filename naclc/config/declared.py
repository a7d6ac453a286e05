"""What a config.json declares, as the declarations that NaCl text would have."""

from __future__ import annotations

from naclc.source import Span
from naclc.syntax import ast


class Declared:
    """`nics` and `vlans` say where each is given first. `nics_known`: no NIC is missing among them because it could
    not be read. `silent` are (code, offset) of what would be said and is not to be."""

    def __init__(self) -> None:
        self.declarations: list[ast.Declaration] = []
        self.nics: dict[int, Span] = {}
        self.vlans: dict[tuple[int, int], Span] = {}
        self.nics_known = True
        self.silent: set[tuple[str, int]] = set()

    def add(self, type_name: str, name: str, at: Span, value: ast.Value) -> None:
        """An element; `at` is what names it in the JSON."""
        self.declarations.append(ast.Typed(ast.Name(type_name, at), ast.Name(name, at), value, value.span))

    def silence(self, code: str, at: Span) -> None:
        self.silent.add((code, at.start))
