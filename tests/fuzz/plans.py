"""Policies that are hard for plans, for some seconds: what the plan decides by tables and lists is what the rules say.

python -m tests.fuzz.plans SECONDS [SEED]

Each round draws a set of rules of one kind, proves its plan with every run of rules in tables (and, every other time,
in a list), compiles it, and asks the generated code about packets inside rules and at their ends, the interpreter about
them too.
"""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from unittest import mock

from bench.rulesets import FAMILIES, Rule, generate, headers, nacl
from naclc.codegen import classifying, grouping
from naclc.codegen.classifying import with_classifiers
from naclc.codegen.plan import plan
from naclc.decision.build import build
from naclc.interpret.walk import evaluator
from naclc.net.fields import State
from naclc.pipeline.evaluation import Facts
from naclc.validate.validate import Proved, validate
from tests.golden.services import pipeline_of_text
from tests.native import native_evaluator
from tests.unit.codegen.test_classifying import corners, packet

PACKETS = 1500
Draw = Callable[[Random], tuple[Rule, ...]]


def _family(random: Random) -> tuple[Rule, ...]:
    return generate(random.choice(FAMILIES), random.randrange(5, 200), random.randrange(1 << 30))


def _overlapping(random: Random) -> tuple[Rule, ...]:
    """Nets of all lengths around a few addresses: they nest in both directions."""
    places = [random.getrandbits(32) for _ in range(3)]

    def net() -> tuple[int, int]:
        length = random.randrange(33)
        return random.choice(places) & 0xFFFFFFFF << 32 - length & 0xFFFFFFFF, length

    return tuple(Rule(net(), net(), _ports(random), _ports(random), 6, random.random() < 0.5) for _ in range(120))


def _ports(random: Random) -> tuple[int, int]:
    first, last = sorted(random.choice((0, 1, 255, 256, 1023, 65534, 65535, random.getrandbits(16))) for _ in range(2))
    return first, last


def _port_predicates(random: Random) -> tuple[Rule, ...]:
    """No addresses: every rule has ports of its own."""
    anywhere = (0, 0)
    return tuple(
        Rule(anywhere, anywhere, _ports(random), _ports(random), random.choice((6, 17)), random.random() < 0.5)
        for _ in range(150)
    )


def _shadowed(random: Random) -> tuple[Rule, ...]:
    """The first rules take almost everything."""
    wide = tuple(Rule((0, bits), (0, 0), (0, 65535), (0, 65535), None, True) for bits in (1, 2, 3))
    return wide + _family(random)


KINDS: tuple[Draw, ...] = (_family, _overlapping, _port_predicates, _shadowed)


def check(number: int) -> int:
    """The round of that number; how many packets were asked about."""
    random = Random(number)
    rules = KINDS[number % len(KINDS)](random)
    pipeline = pipeline_of_text(nacl(rules))
    octets = 0 if number // len(KINDS) % 2 else 1 << 20
    with (
        TemporaryDirectory() as workdir,
        mock.patch.object(grouping, "_SPARE_OCTETS", octets),
        mock.patch.object(grouping, "_OCTETS", octets),
        mock.patch.object(classifying, "_COMPILED_RULES", 0),
    ):
        unit = with_classifiers(plan(build(pipeline), pipeline), chain_rules=0)
        assert isinstance(validate(unit, pipeline), Proved)
        decide, walk = native_evaluator(pipeline, Path(workdir), chain_rules=0), evaluator(pipeline)
        asked = [*headers(rules, PACKETS, number), *corners(rules)]
        for header in asked:
            facts = Facts(packet(header, random.choice((60, 60, 60, 39, 27))), State.NEW, 0, 0)
            assert decide("rules", facts) == walk("rules", facts), header
    return len(asked)


def main(seconds: int, first: int) -> None:
    end, rounds, packets = time.monotonic() + seconds, 0, 0
    while time.monotonic() < end:
        number = first + rounds
        try:
            packets += check(number)
        except BaseException:
            print(f"again: python -m tests.fuzz.plans 1 {number}", file=sys.stderr)
            raise
        rounds += 1
    print(f"agreed on {packets} packets in {rounds} rounds, from seed {first}")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else secrets.randbelow(2**32))
