"""Which packets get to each node of a decision graph, when a given set of packets enters it. Exact.

entering(root) = the set given
entering(target) ∪= entering(test) ∩ the values of the edge
entering(after a call) = what the called function lets through to its end
"""

from __future__ import annotations

from dataclasses import dataclass, field

from naclc.decision.graph import Call, Effect, FieldTest, Guard, Leaf, Node, Test
from naclc.decision.trampoline import Work, run
from naclc.pipeline.evaluation import Verdict
from naclc.probes.edges import Way, Ways
from naclc.probes.sets import OverBudget, Set, Space

_MAX_VISITS = 400_000  # nodes looked at for one place


@dataclass(slots=True)
class Through:
    """What became of the packets that entered a function; `rewriting` by the leaf that does it."""

    accepted: Set
    ended: Set
    rewriting: list[tuple[Leaf, Set]] = field(default_factory=list)


@dataclass(slots=True)
class Reach:
    """The packets that take each way, of those that entered, over all calls together."""

    taking: dict[Way, Set] = field(default_factory=dict)
    visits: int = 0


def enter(ways: Ways, space: Space, function: str, packets: Set, reach: Reach) -> Through:
    """Send `packets` through `function`; what takes each way is added to `reach`.

    Raises:
        OverBudget: too many calls with different packets.
    """
    return run(_enter(ways, space, function, packets, reach, {}))


def _enter(
    ways: Ways, space: Space, function: str, packets: Set, reach: Reach, known: dict[tuple[str, Set], Through]
) -> Work[Through]:
    if (function, packets) in known:
        return known[function, packets]
    nodes = ways.nodes[function]
    entering: dict[int, Set] = {id(nodes[0]): packets}
    entry = ways.entry(function)
    if entry is not None:
        reach.taking[entry] = reach.taking.get(entry, space.none) | packets
    result = Through(space.none, space.none)
    for number, node in enumerate(nodes):
        here = entering.get(id(node), space.none)
        if not here.satisfiable():
            continue
        reach.visits += 1
        if reach.visits > _MAX_VISITS:
            raise OverBudget
        if isinstance(node, Leaf):
            if node.is_end:
                result.ended = result.ended | here
            elif node.rewrite is not None:
                result.rewriting.append((node, here))
            elif node.verdict is not Verdict.DROP:  # the next function of the chain sees it
                result.accepted = result.accepted | here
        elif isinstance(node, Call):
            through = yield _enter(ways, space, node.function, here, reach, known)
            result.accepted = result.accepted | through.accepted
            result.rewriting += through.rewriting
            _add(entering, node.next, through.ended, space)
        elif isinstance(node, Effect):
            _add(entering, node.next, here, space)
        else:
            for way, (target, part) in enumerate(_parts(node, space)):
                going = here & part
                key = (function, number, way)
                reach.taking[key] = reach.taking.get(key, space.none) | going
                _add(entering, target, going, space)
    known[function, packets] = result
    return result


def _add(entering: dict[int, Set], node: Node, packets: Set, space: Space) -> None:
    entering[id(node)] = entering.get(id(node), space.none) | packets


def part(node: Node, way: int, space: Space) -> Set:
    """The packets that leave `node` by that way; all where there is but one."""
    if isinstance(node, Test):
        return space.between(node.field.name, node.edges[way].first, node.edges[way].last)
    return _parts(node, space)[way][1] if isinstance(node, FieldTest | Guard) else space.all


def _parts(node: Test | FieldTest | Guard, space: Space) -> list[tuple[Node, Set]]:
    """The ways out of `node`, each with the packets that take it."""
    if isinstance(node, Test):
        return [(edge.target, space.between(node.field.name, edge.first, edge.last)) for edge in node.edges]
    if isinstance(node, FieldTest):
        less, equal = space.symbols.against(node.left, node.right)
        return [(node.less, less), (node.equal, equal), (node.greater, ~less & ~equal)]
    inside = space.symbols.guard(node.protocol)
    return [(node.inside, inside), (node.outside, ~inside)]
