"""The same rows on the skeleton OS as a process: it does what the reference machine does, step for step.

What time brings is virtual there."""

from __future__ import annotations

from pathlib import Path

import pytest

from naclc.image import Target
from naclc.verify.executors.process import ProcessExecutor
from tests.verdicts.pairs import MACHINES, ROWS, differences, image, surroundings
from tests.verdicts.tables import Row


@pytest.fixture(scope="session")
def workdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("process")


@pytest.mark.parametrize("row", MACHINES, ids=str)
def test_process_does_as_the_reference_machine(row: Row, workdir: Path) -> None:
    around = surroundings(row)
    executor = ProcessExecutor(around, image(row.policy, workdir, Target.LINUX))
    assert list(differences(executor, around, row.steps)) == []


def test_every_row_is_run_as_a_process() -> None:
    assert [row for row in ROWS if "process" not in row.on] == []
