"""Immediate dominators of a graph without cycles whose edges lead to higher numbers.

A node is dominated by another if every way from node 0 to it passes through the other.
"""

from __future__ import annotations

from collections.abc import Mapping

from naclc.codegen.branches import Block, Branch
from naclc.codegen.unit import ClassifyStep, ReturnStep
from naclc.decision.dominance import DominatorTree


def dominators(blocks: Mapping[int, Block]) -> dict[int, int]:
    """The immediate dominator of every block that can be reached from block 0, without block 0 itself."""
    tree = DominatorTree()
    common: dict[int, int] = {}
    for number in sorted(blocks):
        if number != 0:
            if number not in common:
                continue  # nothing leads to it
            tree.add(number, common[number])
        for target in targets(blocks[number]):
            common[target] = tree.common(common[target], number) if target in common else number
    return common


def targets(block: Block) -> tuple[int, ...]:
    if isinstance(block, Branch):
        return block.then, block.otherwise
    if isinstance(block, ReturnStep):
        return ()
    if isinstance(block, ClassifyStep):
        return (*block.targets, block.otherwise)
    return (block.next,)
