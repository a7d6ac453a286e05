"""Checks the values of untyped elements as written, whether anything uses them or not, and finds value cycles.

Reports   unknown-name, unknown-member, unknown-field, not-a-value, duplicate-key, bad-assignment, value-cycle,
          host-bits.
"""

from __future__ import annotations

from naclc.net.addresses import format_address, mask_of
from naclc.semantics.advice import not_a_value
from naclc.semantics.reporter import Reporter
from naclc.semantics.scope import BREAK_CYCLE, WORDS, Scope
from naclc.semantics.values import Addition, Element, ElementKind, Sort, Unknown, Value, View
from naclc.source import Span
from naclc.syntax import ast


def check_values(scope: Scope) -> None:
    """Visits every value of every element that is no function, dotted additions included."""
    walk = _Walk(scope)
    for element in list(scope.elements.values()):
        if element.value is not None and element.kind is not ElementKind.UNKNOWN:
            walk.element(element)


def check_host_bits(cidr: ast.Cidr, reporter: Reporter) -> None:
    masked = cidr.address & mask_of(cidr.prefix)
    if masked != cidr.address:
        reporter.warning(
            "host-bits",
            f"`{cidr.span.text}` has host bits set, they are ignored",
            cidr.span,
            help=f"write `{format_address(masked)}/{cidr.prefix}`",
        )


class _Walk:
    """`_trail` holds the views being visited as (key, name of the place, entered by name?)."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._done: set[tuple[int, ...]] = set()
        self._open: set[tuple[int, ...]] = set()
        self._trail: list[tuple[tuple[int, ...], str, bool]] = []
        self._path_span: Span | None = None

    def element(self, element: Element) -> None:
        self._visit(self._scope.root(element), element.name, True)

    def _visit(self, view: View, label: str, by_name: bool) -> None:
        key = view.key
        if key in self._open:
            self._report_cycle(key)
        elif key not in self._done:
            self._open.add(key)
            self._trail.append((key, label, by_name))
            self._look(view, label)
            self._trail.pop()
            self._open.discard(key)
            self._done.add(key)

    def _report_cycle(self, key: tuple[int, ...]) -> None:
        start = next(index for index, (visited, _, _) in enumerate(self._trail) if visited == key)
        first = self._trail[start][1]
        names = [first, *(label for _, label, by_name in self._trail[start + 1 :] if by_name), first]
        span = self._path_span
        assert span is not None
        cycle = " -> ".join(names)
        self._scope.reporter.error("value-cycle", f"values lead back to themselves: {cycle}", span, help=BREAK_CYCLE)

    def _look(self, view: View, label: str) -> None:
        value = view.value
        match value:
            case ast.Path():
                self._look_at_path(view, value)
                return
            case ast.Object():
                for entry in self._scope.members(view).values():
                    self._visit(entry.view, f"{label}.{entry.name.text}", False)
                return
            case ast.List():
                for item in value.items:
                    if isinstance(item, (ast.Path, ast.List, ast.Object)):
                        self._visit(View(item, (), view.owner, view.fold), label, False)
                    elif isinstance(item, ast.Cidr):
                        check_host_bits(item, self._scope.reporter)
            case ast.Cidr() if not view.owner.typed:  # no key of a typed element takes one
                check_host_bits(value, self._scope.reporter)
        self._refuse_additions(view.additions, literal_kind(value))

    def _look_at_path(self, view: View, path: ast.Path) -> None:
        scope, owner = self._scope, view.owner
        scope.use(owner, path)
        target = scope.target(path)
        if isinstance(target, Unknown):
            if not owner.typed and path.text.lower() not in WORDS:
                if target.code == "unknown-name" and len(path.parts) == 1:
                    target = scope.unknown_name(path.text, *sorted(WORDS))
                scope.report(target, path)
        elif isinstance(target, View):
            self._path_span = path.span
            below = View(target.value, target.additions + view.additions, target.owner, view.fold or target.fold)
            self._visit(below, path.text, True)
        elif target.sort is not Sort.BAD:
            if not owner.typed:
                self._check_terminal(target, path)
            self._refuse_additions(view.additions, target.what)

    def _check_terminal(self, target: Value, path: ast.Path) -> None:
        if target.sort is Sort.FIELD:
            self._scope.reporter.error(
                "not-a-value",
                f"the packet field `{path.text}` is not a value",
                path.span,
                help="a field may stand only in a test or in log()",
            )
        elif target.sort is Sort.ELEMENT and path.text.lower() not in WORDS:
            message = f"`{path.text}` is {target.what}, not a value"
            self._scope.reporter.error("not-a-value", message, path.span, help=not_a_value(target))

    def _refuse_additions(self, additions: tuple[Addition, ...], what: str) -> None:
        for addition in additions:
            if addition is addition.owner.additions and addition.owner.kind is ElementKind.GATEWAY:
                continue  # a list of routes takes options, see naclc.semantics.gateway
            for child in addition.children.values():
                message = f"cannot add `{child.name.text}` to {what}"
                advice = "make it an object, `{ key: value }`, or remove the assignment"
                self._scope.reporter.error("bad-assignment", message, child.name.span, help=advice)


def literal_kind(value: ast.Value) -> str:
    """What messages call a literal."""
    kinds: dict[type, Sort] = {
        ast.Integer: Sort.INT,
        ast.Ipv4: Sort.ADDR,
        ast.Cidr: Sort.CIDR,
        ast.Bool: Sort.BOOL,
        ast.String: Sort.STRING,
        ast.List: Sort.LIST,
        ast.Decimal: Sort.DECIMAL,
    }
    return str(kinds.get(type(value), Sort.INT_RANGE))
