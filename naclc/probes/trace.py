"""Decision graphs laid out flat, to be walked by packets many times over.

The same walk as naclc.decision.evaluate, without log text, and with a note of the ways taken. A field is read once a
packet, not once a test.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

from naclc.decision.evaluate import has_header, read
from naclc.decision.graph import Call, Effect, FieldTest, Guard, Leaf, Node, Test
from naclc.decision.walk import successors
from naclc.net.fields import Field
from naclc.pipeline.evaluation import NO_STATEMENT, Decision, Evaluator, Facts, Verdict
from naclc.probes.edges import Way, Ways
from naclc.probes.skip import Skips
from naclc.semantics.model import Protocol

Taken = tuple[Way, int | None]  # a way, and the value of a Goal that took it


@dataclass(frozen=True, slots=True)
class _Branch:
    """`subject` says by what it branches; `firsts`: the first value of each edge of a Test. `targets`, `ways`: where
    each way out leads, as a place in the layout, and which it is."""

    subject: Field | tuple[Field, Field] | Protocol
    firsts: tuple[int, ...]
    targets: tuple[int, ...]
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True)
class _Jump:
    """Go on at `target`; first run the function at `callee`, if there is one."""

    target: int
    callee: str | None


class Tracer:
    """The graphs of all functions, and what in them a packet does not stop at."""

    def __init__(self, ways: Ways) -> None:
        self._branches: dict[str, list[_Branch | _Jump | Leaf]] = {}
        self._protocols = ways.protocols
        self._nodes = ways.nodes
        self._skips: dict[tuple[str, Protocol | None], Skips] = {}
        self._entries: dict[str, Way] = {name: way for name in ways.nodes if (way := ways.entry(name))}
        for function, nodes in ways.nodes.items():
            place = {id(node): number for number, node in enumerate(nodes)}
            self._branches[function] = [_laid_out(function, number, node, place) for number, node in enumerate(nodes)]

    def walk(self, function: str, facts: Facts, stop: Way | None = None) -> tuple[Decision, list[Taken]]:
        """What `function` decides, without the log, and the ways on which the packet got there.

        Usual ways are told only where a packet's value lies at a boundary, and at the test of `stop`.
        """
        return self._walk(function, facts, stop[:2] if stop else None, everything=False)[:2]

    def visits(self, function: str, facts: Facts, place: tuple[str, int]) -> bool:
        """Whether the packet, sent through `function`, comes to the node of that function and number."""
        return self._walk(function, facts, place, everything=False)[2]

    def walk_all(self, function: str, facts: Facts) -> list[Taken]:
        """All ways that the packet takes through `function`."""
        return self._walk(function, facts, None, everything=True)[1]

    def _skipping(self, function: str, protocol: Protocol | None) -> Skips:
        if (function, protocol) not in self._skips:
            self._skips[function, protocol] = Skips(self._nodes[function], protocol)
        return self._skips[function, protocol]

    def _walk(
        self, function: str, facts: Facts, stop: tuple[str, int] | None, everything: bool
    ) -> tuple[Decision, list[Taken], bool]:
        """Also: whether the packet came to the node `stop`."""
        taken: list[Taken] = []
        values = _Values(facts)
        if self._protocols[function] not in (Protocol.IP, values.protocol):
            return Decision(Verdict.END, NO_STATEMENT), taken, False
        returns: list[tuple[str, int, str]] = []  # where to go on, and after which function
        ended: set[str] = set()  # functions that let this packet through to their end, and would again
        stops: dict[str, int] = {}
        at, met = 0, False
        if function in self._entries:
            taken.append((self._entries[function], None))
        while True:
            if function not in stops:
                stops[function] = -1 if everything else self._skipping(function, values.protocol).of(values.of)
                if stop is not None and stop[0] == function and stop[1] >= 0:
                    stops[function] |= 1 << stop[1]
            if not everything:
                at = self._skipping(function, values.protocol).next(at, stops[function])
            met = met or (function, at) == stop
            place = self._branches[function][at]
            if isinstance(place, _Branch):
                way, value = _choose(place, facts, values)
                taken.append((place.ways[way], value))
                at = place.targets[way]
            elif isinstance(place, _Jump):
                at = place.target
                if place.callee is not None and place.callee not in ended:
                    returns.append((function, place.target, place.callee))
                    function, at = place.callee, 0
                    if function in self._entries:
                        taken.append((self._entries[function], None))
            elif place.is_end and returns:
                function, at, callee = returns.pop()
                ended.add(callee)
            else:
                return Decision(place.verdict, place.statement, rewrite=place.rewrite), taken, met


def _laid_out(function: str, number: int, node: Node, place: Mapping[int, int]) -> _Branch | _Jump | Leaf:
    match node:
        case Leaf():
            return node
        case Effect():
            return _Jump(place[id(node.next)], None)
        case Call():
            return _Jump(place[id(node.next)], node.function)
        case Test():
            subject: Field | tuple[Field, Field] | Protocol = node.field
            firsts = tuple(edge.first for edge in node.edges)
        case FieldTest():
            subject, firsts = (node.left, node.right), ()
        case Guard():
            subject, firsts = node.protocol, ()
    targets = tuple(place[id(target)] for target in successors(node))
    return _Branch(subject, firsts, targets, tuple((function, number, way) for way in range(len(targets))))


class _Values:
    """The fields of one packet, each read once. `protocol`: whose transport header it has."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._known: dict[Field, int] = {}
        transports = (Protocol.TCP, Protocol.UDP, Protocol.ICMP)
        self.protocol = next((each for each in transports if has_header(each, facts.packet)), None)

    def of(self, field: Field) -> int:
        value = self._known.get(field)
        if value is None:
            value = self._known[field] = read(field, self._facts)
        return value


def _choose(branch: _Branch, facts: Facts, values: _Values) -> tuple[int, int | None]:
    """The number of the way out, and the value of a Goal."""
    subject = branch.subject
    if isinstance(subject, Field):
        value = values.of(subject)
        return bisect_right(branch.firsts, value) - 1, value
    if isinstance(subject, Protocol):
        return int(subject is not values.protocol), None
    difference = read(subject[0], facts) - read(subject[1], facts)
    return (difference > 0) - (difference < 0) + 1, difference


class Recorder:
    """An evaluator that also notes the ways that packets take."""

    def __init__(self, ways: Ways, evaluate: Evaluator) -> None:
        self._tracer = Tracer(ways)
        self._evaluate = evaluate
        self._all = frozenset(ways.all())
        self._seen: set[Way] = set()

    def __call__(self, function: str, facts: Facts) -> Decision:
        if len(self._seen) < len(self._all):
            self._seen.update(way for way, _ in self._tracer.walk_all(function, facts))
        return self._evaluate(function, facts)

    def count(self) -> tuple[int, int]:
        """(ways taken, all ways)."""
        return len(self._seen), len(self._all)
