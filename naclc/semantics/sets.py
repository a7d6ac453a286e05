"""Sets of values: lists, objects, ranges and CIDRs, flattened to leaves and fitted to a field.

Reports   empty-set, type-mismatch, not-a-value, element-as-set, port-out-of-range, value-out-of-range; set-overlap,
          host-bits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from naclc.diagnostics import Label
from naclc.net.addresses import mask_of, subnet_bounds
from naclc.net.fields import Field, FieldType
from naclc.semantics import advice
from naclc.semantics.constants import check_host_bits
from naclc.semantics.model import Between, Leaf, Network, Single
from naclc.semantics.scope import Scope
from naclc.semantics.typing_rules import wanted, with_constant
from naclc.semantics.values import Sort, Value, View
from naclc.source import Span
from naclc.syntax import ast

EMPTY_SET = "put values in, or remove the test: nothing is in an empty set"

_IfaceNumbers = dict[str, int]

_TIMES = 2  # that one set counts in another


def number_of(value: Value, ifaces: _IfaceNumbers) -> int:
    """The number that stands for a scalar constant in the model."""
    if value.sort is Sort.IFACE and value.element:
        return ifaces.get(value.element.name, 0)
    return value.number


def shown(number: int) -> str:
    """`number` for messages: nobody reads forty digits."""
    return str(number) if abs(number) < 10**40 else "a number of more than 40 digits"


def bounds(value: Value, ifaces: _IfaceNumbers) -> tuple[int, int]:
    """First and last number that a leaf stands for."""
    if value.sort is Sort.CIDR:
        return subnet_bounds(value.number, mask_of(value.last))
    if value.sort in (Sort.INT_RANGE, Sort.ADDR_RANGE):
        return value.number, value.last
    number = number_of(value, ifaces)
    return number, number


class Sets:
    """Reads sets; a set that is used many times for the same kind of field is read once."""

    def __init__(self, scope: Scope, ifaces: _IfaceNumbers) -> None:
        self._scope = scope
        self._reporter = scope.reporter
        self._ifaces = ifaces
        self._fitted: dict[tuple[tuple[int, ...], FieldType, int], tuple[Leaf, ...] | None] = {}

    def leaves(self, value: Value) -> list[Value]:
        """The leaves of a set in written order; those whose names lead nowhere are BAD."""
        if value.view is None or value.sort not in (Sort.LIST, Sort.OBJECT):
            return [value]
        return list(self._flatten(value.view, set(), Counter()))

    def _flatten(self, view: View, open_sets: set[tuple[int, ...]], times: Counter[tuple[int, ...]]) -> Iterator[Value]:
        """Of a set that stands in another one again and again only the first two times count: the second shows that it
        stands there twice, further ones would show it again, and thirty that double each other would never end."""
        if view.key in open_sets:
            # a cycle, which naclc.semantics.constants reports
            yield Value(Sort.BAD, view.value.span, view.value.span)
            return
        times[view.key] += 1
        if times[view.key] > _TIMES:
            return
        open_sets.add(view.key)
        for place in self._places(view):
            value = self._scope.ground(place)
            if value.sort in (Sort.LIST, Sort.OBJECT) and value.view:
                yield from self._flatten(value.view, open_sets, times)
            else:
                yield value
        open_sets.discard(view.key)

    def _places(self, view: View) -> Iterator[View]:
        if isinstance(view.value, ast.List):
            return (View(item, (), view.owner, view.fold) for item in view.value.items)
        return (entry.view for entry in self._scope.members(view).values())

    def fit(self, value: Value, field: Field) -> tuple[Leaf, ...] | None:
        """The set `value` as leaves for `field`; None when something in it is wrong."""
        if value.view is None:
            return self._fit(value, field)
        key = (value.view.key, field.type, field.width)
        if key not in self._fitted:
            self._fitted[key] = self._fit(value, field)
        return self._fitted[key]

    def _fit(self, value: Value, field: Field) -> tuple[Leaf, ...] | None:
        leaves = self.leaves(value)
        if not leaves:
            self._reporter.error("empty-set", "this set is empty", value.span, help=EMPTY_SET)
            return None
        fitting = [self.check_leaf(leaf, field, value.span) for leaf in leaves]
        if not all(fitting):
            return None
        self.check_overlap(leaves, value.span)
        return tuple(_model_leaf(leaf, self._ifaces) for leaf in leaves)

    def check_leaf(self, leaf: Value, field: Field, use: Span) -> bool:
        """Whether `leaf` may be compared with `field` and fits it; reported if not."""
        if leaf.sort is Sort.BAD or not self.check_is_value(leaf):
            return False
        labels = () if use.start <= leaf.span.start < use.end else (Label(use, f"compared with `{field.name}` here"),)
        if leaf.sort is Sort.ELEMENT or (leaf.sort is Sort.IFACE and field.type is not FieldType.IFACE):
            message, cure = f"`{leaf.span.text}` is no set of values", advice.not_a_set(field, leaf)
            self._reporter.error("element-as-set", message, leaf.span, *labels, help=cure)
            return False
        if "in" not in with_constant(field.type, leaf.sort):
            message = f"`{field.name}` is compared with {wanted(field.type)}, not {leaf.what}"
            cure = advice.for_field(self._scope, field, leaf, in_set=True)
            self._reporter.error("type-mismatch", message, leaf.span, *labels, help=cure)
            return False
        if leaf.sort is Sort.CIDR:
            self.check_cidr(leaf)
        return self.check_width(leaf, field, *labels)

    def check_is_value(self, leaf: Value) -> bool:
        """No field and no function is a leaf."""
        if leaf.sort is Sort.FIELD:
            self._reporter.error(
                "not-a-value",
                f"the packet field `{leaf.span.text}` is not a value",
                leaf.span,
                help="compare with it on its own: x == field",
            )
            return False
        if leaf.sort is Sort.FUNCTION:
            message = f"`{leaf.span.text}` is a function, not a value"
            self._reporter.error("not-a-value", message, leaf.span, help=advice.not_a_value(leaf))
            return False
        return True

    def check_cidr(self, leaf: Value) -> None:
        check_host_bits(ast.Cidr(leaf.number, leaf.last, leaf.origin), self._reporter)

    def check_width(self, value: Value, field: Field, *labels: Label) -> bool:
        """Whether a number, or both ends of a range, fit the field."""
        if value.sort not in (Sort.INT, Sort.INT_RANGE, Sort.FLAG):
            return True
        ends = (value.number, value.last) if value.sort is Sort.INT_RANGE else (value.number,)
        highest = (1 << field.width) - 1
        wrong = [end for end in ends if not 0 <= end <= highest]
        if wrong:
            code = "port-out-of-range" if field.type is FieldType.PORT else "value-out-of-range"
            message = f"{shown(wrong[0])} does not fit `{field.name}`, which is 0 to {highest}"
            cure = f"write a number of 0 to {highest}"
            if value.sort is Sort.FLAG:
                cure = f"test `tcp.has-{value.span.text.lower()}`"
            self._reporter.error(code, message, value.span, *labels, help=cure)
        return not wrong

    def check_overlap(self, leaves: list[Value], use: Span) -> None:
        """Warns of each leaf that shares a value with another one."""
        if len(leaves) < 2:
            return
        order = sorted((*bounds(leaf, self._ifaces), index) for index, leaf in enumerate(leaves))
        _, end, holder = order[0]
        for first, last, index in order[1:]:
            if first <= end:
                earlier, later = sorted((holder, index))
                self._report_overlap(leaves[earlier], leaves[later], use)
            if last > end:
                end, holder = last, index

    def _report_overlap(self, earlier: Value, later: Value, use: Span) -> None:
        span, other = later.span, earlier.span
        if span == other:
            span = use
        same = bounds(earlier, self._ifaces) == bounds(later, self._ifaces)
        text = later.span.text
        message = f"`{text}` is in this set twice" if same else f"`{text}` overlaps `{earlier.span.text}` in this set"
        cure = "remove one of them: it changes nothing"
        if not same:
            cure = "remove the narrower one, or make the ranges end where the next begins"
        self._reporter.warning("set-overlap", message, span, Label(other, "the other one"), help=cure)


def _model_leaf(leaf: Value, ifaces: _IfaceNumbers) -> Leaf:
    match leaf.sort:
        case Sort.CIDR:
            return Network(leaf.number, leaf.last, leaf.span)
        case Sort.INT_RANGE | Sort.ADDR_RANGE:
            return Between(leaf.number, leaf.last, leaf.span)
        case _:
            return Single(number_of(leaf, ifaces), leaf.span)
