"""The rules as written: for each statement of a function, the packets that reach it.

A body is flattened into a tape that keeps one set, the packets that are here, and a stack of those that went the
other way: `if (c) { x } else { y }` is split c, x, other, y, join. So nothing recurses, however deep rules nest.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING

from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.model import Accept, Block, Call, Condition, Drop, Function, If, Log, Statement
from naclc.validate.atoms import Atoms
from naclc.validate.space import Space

if TYPE_CHECKING:
    from oxidd.bdd import BDDFunction


@dataclass(frozen=True, slots=True)
class Reach:
    """`sites` gives the packets that reach each log, call and verdict, by statement id; `end` those that reach the
    end of the function. Only packets the function is run for are counted."""

    sites: dict[int, BDDFunction]
    end: BDDFunction


class _Mark(Enum):
    OTHER = auto()  # go on with the packets that were split off
    JOIN = auto()


class Rules:
    """`reach` is asked once a function, callees before callers."""

    def __init__(self, pipeline: Pipeline, space: Space) -> None:
        self._pipeline = pipeline
        self._space = space
        self._atoms = Atoms(space)
        self.ends: dict[str, BDDFunction] = {}  # of the functions asked so far: the packets that reach their end

    def entry(self, function: Function) -> BDDFunction:
        return self._atoms.guard(function.protocol)

    def reach(self, function: Function) -> Reach:
        here = self.entry(function)
        apart: list[BDDFunction] = []
        sites: dict[int, BDDFunction] = {}
        for item in _tape(function.body):
            match item:
                case If():
                    here = self._split(here, item.condition, apart)
                case Block(protocol):
                    inside = self._atoms.guard(protocol)
                    apart.append(here & ~inside)
                    here = here & inside
                case _Mark.OTHER:
                    here, apart[-1] = apart[-1], here
                case _Mark.JOIN:
                    here = here | apart.pop()
                case Call(callee):
                    inside = self._atoms.guard(self._pipeline.functions[callee].protocol)
                    sites[item.id] = here & inside
                    here = here & (~inside | self.ends[callee])
                case Log():
                    sites[item.id] = here
                case Accept() | Drop():
                    sites[item.id] = here
                    here = self._space.false
        self.ends[function.name] = here
        return Reach(sites, here)

    def _split(self, here: BDDFunction, condition: Condition, apart: list[BDDFunction]) -> BDDFunction:
        if not here.satisfiable():
            apart.append(here)
            return here
        chosen = self._atoms.condition(condition)
        apart.append(here & ~chosen)
        return here & chosen


def _tape(body: tuple[Statement, ...]) -> list[Statement | _Mark]:
    tape: list[Statement | _Mark] = []
    waiting: list[Statement | _Mark] = list(reversed(body))
    while waiting:
        item = waiting.pop()
        tape.append(item)
        match item:
            case If(_, then, otherwise):
                waiting += [_Mark.JOIN, *reversed(otherwise), _Mark.OTHER, *reversed(then)]
            case Block(_, inner):
                waiting += [_Mark.JOIN, *reversed(inner)]
    return tape


def statements_of(function: Function) -> dict[int, Statement]:
    """All statements of a function by id, nested ones too, in source order."""
    return {item.id: item for item in _tape(function.body) if not isinstance(item, _Mark)}
