"""Tests of one `if` back into one condition: `a or b` is two steps of the plan and one line of C++.

Before   1 if A then 5 else 2        After   1 if A || B then 5 else 3
         2 if B then 5 else 3

Preserves  where every packet goes: a step is merged only into the one step that leads to it, and the operands keep
           their order.
"""

from __future__ import annotations

from dataclasses import dataclass

from naclc.codegen.expression import TestStep, condition, negated
from naclc.codegen.unit import CallStep, ClassifyStep, LogStep, ReturnStep, Step, Table

_LONGEST = 12  # operands of one condition


@dataclass(frozen=True, slots=True)
class Compound:
    """`operands` joined by `joint`, which is || or &&."""

    joint: str
    operands: tuple[Operand, ...]

    def opposite(self) -> Compound:
        """De Morgan: every operand negated, the other joint."""
        return Compound("&&" if self.joint == "||" else "||", tuple(map(_opposite, self.operands)))

    def pieces(self) -> list[str]:
        """The condition as C++, in pieces between which a line may end: `a &&`, `(b ||`, `c)`."""
        pieces: list[str] = []
        for number, operand in enumerate(self.operands):
            inner = [operand] if isinstance(operand, str) else operand.pieces()
            if not isinstance(operand, str):
                inner = [f"({inner[0]}", *inner[1:-1], f"{inner[-1]})"]
            if number + 1 < len(self.operands):
                inner[-1] += f" {self.joint}"
            pieces += inner
        return pieces


Operand = str | Compound


@dataclass(frozen=True, slots=True)
class Branch:
    condition: Compound
    then: int
    otherwise: int
    statement: int


Block = Branch | ClassifyStep | LogStep | CallStep | ReturnStep


def merge(steps: tuple[Step, ...], tables: tuple[Table, ...]) -> tuple[dict[int, Block], list[int]]:
    """The blocks that remain, by step number, and for each step how many edges of remaining blocks lead to it."""
    blocks: dict[int, Block] = {}
    references = _references(steps)
    for number in range(len(steps) - 1, -1, -1):
        step = steps[number]
        if isinstance(step, ClassifyStep | LogStep | CallStep | ReturnStep):
            blocks[number] = step
            continue
        branch = _branch(step, tables)
        while (grown := _absorb(branch, blocks, references)) is not None:
            branch = grown
        blocks[number] = branch
    return {number: _in_source_order(block, blocks) for number, block in blocks.items()}, references


def _references(steps: tuple[Step, ...]) -> list[int]:
    references = [0] * len(steps)
    for step in steps:
        for target in _targets(step):
            references[target] += 1
    return references


def _targets(step: Step) -> tuple[int, ...]:
    if isinstance(step, ReturnStep):
        return ()
    if isinstance(step, LogStep | CallStep):
        return (step.next,)
    if isinstance(step, ClassifyStep):
        return (*step.targets, *step.targets, step.otherwise, step.otherwise)  # all have labels, as where paths meet
    return step.then, step.otherwise


def _branch(step: TestStep, tables: tuple[Table, ...]) -> Branch:
    return Branch(Compound("||", tuple(condition(step, tables))), step.then, step.otherwise, step.statement)


def _absorb(branch: Branch, blocks: dict[int, Block], references: list[int]) -> Branch | None:
    """`branch` with one of the branches it leads to taken into its condition, or None."""
    for target, joint in ((branch.otherwise, "||"), (branch.then, "&&")):
        other = blocks.get(target)
        shared, rest = (branch.then, branch.otherwise) if joint == "||" else (branch.otherwise, branch.then)
        if (
            not isinstance(other, Branch)
            or references[target] != 1
            or other.statement != branch.statement
            or shared not in (other.then, other.otherwise)
            or _length(branch.condition) + _length(other.condition) > _LONGEST
        ):
            continue
        # In `a || b`, what both lead to is where b is true; in `a && b`, where b is false.
        if shared != (other.then if joint == "||" else other.otherwise):
            other = flipped(other)
        grown = Compound(joint, (*_operands(branch.condition, joint), *_operands(other.condition, joint)))
        references[shared] -= 1
        references[rest] = 0
        del blocks[rest]
        if joint == "||":
            return Branch(grown, shared, other.otherwise, branch.statement)
        return Branch(grown, other.then, shared, branch.statement)
    return None


def _length(condition: Compound) -> int:
    return sum(1 if isinstance(operand, str) else _length(operand) for operand in condition.operands)


def _operands(condition: Compound, joint: str) -> tuple[Operand, ...]:
    """`condition` as operands of `joint`."""
    if condition.joint == joint or len(condition.operands) == 1:
        return condition.operands
    return (condition,)


def flipped(branch: Branch) -> Branch:
    """The same branch with the opposite condition."""
    return Branch(branch.condition.opposite(), branch.otherwise, branch.then, branch.statement)


def _opposite(operand: Operand) -> Operand:
    return negated(operand) if isinstance(operand, str) else operand.opposite()


def _in_source_order(block: Block, blocks: dict[int, Block]) -> Block:
    """What the user wrote first becomes the `then` part: the rest of the function is not nested in it."""
    if not isinstance(block, Branch):
        return block
    then, otherwise = blocks[block.then], blocks[block.otherwise]
    if otherwise.statement >= 0 and (then.statement < 0 or otherwise.statement < then.statement):
        return flipped(block)
    return block
