"""Reads chain keys: which functions hang where (docs/language.md 6.3).

Reports   unknown-function, type-mismatch, wrong-subtype, wrong-function, duplicate-in-chain.
"""

from __future__ import annotations

from naclc.diagnostics import Label
from naclc.semantics import advice
from naclc.semantics.model import Attachment, Hook, Kind, Protocol
from naclc.semantics.scope import Scope
from naclc.semantics.values import Element, ElementKind, Entry, Sort, Value, View
from naclc.syntax import ast


def read_chain(scope: Scope, hook: Hook, entry: Entry) -> tuple[Attachment, ...]:
    """The functions of the chain key `entry`: one name, or a list of names, also by name and nested."""
    reader = _ChainReader(scope, hook)
    reader.read(entry.view)
    return tuple(reader.chain)


class _ChainReader:
    def __init__(self, scope: Scope, hook: Hook) -> None:
        self.chain: list[Attachment] = []
        self._scope = scope
        self._hook = hook
        self._seen: dict[str, Attachment] = {}
        self._open: set[tuple[int, ...]] = set()

    def read(self, view: View) -> None:
        value = self._scope.ground(view, refuse=self._refuse_name)
        if value.sort is Sort.BAD:
            return
        if value.sort is Sort.LIST and value.view:
            self._read_list(value.view)
        elif value.sort is Sort.FUNCTION and value.element:
            self._attach(value.element, value)
        elif isinstance(view.value, ast.Path):
            self._refuse_name(view.value, value)
        else:
            message = f"`{self._hook}` takes functions, not {value.what}"
            cure = advice.for_key(self._scope, self._hook, value)
            if value.sort is Sort.STRING and value.text in self._scope.elements:
                self._scope.meant.add(value.text)
            self._scope.reporter.error("type-mismatch", message, value.span, help=cure)

    def _refuse_name(self, path: ast.Path, value: Value | None = None) -> None:
        name = path.text
        message = f"there is no function `{name}`" if value is None else f"`{name}` is {value.what}, not a function"
        cure = self._scope.suggest(name, ElementKind.FUNCTION)
        cure = cure or "name a function of the policy; one is declared as in `Filter::IP inbound { drop }`"
        self._scope.reporter.error("unknown-function", message, path.span, help=cure)

    def _read_list(self, view: View) -> None:
        if view.key in self._open or not isinstance(view.value, ast.List):
            return
        self._open.add(view.key)
        for item in view.value.items:
            self.read(View(item, (), view.owner, view.fold))
        self._open.discard(view.key)

    def _attach(self, function: Element, value: Value) -> None:
        reporter = self._scope.reporter
        label = Label(function.span, "declared here")
        if function.function_kind is None or function.protocol is None:
            return  # its type is not known, which has been reported
        if function.function_kind is Kind.NAT:
            if self._hook is Hook.FORWARD:
                message = f"`{function.name}` is a Nat: `forward` takes Filters"
                cure = "attach it to prerouting (dnat) or postrouting (snat) of an Iface"
                reporter.error("wrong-function", message, value.span, label, help=cure)
                return
        elif function.protocol is not Protocol.IP:
            reporter.error(
                "wrong-subtype",
                f"a chain takes Filter::IP functions, and `{function.name}` is a Filter::{function.protocol}",
                value.span,
                label,
                help=f"attach a Filter::IP that calls `{function.name}`",
            )
        attachment = Attachment(function.name, value.span)
        first = self._seen.setdefault(function.name, attachment)
        if first is not attachment:
            reporter.warning(
                "duplicate-in-chain",
                f"`{function.name}` is twice in this chain",
                value.span,
                Label(first.span, "first here"),
                help="remove one of them: the second decides as the first did",
            )
        self.chain.append(attachment)
