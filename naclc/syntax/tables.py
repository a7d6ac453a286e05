"""The LALR(1) tables of grammar/nacl.lark: made by Lark, shipped as `_tables.json`.

`python -m naclc.syntax.tables` writes the file anew; a test fails while it is older than the grammar. Parsing
needs the file only: Lark is imported by `generate` alone, so a compile does not pay for it.

INVARIANT stable    states and rules are numbered by a walk from the start state in sorted order: the same grammar
                    gives the same bytes on every machine.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

END = "$END"
FILE = Path(__file__).with_name("_tables.json")


@dataclass(frozen=True, slots=True)
class Rule:
    """`action` names the method of build.Builder; None: the rule has one symbol, and its value is the rule's."""

    origin: str
    size: int
    action: str | None


@dataclass(frozen=True, slots=True)
class Tables:
    """States count from 0, the start state.

    `states[s][symbol]` is the state to go to (0 or more), or `-1 - r` to reduce by rule r. `accept` is the state in
    which the whole program has been reduced. `patterns` are regular expressions by terminal, in the order in which
    they are tried; `words` are the terminals that are one fixed text.
    """

    states: tuple[dict[str, int], ...]
    rules: tuple[Rule, ...]
    accept: int
    patterns: dict[str, str]
    words: dict[str, str]

    @property
    def terminals(self) -> list[str]:
        """All that a token of the grammar may be, `$END` too."""
        ignored = ("BLANK", "COMMENT")
        return [kind for kind in (*self.patterns, *self.words.values(), END) if kind not in ignored]


@cache
def load() -> Tables:
    """The shipped tables."""
    data = json.loads(FILE.read_text(encoding="utf-8"))
    rules = tuple(Rule(*rule) for rule in data["rules"])
    return Tables(tuple(data["states"]), rules, data["accept"], data["patterns"], data["words"])


def generate(grammar: str) -> str:
    """The text of `_tables.json` for `grammar`.

    Raises:
        lark.exceptions.GrammarError: the grammar has a conflict.
    """
    from lark import Lark
    from lark.parsers.lalr_analysis import Shift

    parser = Lark(grammar, parser="lalr", lexer="basic", strict=True)
    table: Any = parser.parser.parser._parse_table
    start, end = table.start_states["start"], table.end_states["start"]
    states, rules = _walk(table.states, start, Shift)
    numbers = {state: number for number, state in enumerate(states)}
    rule_numbers = {rule: number for number, rule in enumerate(rules)}

    def code(action: Any, argument: Any) -> int:
        return numbers[argument] if action is Shift else -1 - rule_numbers[argument]

    terminals = sorted(parser.terminals, key=lambda t: (-t.priority, -len(t.pattern.value), t.name))
    data = {
        "accept": numbers[end],
        "patterns": {t.name: t.pattern.to_regexp() for t in terminals if t.pattern.type == "re"},
        "words": {t.pattern.value: t.name for t in terminals if t.pattern.type == "str"},
        "rules": [[rule.origin.name, len(rule.expansion), _action(rule)] for rule in rules],
        "states": [{symbol: code(*entry) for symbol, entry in sorted(table.states[state].items())} for state in states],
    }
    return _dump(data)


def _walk(table: Any, start: Any, shift: Any) -> tuple[list[Any], list[Any]]:
    """States and rules in the order in which a breadth-first walk in sorted order meets them."""
    states: dict[Any, None] = {start: None}
    rules: dict[Any, None] = {}
    queue = [start]
    for state in queue:
        for _, (action, argument) in sorted(table[state].items(), key=lambda entry: str(entry[0])):
            if action is shift:
                if argument not in states:
                    states[argument] = None
                    queue.append(argument)
            else:
                rules[argument] = None
    return list(states), list(rules)


def _action(rule: Any) -> str | None:
    if rule.alias:
        return str(rule.alias)
    return None if len(rule.expansion) == 1 else str(rule.origin.name)


def _dump(data: dict[str, Any]) -> str:
    """JSON with one state or rule a line, so that a change of the grammar shows in a readable difference."""

    def line(value: Any) -> str:
        return json.dumps(value, separators=(",", ":"), ensure_ascii=True)

    parts = []
    for key, value in data.items():
        if isinstance(value, list):
            parts.append(f'"{key}":[\n' + ",\n".join(line(item) for item in value) + "\n]")
        else:
            parts.append(f'"{key}":{line(value)}')
    return "{" + ",\n".join(parts) + "}\n"


def main() -> None:
    from naclc.resources import resource

    grammar = (resource("grammar") / "nacl.lark").read_text(encoding="utf-8")
    FILE.write_text(generate(grammar), encoding="utf-8")


if __name__ == "__main__":
    main()
