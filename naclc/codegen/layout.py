"""The steps of a function as C++ statements: nested ifs where a tree suffices, labels where paths meet again.

Every path ends in a return or a goto, so an if needs no else. A block that several edges lead to stands once, after
the block that all ways to it pass through (its immediate dominator), and most ways reach it by falling through.

A long function becomes several C++ functions that end in calls of each other (naclc.codegen.parts): compilers take
more than linear time for one function.

INVARIANT nesting   no statement stands deeper than _DEEPEST brackets; what would is moved to the end of the function.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from naclc.codegen.branches import Block, Branch, flipped, merge
from naclc.codegen.dominators import dominators
from naclc.codegen.expression import log_calls
from naclc.codegen.parts import part_starts
from naclc.codegen.unit import CallStep, ClassifyStep, FunctionPlan, LogStep, ReturnStep, Step, Table
from naclc.decision.trampoline import Work, run
from naclc.pipeline.evaluation import NO_STATEMENT

_DEEPEST = 24
_WIDTH = 110


@dataclass(slots=True)
class _Line:
    depth: int
    text: str
    label: int | None = None  # a label, kept only when some goto names it


@dataclass(frozen=True, slots=True)
class Names:
    """What stands in the text beside the plan: `callees` are what calls of functions name, by their number; `rewrites`
    the numbers in the table of rewrites by statement; `comment` and `line` tell where a statement of the policy stands,
    or None."""

    callees: tuple[str, ...]
    rewrites: Mapping[int, int]
    comment: Callable[[int], str | None]
    line: Callable[[int], int | None]


@dataclass(frozen=True, slots=True)
class Part:
    """One C++ function: `lines` stand between its braces, indented."""

    identifier: str
    lines: list[str]


def parts(function: FunctionPlan, identifier: str, tables: tuple[Table, ...], names: Names) -> list[Part]:
    """The C++ functions of one function of the policy, callees first; the last one is named `identifier`."""
    blocks, references = merge(function.steps, tables)
    above = dominators(blocks)
    layout = _Layout(blocks, references, names)
    layout.starts = {start: _part_name(identifier, start) for start in part_starts(blocks, above)}
    for number, dominator in above.items():
        if layout.is_meeting(number):
            layout.meetings.setdefault(dominator, []).append(number)
    return [Part(name, layout.lines_from(start)) for start, name in sorted(layout.starts.items(), reverse=True)]


def _part_name(identifier: str, start: int) -> str:
    return identifier if start == 0 else f"part{start}_{identifier}"


@dataclass(slots=True)
class _Layout:
    blocks: dict[int, Block]
    references: list[int]
    names: Names
    starts: dict[int, str] = field(default_factory=dict)  # where C++ functions begin, and their names
    meetings: dict[int, list[int]] = field(default_factory=dict)  # by dominator: blocks where paths meet
    lines: list[_Line] = field(default_factory=list)
    gotos: set[int] = field(default_factory=set)
    moved: list[int] = field(default_factory=list)  # blocks that stood too deep
    commented: int = NO_STATEMENT

    def lines_from(self, start: int) -> list[str]:
        """The C++ function that begins with block `start`."""
        self.lines, self.gotos, self.moved, self.commented = [], set(), [], NO_STATEMENT
        run(self._region(start, None, 1))
        while self.moved:
            number = self.moved.pop(0)
            self._label(number)
            run(self._region(number, None, 1))
        kept = [line for line in self.lines if line.label is None or line.label in self.gotos]
        return [" " * (2 * line.depth) + line.text for line in kept]

    def is_meeting(self, number: int) -> bool:
        """Whether paths meet at block `number`, inside one C++ function."""
        shared = self.references[number] > 1 and not isinstance(self.blocks[number], ReturnStep)
        return shared and number not in self.starts

    def _region(self, number: int, follow: int | None, depth: int) -> Work[None]:
        """Block `number` and all blocks it dominates. Control that reaches the end goes on at `follow`."""
        starts = [number, *sorted(self.meetings.get(number, ()))]
        for start, after in zip(starts, [*starts[1:], follow], strict=True):
            if start == number:
                yield self._block(start, after, depth)
            else:
                self._label(start)
                yield self._region(start, after, depth)

    def _block(self, number: int, follow: int | None, depth: int) -> Work[None]:
        block = self.blocks[number]
        if isinstance(block, Branch):
            yield self._branch(block, follow, depth)
        elif isinstance(block, LogStep):
            self.lines += [_Line(depth, text) for text in _log(block, depth)]
            yield self._jump(block.next, follow, depth)
        elif isinstance(block, CallStep):
            name = self.names.callees[block.function]
            self._comment(block.statement, depth)
            self._add(depth, f"if (const uint32_t decision = {name}(packet, log); decision != kEnd) return decision;")
            yield self._jump(block.next, follow, depth)
        elif isinstance(block, ClassifyStep):
            yield self._classify(block, follow, depth)
        else:
            self._add(depth, self._return(block))

    def _classify(self, block: ClassifyStep, follow: int | None, depth: int) -> Work[None]:
        self._comment(block.statement, depth)
        found, ends = f"rules{block.number}(packet)", isinstance(self.blocks[block.otherwise], ReturnStep)
        self._add(depth, f"// and {len(block.classifier.rules) - 1} more rules: in tables, the first that matches")
        ways = going_on(block, self.blocks)
        if ways:
            self._add(depth, f"switch (const uint32_t found = {found}; found) {{")
            for number, target in enumerate(ways, start=1):
                self._add(depth + 1, f"case go_on({number}):")
                yield self._jump(target, None, depth + 2)
            if not ends:
                self._add(depth + 1, "case go_on(0): break;")
            self._add(depth + 1, "default: return found;")
            self._add(depth, "}")
        elif ends:
            self._add(depth, f"return {found};")
        else:
            self._add(depth, f"if (const uint32_t found = {found}; found != go_on(0)) return found;")
        if not ends:
            yield self._jump(block.otherwise, follow, depth)

    def _branch(self, branch: Branch, follow: int | None, depth: int) -> Work[None]:
        if branch.then == follow:
            branch = flipped(branch)  # nothing in the braces otherwise
        self._comment(branch.statement, depth)
        before = len(self.lines)
        # Falling out of the braces leads to what stands next.
        stands_next = branch.otherwise == follow or isinstance(self.blocks[branch.otherwise], ReturnStep)
        yield self._jump(branch.then, branch.otherwise if stands_next else None, depth + 1)
        inside = self.lines[before:]
        del self.lines[before:]
        if len(inside) == 1 and inside[0].label is None:
            single = f"if ({' '.join(branch.condition.pieces())}) {inside[0].text}"
            if 2 * depth + len(single) <= _WIDTH and not inside[0].text.startswith(("if", "//")):
                self._add(depth, single)
                yield self._jump(branch.otherwise, follow, depth)
                return
        self.lines += [_Line(depth, text) for text in _opening(branch, depth)]
        self.lines += inside
        self._add(depth, "}")
        yield self._jump(branch.otherwise, follow, depth)

    def _jump(self, target: int, follow: int | None, depth: int) -> Work[None]:
        """Whatever takes control to `target`: nothing, the block itself, or a goto."""
        block = self.blocks[target]
        if target == follow:
            return
        if isinstance(block, ReturnStep):
            self._add(depth, self._return(block))
        elif target in self.starts:
            self._add(depth, f"return {self.starts[target]}(packet, log);")
        elif self.is_meeting(target):
            self._goto(target, depth)
        elif depth > _DEEPEST:
            self.moved.append(target)
            self._goto(target, depth)
        else:
            yield self._region(target, follow, depth)

    def _goto(self, target: int, depth: int) -> None:
        self.gotos.add(target)
        self._add(depth, f"goto step_{target};")

    def _label(self, number: int) -> None:
        self.lines.append(_Line(0, f"step_{number}:", number))
        self.commented = NO_STATEMENT

    def _add(self, depth: int, text: str) -> None:
        self.lines.append(_Line(depth, text))

    def _comment(self, statement: int, depth: int) -> None:
        """Where the statement stands, once for all its tests."""
        text = self.names.comment(statement)
        if text is not None and statement != self.commented:
            self._add(depth, f"// {text}")
        self.commented = statement

    def _return(self, step: ReturnStep) -> str:
        line = None if step.is_end else self.names.line(step.statement)
        where = "" if line is None else f"  // line {line}"
        return f"return {outcome(step, self.names)};{where}"


def outcome(step: ReturnStep, names: Names) -> str:
    """What a decision function returns at `step`, in C++."""
    if step.is_end:
        return "kEnd"
    if step.rewrite is not None:
        return f"rewrite({names.rewrites[step.statement]})"
    return f"{step.verdict.name.lower()}({step.statement})"


def going_on(step: ClassifyStep, blocks: Mapping[int, Block] | Sequence[Step]) -> list[int]:
    """Where rules of `step` lead that do not return at once: number 1 and on for go_on() in C++; 0 is `otherwise`."""
    return [
        target for target in step.targets if target != step.otherwise and not isinstance(blocks[target], ReturnStep)
    ]


def _opening(branch: Branch, depth: int) -> list[str]:
    """`if (… ) {`, broken before an operand where it would be too long."""
    first, *others = branch.condition.pieces()
    lines = [f"if ({first}"]
    for piece in others:
        if 2 * depth + len(lines[-1]) + len(piece) + 4 <= _WIDTH:
            lines[-1] += f" {piece}"
        else:
            lines.append(f"    {piece}")
    lines[-1] += ") {"
    return lines


def _log(step: LogStep, depth: int) -> list[str]:
    calls = log_calls(step)
    single = "log" + "".join(calls) + ";"
    if 2 * depth + len(single) <= _WIDTH:
        return [single]
    return [f"log{calls[0]}", *(f"    {call}" for call in calls[1:-1]), f"    {calls[-1]};"] if calls[1:] else [single]
