"""Random policies for some seconds: interpreter, decision graphs and generated code decide every packet alike.

python -m tests.fuzz.agreement SECONDS [SEED]
"""

from __future__ import annotations

import secrets
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from naclc.decision import evaluate
from naclc.decision.build import build
from naclc.interpret.walk import evaluator
from naclc.pipeline.evaluation import Facts
from naclc.pipeline.pipeline import Pipeline
from tests.native import native_evaluator
from tests.properties.strategies import facts_for, policies

long = settings(
    deadline=None,
    database=None,
    print_blob=True,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)


def check(pipeline: Pipeline, packets: list[Facts], workdir: Path | None) -> None:
    """`workdir` None: without generated code, which takes the compiler a second."""
    walk = evaluator(pipeline)
    others = {"decision graphs": evaluate.evaluator(build(pipeline), pipeline)}
    if workdir is not None:
        others["generated code"] = native_evaluator(pipeline, workdir)
    for packet in packets:
        for function in pipeline.functions:
            expected = walk(function, packet)
            for name, decide in others.items():
                assert decide(function, packet) == expected, (name, function, packet)


@settings(long, max_examples=100)
@given(policies(), st.data())
def without_code(pipeline: Pipeline, data: st.DataObject) -> None:
    check(pipeline, data.draw(st.lists(facts_for(pipeline), min_size=1, max_size=24)), None)


@settings(long, max_examples=2, phases=[Phase.generate])
@given(policies(depth=3, least=12, most=20), st.data())
def with_code(pipeline: Pipeline, data: st.DataObject) -> None:
    with TemporaryDirectory() as workdir:
        check(pipeline, data.draw(st.lists(facts_for(pipeline), min_size=40, max_size=100)), Path(workdir))


def main(seconds: int, first: int) -> None:
    end, rounds = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        number = first + rounds
        try:
            seed(number)(without_code)()
            seed(number)(with_code)()
        except BaseException:
            print(f"again: python -m tests.fuzz.agreement 1 {number}", file=sys.stderr)
            raise
        rounds += 1
    print(f"agreed in {rounds} rounds, from seed {first}")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else secrets.randbelow(2**32))
