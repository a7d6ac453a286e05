"""Conditions: operands resolved, types and widths checked, what is constant evaluated.

Reports   all codes of docs/language.md section 4 that concern tests; field-not-available; constant-condition.
"""

from __future__ import annotations

from naclc.net.fields import Field, FieldType
from naclc.semantics import advice, model
from naclc.semantics.model import Protocol
from naclc.semantics.scope import Scope
from naclc.semantics.sets import EMPTY_SET, Sets, bounds, number_of
from naclc.semantics.typing_rules import (
    EQUAL,
    EVALUATE,
    MIRROR,
    between_constants,
    between_fields,
    wanted,
    with_constant,
)
from naclc.semantics.values import SETS, Element, Sort, Value, View
from naclc.source import Span
from naclc.syntax import ast

_WITH_SET = {"==": "use `in`", "!=": "use `not in`"}
_ONE_VALUE = "compare with one value, or use `in`"


def _short(value: Value) -> str:
    """What is written there, or `…` when it is long."""
    text = " ".join(value.span.text.split())
    return text if len(text) <= 40 else "…"


class Conditions:
    """The conditions of one function. `iface_uses` collects the iface fields it mentions and where."""

    def __init__(self, scope: Scope, sets: Sets, ifaces: dict[str, int], owner: Element) -> None:
        self.iface_uses: list[tuple[Field, Span]] = []
        self._scope = scope
        self._reporter = scope.reporter
        self._sets = sets
        self._ifaces = ifaces
        self._owner = owner

    def operand(self, value: ast.Value, context: Protocol | None) -> Value:
        """A value that stands in a function of protocol `context` (None: not known, every field is there)."""
        found = self._scope.ground(View(value, (), self._owner, False))
        if found.sort is Sort.FIELD and found.field:
            self._check_available(found.field, value.span, context)
        return found

    def _check_available(self, field: Field, span: Span, context: Protocol | None) -> None:
        if field.protocol == "iface":
            self.iface_uses.append((field, span))
        elif field.protocol not in ("ip", "ct") and context is not None and field.protocol.upper() != context:
            needed = field.protocol.upper()
            self._reporter.error(
                "field-not-available",
                f"`{field.name}` is not available in {'an' if context in ('IP', 'ICMP') else 'a'} {context} context",
                span,
                help=f"put the test into a Filter::{needed} {{ }} block",
            )

    def condition(self, expression: ast.Expression, context: Protocol | None) -> model.Condition | None:
        """None when something in it is wrong; the rest of it has been checked all the same."""
        match expression:
            case ast.And() | ast.Or():
                operands = [self.condition(operand, context) for operand in expression.operands]
                good = tuple(operand for operand in operands if operand is not None)
                if len(good) < len(operands):
                    return None
                make = model.And if isinstance(expression, ast.And) else model.Or
                return make(good, expression.span)
            case ast.Not():
                inner = self.condition(expression.operand, context)
                return None if inner is None else model.Not(inner, expression.span)
            case ast.Test():
                return self._test(expression, context)
            case _:
                return self._bare(expression, context)

    def _bare(self, value: ast.Value, context: Protocol | None) -> model.Condition | None:
        found = self.operand(value, context)
        if found.sort is Sort.BAD:
            return None
        if found.sort is Sort.BOOL:
            if found.literal:
                self._warn_constant(bool(found.number), value.span)
            return model.Literal(bool(found.number), value.span)
        if found.field and found.field.type is FieldType.BOOL:
            return model.Compare(found.field, "==", 1, value.span)
        what = f"`{found.field.name}`" if found.field else found.what
        cure = advice.for_field(self._scope, found.field, found) if found.field else advice.as_condition(found)
        self._reporter.error("not-a-condition", f"{what} is neither true nor false", value.span, help=cure)
        return None

    def _test(self, test: ast.Test, context: Protocol | None) -> model.Condition | None:
        left = self.operand(test.left, context)
        right = self.operand(test.right, context)
        if test.operator == "in":
            return self._membership(test, left, right)
        sides = [self._check_scalar(left, f"write the set on the right: `… in {_short(left)}`")]
        sides.append(self._check_scalar(right, _WITH_SET.get(test.operator, _ONE_VALUE)))
        if not all(sides):
            return None
        if left.field and right.field:
            return self._compare_fields(test, left.field, right.field)
        if left.field:
            return self._compare(test, left.field, test.operator, right)
        if right.field:
            return self._compare(test, right.field, MIRROR[test.operator], left)
        return self._compare_constants(test, left, right)

    def _check_scalar(self, side: Value, cure: str) -> bool:
        if side.sort is Sort.BAD or not self._check_is_value(side):
            return False
        if side.sort in SETS:
            self._reporter.error("set-not-allowed", f"{side.what} cannot be compared this way", side.span, help=cure)
            return False
        return True

    def _check_is_value(self, side: Value) -> bool:
        if side.sort not in (Sort.FUNCTION, Sort.ELEMENT):
            return True
        message = f"`{side.span.text}` is {side.what}, not a value"
        self._reporter.error("not-a-value", message, side.span, help=advice.not_a_value(side))
        return False

    def _compare_fields(self, test: ast.Test, left: Field, right: Field) -> model.Condition | None:
        legal = between_fields(left.type, right.type)
        if test.operator in legal:
            return model.CompareFields(left, test.operator, right, test.span)
        if legal:
            self._refuse_operator(test, left)
        else:
            message = f"`{left.name}` and `{right.name}` are different kinds of fields"
            cure = "compare fields of one kind, as in `ip.saddr == ip.daddr`, or a field with a value"
            self._reporter.error("type-mismatch", message, test.span, help=cure)
        return None

    def _refuse_operator(self, test: ast.Test, field: Field) -> None:
        message = f"`{test.operator}` does not go with `{field.name}`: it has no order"
        self._reporter.error("type-mismatch", message, test.span, help="use == or !=")

    def _compare(self, test: ast.Test, field: Field, operator: str, constant: Value) -> model.Condition | None:
        legal = with_constant(field.type, constant.sort)
        if operator in legal:
            if not self._sets.check_width(constant, field):
                return None
            return model.Compare(field, operator, number_of(constant, self._ifaces), test.span)
        if legal & EQUAL:
            self._refuse_operator(test, field)
        elif constant.sort is Sort.IFACE and field.type is FieldType.ADDR:
            name = constant.span.text
            self._reporter.error(
                "not-a-value", f"`{name}` is an Iface, not an address", constant.span, help=f"write {name}.address"
            )
        else:
            message = f"`{field.name}` is compared with {wanted(field.type)}, not {constant.what}"
            cure = advice.for_field(self._scope, field, constant)
            self._reporter.error("type-mismatch", message, constant.span, help=cure)
        return None

    def _compare_constants(self, test: ast.Test, left: Value, right: Value) -> model.Condition | None:
        if test.operator not in between_constants(left.sort, right.sort):
            message = f"{left.what} and {right.what} cannot be compared with `{test.operator}`"
            cure = "one side is a packet field as a rule, as in `tcp.dport == 443`"
            self._reporter.error("type-mismatch", message, test.span, help=cure)
            return None
        truth = EVALUATE[test.operator](number_of(left, self._ifaces), number_of(right, self._ifaces))
        if left.literal and right.literal:
            self._warn_constant(truth, test.span)
        return model.Literal(truth, test.span)

    def _warn_constant(self, truth: bool, span: Span) -> None:
        word = "true" if truth else "false"
        cure = "remove the test, or give the value a name: a named constant is a switch"
        self._reporter.warning("constant-condition", f"this condition is always {word}", span, help=cure)

    def _membership(self, test: ast.Test, left: Value, right: Value) -> model.Condition | None:
        left_good = left.sort is not Sort.BAD and self._check_is_value(left)
        if left_good and left.sort in SETS:
            message = f"{left.what} cannot stand on the left of `in`"
            cure = "write the field on the left and the set on the right, as in `tcp.dport in [80, 443]`"
            self._reporter.error("set-not-allowed", message, left.span, help=cure)
            left_good = False
        if not self._check_set(right, left.field) or not left_good:
            return None
        if left.field:
            if "in" not in _any_set(left.field):
                message = f"`in` does not go with `{left.field.name}`"
                self._reporter.error("type-mismatch", message, test.span, help="use == or !=")
                return None
            leaves = self._sets.fit(right, left.field)
            return None if leaves is None else model.InSet(left.field, leaves, test.span)
        return self._constant_membership(test, left, right)

    def _check_set(self, right: Value, field: Field | None) -> bool:
        if right.sort in SETS:
            return True
        if right.sort in (Sort.IFACE, Sort.ELEMENT):
            message = f"`{right.span.text}` is no set of values"
            self._reporter.error("element-as-set", message, right.span, help=advice.not_a_set(field, right))
        elif right.sort is Sort.FUNCTION:
            self._check_is_value(right)
        elif right.sort is not Sort.BAD:
            message = f"`in` needs a set on its right, not {right.what}"
            self._reporter.error("not-a-set", message, right.span, help=advice.no_set(right))
        return False

    def _constant_membership(self, test: ast.Test, left: Value, right: Value) -> model.Condition | None:
        leaves = self._sets.leaves(right)
        if not leaves:
            self._reporter.error("empty-set", "this set is empty", right.span, help=EMPTY_SET)
            return None
        good = [leaf.sort is not Sort.BAD and self._check_constant_leaf(left, leaf) for leaf in leaves]
        if not all(good):
            return None
        self._sets.check_overlap(leaves, right.span)
        number = number_of(left, self._ifaces)
        ends = [bounds(leaf, self._ifaces) for leaf in leaves]
        truth = any(first <= number <= last for first, last in ends)
        if left.literal and right.literal and all(leaf.literal for leaf in leaves):
            self._warn_constant(truth, test.span)
        return model.Literal(truth, test.span)

    def _check_constant_leaf(self, left: Value, leaf: Value) -> bool:
        if not self._sets.check_is_value(leaf):
            return False
        if leaf.sort is Sort.ELEMENT or (leaf.sort is Sort.IFACE and left.sort is not Sort.IFACE):
            message = f"`{leaf.span.text}` is no set of values"
            self._reporter.error("element-as-set", message, leaf.span, help=advice.not_a_set(None, leaf))
            return False
        if "in" not in between_constants(left.sort, leaf.sort):
            message = f"{left.what} cannot be compared with {leaf.what}"
            cure = "the values of a set are of the kind that stands on the left"
            self._reporter.error("type-mismatch", message, leaf.span, help=cure)
            return False
        if leaf.sort is Sort.CIDR:
            self._sets.check_cidr(leaf)
        return True


def _any_set(field: Field) -> frozenset[str]:
    """`in` when there are sets for fields of this type."""
    return frozenset({"in"}) if field.type is not FieldType.BOOL else frozenset()
