"""The same rows on the skeleton OS: the whole service as a process does what the reference machine does.

Rows that wait do so in virtual time; those that their table does not give to this executor are not for it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from naclc.codegen.plan import plan
from naclc.codegen.render import render
from naclc.decision.build import build
from naclc.image import Image, Target, build_image
from naclc.verify.executor import Executor, Observation
from naclc.verify.executors.inside import InsideExecutor
from naclc.verify.executors.process import ProcessExecutor
from naclc.verify.judge import Judge
from naclc.verify.leases import leased
from naclc.verify.wire.session import Surroundings
from tests.verdicts.tables import FOLDER, Row, pipeline_of, rows

SHORTEST_FRAME = 46  # octets of a packet in an Ethernet frame: shorter ones are padded on the wire
ROWS = [row for table in sorted(FOLDER.glob("*.verdicts")) for row in rows(table)]
MINE = [row for row in ROWS if "process" in row.on]
# Where generated code drops for itself, the OS counts the drop for the chain.
CHAINS = {"prerouting", "input", "forward", "output", "postrouting"}
COUNTED_AS = {"untracked": CHAINS, "no-address": CHAINS, "ttl-expired": {"ttl-expired", "forward"}}
compiled = cache(pipeline_of)


@pytest.fixture(scope="session")
def workdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("process")


@cache
def binary(policy: Path, workdir: Path) -> Path:
    pipeline = compiled(policy)
    unit = plan(build(pipeline), pipeline)
    service = workdir / f"{policy.stem}.cpp"
    service.write_text(render(unit, pipeline, policy.name, plugin=False))
    built = build_image(service, Target.LINUX, workdir / policy.stem)
    assert isinstance(built, Image), built
    return built.path


def last_observation(executor: Executor, row: Row) -> Observation:
    with executor.session(f"row-{row.line}") as session:
        for wait, iface, packet in row.steps:
            if wait:
                session.wait(wait)
            observation = session.send(iface, packet.ljust(SHORTEST_FRAME, b"\0"))
    return observation


def reasons_agree(expected: tuple[str, ...], observed: tuple[str, ...]) -> bool:
    pairs = zip(expected, observed, strict=False)
    return len(expected) == len(observed) and all(seen in COUNTED_AS.get(reason, {reason}) for reason, seen in pairs)


@pytest.mark.parametrize("row", MINE, ids=str)
def test_process_does_as_the_reference_machine(row: Row, workdir: Path) -> None:
    leases = dict(row.leases)
    pipeline = leased(compiled(row.policy), leases)
    expected = last_observation(InsideExecutor("interpreter", pipeline), row)
    process = ProcessExecutor(Surroundings(pipeline, leases=leases), binary(row.policy, workdir))
    observed = last_observation(process, row)
    assert Judge.of(pipeline).disagreements(expected, observed) == []
    assert reasons_agree(expected.dropped, observed.dropped), (expected.dropped, observed.dropped)


def test_most_rows_run_here() -> None:
    assert len(MINE) > 0.85 * len(ROWS)
