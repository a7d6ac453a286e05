"""The rules as written: for each statement of a function, the packets that reach it.

A body is flattened into a tape that keeps one set, the packets that are here, and a stack of those that went the
other way: `if (c) { x } else { y }` is split c, x, other, y, join. So nothing recurses, however deep rules nest.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from naclc.pipeline.pipeline import Pipeline
from naclc.semantics.model import (
    Accept,
    Block,
    Call,
    Condition,
    Dnat,
    Drop,
    Function,
    If,
    Log,
    Snat,
    Statement,
    Syslog,
)
from naclc.validate.atoms import Atoms
from naclc.validate.flow import ENTRY, Flow, Reach, both, flow, only
from naclc.validate.space import Space

if TYPE_CHECKING:
    from oxidd.bdd import BDDFunction

_SEGMENT = 32  # Ifs between one cut and the next


class _Mark(Enum):
    OTHER = auto()  # go on with the packets that were split off
    JOIN = auto()


class Rules:
    """With `cutting`, long bodies are cut into segments, each judged for all packets, whether they come there or not.

    `ends` gives, for each function that `reach` was asked about, the packets that come to its end: exactly, or with
    `cutting` as a set of which nothing is known.
    """

    def __init__(self, pipeline: Pipeline, space: Space, *, cutting: bool) -> None:
        self._pipeline = pipeline
        self._space = space
        self._atoms = Atoms(space)
        self._cutting = cutting
        self.ends: dict[str, BDDFunction] = {}

    def entry(self, function: Function) -> BDDFunction:
        """The packets that `function` is run for."""
        return self._atoms.guard(function.protocol)

    def reach(self, function: Function) -> Reach:
        """To be asked once a function, callees before callers."""
        here = flow(ENTRY, self.entry(function))
        apart: list[Flow] = []
        reach = Reach({}, {}, {})
        ifs = 0
        for item in _tape(function.body):
            match item:
                case If():
                    ifs += 1
                    if self._cutting and ifs % _SEGMENT == 0 and here:
                        reach.cuts[item.id] = here
                        here = flow(item.id, self._space.true)
                    here = self._split(here, item.condition, apart)
                case Block(protocol):
                    inside = self._atoms.guard(protocol)
                    apart.append(only(here, ~inside))
                    here = only(here, inside)
                case _Mark.OTHER:
                    here, apart[-1] = apart[-1], here
                case _Mark.JOIN:
                    here = both(here, apart.pop())
                case Call(callee):
                    inside = self._atoms.guard(self._pipeline.functions[callee].protocol)
                    reach.sites[item.id] = only(here, inside)
                    here = only(here, ~inside | self.ends[callee])
                case Log() | Syslog():
                    reach.sites[item.id] = here
                case Accept() | Drop() | Dnat() | Snat():
                    reach.sites[item.id] = here
                    here = {}
        self.ends[function.name] = self._end(function, here)
        return Reach(reach.sites, reach.cuts, here)

    def _split(self, here: Flow, condition: Condition, apart: list[Flow]) -> Flow:
        if not here:
            apart.append(here)
            return here
        chosen = self._atoms.condition(condition)
        apart.append(only(here, ~chosen))
        return only(here, chosen)

    def _end(self, function: Function, here: Flow) -> BDDFunction:
        if self._cutting and here:
            return self._space.unknown(function.name)
        return here.get(ENTRY, self._space.false)


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
