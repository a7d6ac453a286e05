"""What the keys of classifiers stand for: rules and tests of a plan's steps as sets of key values.

A packet has one value of each key. A test that a step makes says something about one key; so a conjunction of tests
is a *box*: for each key it mentions, the values it leaves. Keys are taken as independent of each other, which allows
for more packets than there are, and so for no wrong proof.
"""

from __future__ import annotations

from naclc.codegen.classifier import DESTINATION_PORT, PROTOCOL, SOURCE_PORT, Key, Tests
from naclc.codegen.unit import CompareStep, GuardStep, MemberStep, Table
from naclc.net.fields import FIELDS, PROTOCOL_NUMBERS
from naclc.validate.outcome import Difference, Differs
from naclc.validate.spans import Spans, common, is_within, shifted, spans, union_of_apart, without

Box = dict[str, Spans]
KeyTest = CompareStep | MemberStep | GuardStep

_SHARED = {  # fields that lie at one place behind the IP header, whatever the protocol
    "tcp.sport": "source port",
    "udp.sport": "source port",
    "tcp.dport": "destination port",
    "udp.dport": "destination port",
}
_OCTET = 256


def size_of(key: Key) -> int:
    """How many values `key` has. Raises Differs when there is no such key."""
    field = FIELDS.get(key.name)
    known = field is not None and field.width == key.width and key.name not in _SHARED and key.name != "ip.protocol"
    if not known and key not in (SOURCE_PORT, DESTINATION_PORT, PROTOCOL):
        raise Differs(Difference("", f"tables: there is no key {key.name} of {key.width} bits"))
    return 1 << key.width


def box_of(tests: Tests) -> Box:
    """Raises Differs when `tests` are none."""
    box: Box = {}
    for key, inside in tests:
        places = spans(inside, size_of(key))
        if not places or key.name in box:
            raise Differs(Difference("", f"tables: a rule or claim tests {key.name} for {inside}"))
        box[key.name] = places
    return box


def values_of(step: KeyTest, tables: tuple[Table, ...]) -> tuple[str, Spans, Spans]:
    """The key that `step` tests, the values that go to `then`, and those that go to `otherwise`."""
    if isinstance(step, GuardStep):
        number = _OCTET + PROTOCOL_NUMBERS[step.protocol]
        return PROTOCOL.name, (number, number + 1), without((number, number + 1), 2 * _OCTET)
    places, size = _values(step, tables), 1 << step.field.width
    if step.field.name == "ip.protocol":
        places = union_of_apart(places, shifted(places, _OCTET))
        return PROTOCOL.name, places, without(places, 2 * _OCTET)
    return _SHARED.get(step.field.name, step.field.name), places, without(places, size)


def _values(step: CompareStep | MemberStep, tables: tuple[Table, ...]) -> Spans:
    size = 1 << step.field.width
    if isinstance(step, MemberStep):
        return tuple(place for first, last in tables[step.table].intervals for place in (first, last + 1))
    match step.operator:
        case "==":
            return step.value, step.value + 1
        case "!=":
            return without((step.value, step.value + 1), size)
        case "<=":
            return 0, step.value + 1
        case ">=":
            return step.value, size
        case _:
            raise AssertionError(f"no such operator: {step.operator}")


def narrowed(box: Box, key: str, places: Spans) -> Box | None:
    """Those of `box` whose `key` is in `places`; None when there are none."""
    left = common(box[key], places) if key in box else places
    return {**box, key: left} if left else None


def are_apart(one: Box, other: Box) -> bool:
    """Whether no packet is in both."""
    return any(key in other and not common(places, other[key]) for key, places in one.items())


def covers(outer: Box, inner: Box) -> bool:
    """Whether all packets of `inner` are in `outer`."""
    return all(key in inner and is_within(inner[key], places) for key, places in outer.items())
