"""Where a long function is cut into several C++ functions.

A part is a block and what it dominates, up to the next parts; control passes to a part only at its first block, so a
way out is a call in return position. Parts are filled in the order of the plan, and cut between statements of the
policy where that is possible.

INVARIANT entered   an edge from one part to another leads to the other's first block.
"""

from __future__ import annotations

from collections.abc import Mapping

from naclc.codegen.branches import Block
from naclc.codegen.dominators import targets
from naclc.codegen.unit import ReturnStep

_PART = 128  # blocks; a statement may make it up to twice as many


def part_starts(blocks: Mapping[int, Block], dominators: Mapping[int, int]) -> list[int]:
    """The first blocks of the parts, in order; block 0 is the first."""
    part = {0: 0}
    size = {0: 1}
    sources: dict[int, list[int]] = {}
    for number in sorted(blocks):
        if number != 0:
            if number not in dominators or isinstance(blocks[number], ReturnStep):
                continue  # a return stands wherever it is reached
            home = part[dominators[number]]
            if any(part[source] != home for source in sources[number]) or _is_full(size[home], number, sources, blocks):
                home = number
            part[number] = home
            size[home] = size.get(home, 0) + 1
        for target in targets(blocks[number]):
            sources.setdefault(target, []).append(number)
    return sorted(size)


def _is_full(size: int, number: int, sources: Mapping[int, list[int]], blocks: Mapping[int, Block]) -> bool:
    begins_statement = any(blocks[source].statement != blocks[number].statement for source in sources[number])
    return size >= 2 * _PART or (size >= _PART and begins_statement)
