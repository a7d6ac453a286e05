"""The decision IR: one graph per function, hash-consed, without cycles.

INVARIANT cover    a test's edges are sorted, disjoint and cover 0 .. 2**width - 1; neighbours differ in target.
INVARIANT forward  statement ids of effects, calls and leaves rise along every path: order of effects is source order.
INVARIANT guarded  fields of TCP, UDP and ICMP are tested only below the guard of their protocol.
INVARIANT shared   equal nodes of one graph are one node, so `is` decides equality.

Effects are nodes and calls are not inlined, so n independent logs or thirty doubling calls stay linear.
"""

from __future__ import annotations

from dataclasses import dataclass

from naclc.net.fields import Field
from naclc.pipeline.evaluation import Rewrite, Verdict
from naclc.semantics.model import Protocol


@dataclass(frozen=True, eq=False, slots=True)
class Edge:
    """Values first .. last, both included, lead to `target`."""

    first: int
    last: int
    target: Node


@dataclass(frozen=True, eq=False, slots=True)
class Test:
    """One field against sorted intervals. `statement` is the If (or set) it was made from."""

    field: Field
    edges: tuple[Edge, ...]
    statement: int


@dataclass(frozen=True, eq=False, slots=True)
class FieldTest:
    """Two fields against each other."""

    left: Field
    right: Field
    less: Node
    equal: Node
    greater: Node
    statement: int


@dataclass(frozen=True, eq=False, slots=True)
class Guard:
    """`inside` for packets of `protocol` (TCP, UDP or ICMP) that have their transport header (docs/language.md 8.3)."""

    protocol: Protocol
    inside: Node
    outside: Node
    statement: int


@dataclass(frozen=True, eq=False, slots=True)
class Effect:
    """Log, or send a message of `severity` 0 .. 7 to the syslog server, and go on. `severity` None: log."""

    parts: tuple[str | Field, ...]
    next: Node
    statement: int
    severity: int | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Call:
    """Run the graph of `function`; a verdict or rewrite there is one here, its end goes on at `next`."""

    function: str
    next: Node
    statement: int


@dataclass(frozen=True, eq=False, slots=True)
class Leaf:
    """A verdict, a `rewrite` (with END), or the end of the function. `statement` is NO_STATEMENT for the last."""

    verdict: Verdict
    statement: int
    rewrite: Rewrite | None = None

    @property
    def is_end(self) -> bool:
        """Whether a caller goes on after it."""
        return self.verdict is Verdict.END and self.rewrite is None


Node = Test | FieldTest | Guard | Effect | Call | Leaf


@dataclass(frozen=True, slots=True)
class Graph:
    function: str
    protocol: Protocol
    root: Node


@dataclass(frozen=True, slots=True)
class Graphs:
    """One graph per function of the pipeline, in its order: callees before callers."""

    graphs: dict[str, Graph]
