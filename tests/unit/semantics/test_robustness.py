"""Whatever tree comes in, an answer comes out: the programs of the case files with words replaced, cut and swapped."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from naclc.pipeline.lower import lower, walk
from naclc.semantics.dump import dump
from naclc.semantics.model import Call
from naclc.semantics.resolve import resolve
from naclc.source import SourceFile
from naclc.syntax.parse import parse

CASES = Path(__file__).parents[2] / "cases" / "semantics"
TOKEN = re.compile(r'"[^"]*"|\d+\.\d+\.\d+\.\d+(?:/\d+)?|[A-Za-z_][\w-]*|\d+|\S|\s+')


def programs() -> list[list[str]]:
    """The case programs as words."""
    chunks = [chunk for path in sorted(CASES.glob("*.case")) for chunk in path.read_text("utf-8").split("\n== ")]
    return [TOKEN.findall(chunk.split("\n---\n")[0].split("\n", 1)[1]) for chunk in chunks]


PROGRAMS = programs()
WORDS = sorted({word for program in PROGRAMS for word in program if word.strip()})


def mutated(choose: random.Random) -> str:
    words = list(choose.choice(PROGRAMS))
    for _ in range(choose.choice([1, 1, 2, 4])):
        at = choose.randrange(len(words))
        match choose.randrange(4):
            case 0:
                names = [index for index, word in enumerate(words) if word[0].isalnum()]
                words[choose.choice(names or [at])] = choose.choice(WORDS)
            case 1:
                words.insert(at, f" {choose.choice(WORDS)} ")
            case 2:
                other = choose.randrange(len(words))
                words[at], words[other] = words[other], words[at]
            case _:
                words.insert(at, f"\n{choose.choice(WORDS)}.{choose.choice(WORDS)}: {choose.choice(WORDS)}\n")
    return "".join(words)


@pytest.mark.parametrize("seed", range(20))
def test_mutated_programs(seed: int) -> None:
    choose = random.Random(seed)
    for _ in range(25):
        text = mutated(choose)
        program, _ = parse(SourceFile("mutated.nacl", text))
        if program is None:
            continue
        configuration, diagnostics = resolve(program, choose.choice([None, 0, 2]))
        assert (configuration is None) == any(diagnostic.is_error for diagnostic in diagnostics), text
        for diagnostic in diagnostics:
            assert diagnostic.span is not None and 0 <= diagnostic.span.start <= diagnostic.span.end <= len(text)
        if configuration is not None:
            known: set[str] = set()
            for name, function in lower(configuration).functions.items():
                assert known.issuperset(s.function for s in walk(function.body) if isinstance(s, Call)), text
                known.add(name)
            assert dump(configuration).count("\n") >= len(configuration.functions) + len(configuration.ifaces), text
