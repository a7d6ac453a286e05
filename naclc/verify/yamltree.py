"""YAML text to a tree of nodes that know their place. Read with the safe loader: no objects are made.

Words that YAML takes for something else (`on`, `0x10`, `1:30`) keep their text; whoever reads a scalar decides what
it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import yaml

from naclc.diagnostics import Diagnostic, error
from naclc.source import SourceFile, Span

# A tests file beyond this is not one. PyYAML takes about 20 s for it.
MAX_CHARACTERS = 4_000_000
MAX_DEPTH = 100
MAX_VALUES = 500_000  # those that an alias stands for count wherever it does

_TOO_DEEP = "the tests file is nested too deep"


@dataclass(frozen=True, slots=True)
class Scalar:
    """`quoted`: written in quotes or as a block, so it is text and nothing else."""

    text: str
    quoted: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Sequence:
    items: tuple[Node, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Mapping:
    """Entries in written order; a key that is no scalar, or comes again, is reported and left out."""

    entries: tuple[tuple[Scalar, Node], ...]
    span: Span


Node = Scalar | Sequence | Mapping


def parse_yaml(source: SourceFile) -> tuple[Node | None, list[Diagnostic]]:
    """The root node of `source`; None when there is none, or the text is not YAML (then with a diagnostic)."""
    if len(source.text) > MAX_CHARACTERS:
        return None, [error("tests-syntax", f"the tests file is longer than {MAX_CHARACTERS} characters", None)]
    # A byte-order mark is skipped by the loader but counted in its marks.
    try:
        root = yaml.compose(source.text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as problem:
        return None, [_syntax_error(source, problem)]
    except RecursionError:
        return None, [error("tests-syntax", _TOO_DEEP, None)]
    if root is None:
        return None, []
    findings: list[Diagnostic] = []
    converter = _Converter(source, findings)
    tree = converter.convert(root)
    if converter.size(tree) > MAX_VALUES:
        return None, [error("tests-syntax", f"with its aliases the tests file has more than {MAX_VALUES} values", None)]
    return tree, findings


def shortened(text: str) -> str:
    """The beginning of `text`, fit for a message: one line of at most 40 characters."""
    line = " ".join(text[:200].splitlines())
    return line if len(line) <= 40 and len(text) <= 200 else line[:39] + "…"


def _syntax_error(source: SourceFile, problem: yaml.YAMLError) -> Diagnostic:
    if isinstance(problem, yaml.MarkedYAMLError):
        mark = problem.problem_mark or problem.context_mark
        at = mark.index if mark is not None else 0
        words = " ".join(part for part in (problem.context, problem.problem) if part)
    else:
        at = getattr(problem, "position", 0)
        words = f"the character {getattr(problem, 'character', '')!r} is not allowed"
    at = min(at, len(source.text))
    return error("tests-syntax", f"this is not YAML: {words}", Span(source, at, min(at + 1, len(source.text))))


class _Converter:
    def __init__(self, source: SourceFile, findings: list[Diagnostic]) -> None:
        self._source = source
        self._findings = findings
        self._open: set[int] = set()
        self._done: dict[int, Node] = {}
        self._sizes: dict[int, int] = {}  # by id of a Node in _done
        self._too_deep = False

    def convert(self, node: yaml.Node) -> Node:
        if id(node) in self._done:
            return self._done[id(node)]
        if id(node) in self._open:
            self._findings.append(error("tests-syntax", "an alias stands for what it is part of", self._span(node)))
            return Sequence((), self._span(node))
        if len(self._open) >= MAX_DEPTH:
            return self._cut(node)
        self._open.add(id(node))
        result = self._convert(node)
        self._open.discard(id(node))
        self._done[id(node)] = result
        self._sizes[id(result)] = self.size(result)
        return result

    def size(self, node: Node) -> int:
        """How many values `node` has, itself and those behind aliases too; those it holds were converted."""
        if isinstance(node, Scalar):
            return 1
        inner = node.items if isinstance(node, Sequence) else tuple(value for _, value in node.entries)
        return 1 + sum(self._sizes.get(id(value), 1) for value in inner)

    def _cut(self, node: yaml.Node) -> Node:
        if not self._too_deep:
            self._findings.append(error("tests-syntax", _TOO_DEEP, self._span(node)))
        self._too_deep = True
        return Sequence((), self._span(node))

    def _convert(self, node: yaml.Node) -> Node:
        span = self._span(node)
        if isinstance(node, yaml.MappingNode):
            return Mapping(self._entries(node), span)
        if isinstance(node, yaml.SequenceNode):
            return Sequence(tuple(self.convert(item) for item in node.value), span)
        return Scalar(node.value, getattr(node, "style", None) is not None, span)

    def _entries(self, node: yaml.MappingNode) -> tuple[tuple[Scalar, Node], ...]:
        entries: dict[str, tuple[Scalar, Node]] = {}
        for key_node, value_node in node.value:
            key = self.convert(key_node)
            if not isinstance(key, Scalar):
                self._findings.append(error("tests-key", "a key is a word", key.span))
            elif key.text in entries:
                self._findings.append(error("tests-key", f"`{shortened(key.text)}` is given twice", key.span))
            else:
                entries[key.text] = (key, self.convert(value_node))
        return tuple(entries.values())

    def _span(self, node: yaml.Node) -> Span:
        start, end = node.start_mark.index, node.end_mark.index
        text = self._source.text[start:end]
        return Span(self._source, start, max(start, end - (len(text) - len(text.rstrip()))))
