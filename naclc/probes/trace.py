"""Decision graphs laid out flat, to be walked by packets many times over.

The same walk as naclc.decision.evaluate, without log text, and with a note of each way taken. A field is read once a
packet, not once a test.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from naclc.decision.evaluate import has_header, read
from naclc.decision.graph import Call, Effect, FieldTest, Guard, Leaf, Test
from naclc.net.fields import Field
from naclc.pipeline.evaluation import NO_STATEMENT, Decision, Evaluator, Facts, Verdict
from naclc.probes.edges import Way, Ways
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
    """All functions, one after the other in one list; `start` is where each begins."""

    def __init__(self, ways: Ways) -> None:
        self._places: list[_Branch | _Jump | Leaf] = []
        self._start: dict[str, int] = {}
        self._protocols = ways.protocols
        self._entries: dict[str, Way] = {name: way for name in ways.nodes if (way := ways.entry(name))}
        for function, nodes in ways.nodes.items():
            base = self._start[function] = len(self._places)
            place = {id(node): base + number for number, node in enumerate(nodes)}
            for number, node in enumerate(nodes):
                match node:
                    case Leaf():
                        self._places.append(node)
                        continue
                    case Effect():
                        self._places.append(_Jump(place[id(node.next)], None))
                        continue
                    case Call():
                        self._places.append(_Jump(place[id(node.next)], node.function))
                        continue
                    case Test():
                        subject: Field | tuple[Field, Field] | Protocol = node.field
                        firsts, out = tuple(edge.first for edge in node.edges), [edge.target for edge in node.edges]
                    case FieldTest():
                        subject, firsts, out = (node.left, node.right), (), [node.less, node.equal, node.greater]
                    case Guard():
                        subject, firsts, out = node.protocol, (), [node.outside, node.inside]
                targets = tuple(place[id(target)] for target in out)
                numbers = (1, 0) if isinstance(node, Guard) else range(len(out))
                self._places.append(_Branch(subject, firsts, targets, tuple((function, number, n) for n in numbers)))

    def walk(self, function: str, facts: Facts) -> tuple[Decision, list[Taken]]:
        """What `function` decides, without the log, and the ways on which the packet got there."""
        taken: list[Taken] = []
        protocol = self._protocols[function]
        if protocol is not Protocol.IP and not has_header(protocol, facts.packet):
            return Decision(Verdict.END, NO_STATEMENT), taken
        values: dict[Field | Protocol, int] = {}
        returns: list[tuple[int, str]] = []  # where to go on, and after which function
        ended: set[str] = set()  # functions that let this packet through to their end, and would again
        at = self._start[function]
        if function in self._entries:
            taken.append((self._entries[function], None))
        while True:
            place = self._places[at]
            if isinstance(place, _Branch):
                way, value = _choose(place, facts, values)
                taken.append((place.ways[way], value))
                at = place.targets[way]
            elif isinstance(place, _Jump):
                at = place.target
                if place.callee is not None and place.callee not in ended:
                    returns.append((place.target, place.callee))
                    at = self._start[place.callee]
                    if place.callee in self._entries:
                        taken.append((self._entries[place.callee], None))
            elif place.is_end and returns:
                at, callee = returns.pop()
                ended.add(callee)
            else:
                return Decision(place.verdict, place.statement, rewrite=place.rewrite), taken


def _choose(branch: _Branch, facts: Facts, values: dict[Field | Protocol, int]) -> tuple[int, int | None]:
    """The number of the way out, and the value of a Goal."""
    subject = branch.subject
    if isinstance(subject, Field):
        value = values.get(subject)
        if value is None:
            value = values[subject] = read(subject, facts)
        return bisect_right(branch.firsts, value) - 1, value
    if isinstance(subject, Protocol):
        there = values.get(subject)
        if there is None:
            there = values[subject] = int(has_header(subject, facts.packet))
        return there, None
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
            self._seen.update(way for way, _ in self._tracer.walk(function, facts)[1])
        return self._evaluate(function, facts)

    def count(self) -> tuple[int, int]:
        """(ways taken, all ways)."""
        return len(self._seen), len(self._all)
