"""Going through a graph: every node once, without recursion."""

from __future__ import annotations

from naclc.decision.graph import Call, Effect, FieldTest, Guard, Leaf, Node, Test


def successors(node: Node) -> tuple[Node, ...]:
    """The nodes one step further, in the order of the node's ways out; a node may stand there twice."""
    match node:
        case Test():
            return tuple(edge.target for edge in node.edges)
        case FieldTest():
            return node.less, node.equal, node.greater
        case Guard():
            return node.inside, node.outside
        case Effect() | Call():
            return (node.next,)
        case Leaf():
            return ()


def topological(root: Node) -> list[Node]:
    """All nodes, each before its successors; the same order for equal graphs."""
    done: list[Node] = []
    seen = {id(root)}
    path = [(root, iter(_last_first(root)))]
    while path:
        node, rest = path[-1]
        for successor in rest:
            if id(successor) not in seen:
                seen.add(id(successor))
                path.append((successor, iter(_last_first(successor))))
                break
        else:
            done.append(node)
            path.pop()
    done.reverse()
    return done


def _last_first(node: Node) -> tuple[Node, ...]:
    """The first way out is visited last, so that it comes first where the order leaves a choice."""
    return successors(node)[::-1]
