"""Every row of every table, on every way to decide: one table, one truth."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from naclc.decision import evaluate
from naclc.decision.build import build
from naclc.interpret.walk import evaluator
from naclc.pipeline.evaluation import Evaluator
from naclc.pipeline.pipeline import Pipeline
from tests.native import native_evaluator
from tests.verdicts.tables import FOLDER, Row, agrees, observe, packet, pipeline_of, rows

TABLES = sorted(FOLDER.glob("*.verdicts"))
compiled = cache(pipeline_of)


def by_interpreter(pipeline: Pipeline) -> Evaluator:
    return evaluator(pipeline)


def by_decision(pipeline: Pipeline) -> Evaluator:
    return evaluate.evaluator(build(pipeline), pipeline)


@pytest.fixture(scope="session")
def workdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("native")


@cache
def compiled_cpp(policy: Path, workdir: Path) -> Evaluator:
    return native_evaluator(compiled(policy), workdir)


ROWS = [row for table in TABLES for row in rows(table)]
DECIDES: dict[str, Callable[[Pipeline], Evaluator]] = {"interpreter": by_interpreter, "decision": by_decision}


def require(executor: str, row: Row) -> None:
    """Skip, visibly, a row that its table says this executor cannot do."""
    if executor not in row.on:
        pytest.skip(f"the table says: on {' '.join(sorted(row.on))}")


@pytest.mark.parametrize("executor", DECIDES)
@pytest.mark.parametrize("row", ROWS, ids=str)
def test_verdict(row: Row, executor: str) -> None:
    require(executor, row)
    pipeline, decides = compiled(row.policy), DECIDES[executor]
    observation = observe(pipeline, row, decides(pipeline))
    assert agrees(row.outcome, observation), f"expected {row.outcome!r}, observed {observation!r}"


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_verdict_of_generated_code(row: Row, workdir: Path) -> None:
    require("native", row)
    observation = observe(compiled(row.policy), row, compiled_cpp(row.policy, workdir))
    assert agrees(row.outcome, observation), f"expected {row.outcome!r}, observed {observation!r}"


def test_the_interpreter_does_every_row() -> None:
    assert all("interpreter" in row.on for row in ROWS)


def test_every_policy_here_has_a_table() -> None:
    used = {row.policy for table in TABLES for row in rows(table)}
    assert used == set(FOLDER.glob("*.nacl"))


@pytest.mark.parametrize(
    "line", ["no arrow here", "# on: nobody", "outside udp 1.2.3.4 5.6.7.8 -> drop", "outside -> drop | nothing"]
)
def test_a_line_that_is_no_row_is_refused(tmp_path: Path, line: str) -> None:
    table = tmp_path / "bad.verdicts"
    table.write_text(f"# policy: network.nacl\n{line}\n")
    with pytest.raises(ValueError):
        list(rows(table))


def test_an_unknown_option_of_a_packet_is_refused() -> None:
    with pytest.raises(KeyError):
        packet(["udp", "192.0.2.9:1", "10.0.0.5:2", "tll=3"])


@pytest.mark.parametrize(
    ("outcome", "observation", "expected"),
    [
        ("drop", "drop no-route", True),
        ("drop no-route", "drop no-route", True),
        ("drop no-route", "drop forward rule=3", False),
        ("drop", "local dropped input", False),
        ("out inside ttl=63", "out inside via=10.0.0.5 ttl=63", True),
        ("out ttl=63 inside", "out inside via=10.0.0.5 ttl=63", False),
        ("drop", "", False),
        ("out inside", "out inside via=10.0.0.5 sums=wrong", False),
        ("out sums=wrong", "out inside via=10.0.0.5 sums=wrong", True),
        ("out sums=wrong", "out inside via=10.0.0.5", False),
    ],
)
def test_what_agrees(outcome: str, observation: str, expected: bool) -> None:
    assert agrees(outcome, observation) is expected
