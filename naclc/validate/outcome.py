"""What translation validation says."""

from __future__ import annotations

from dataclasses import dataclass, field

from naclc.pipeline.evaluation import NO_STATEMENT


@dataclass(frozen=True, slots=True)
class Proved:
    """The plan does what the rules say, for every packet. `nodes` is how large the BDD became."""

    nodes: int


@dataclass(frozen=True, slots=True)
class OverBudget:
    """The proof did not fit into `max_nodes` BDD nodes, and nothing is known of the plan's steps. `classifiers`: but
    that those do what the steps do that they stand for."""

    max_nodes: int
    classifiers: bool = True


@dataclass(frozen=True, slots=True)
class Difference:
    """The plan does not do what the rules say: a fault of the compiler.

    `function` is empty when the chains differ. `statement` is NO_STATEMENT where it is the shape of the plan that is
    wrong, or the end of the function. `packet` gives values of the fields that matter, by name; empty where the
    difference is not about a packet. `line` is that of the statement in the source, from 1, where it is known.
    """

    function: str
    what: str
    statement: int = NO_STATEMENT
    packet: dict[str, int] = field(default_factory=dict)
    line: int | None = None

    def __str__(self) -> str:
        where = f"`{self.function}`: " if self.function else ""
        number = f"statement {self.statement}" + (f" in line {self.line}" if self.line else "")
        place = f" ({number})" if self.statement != NO_STATEMENT else ""
        packet = ", ".join(f"{name} {value}" for name, value in self.packet.items())
        return f"{where}{self.what}{place}" + (f"; for example {packet}" if packet else "")


class Differs(Exception):
    """Ends a proof that has failed; `difference` says why."""

    def __init__(self, difference: Difference) -> None:
        super().__init__(str(difference))
        self.difference = difference
