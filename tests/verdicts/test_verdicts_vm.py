"""The same rows on booted machines: all of a policy that do not wait, one after the other on few machines, beside a
reference machine that has seen the same. Rows that speak of the same flow are on different machines, as far as there
are enough."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from naclc.image import Target
from naclc.interpret.flows import Tuple, tuple_of
from naclc.verify.executors.vm import VmExecutor
from naclc.verify.qemu import Hardware
from tests.verdicts.pairs import MACHINES, SHORTEST_FRAME, differences, image, surroundings
from tests.verdicts.tables import Row

BOOTS = 3  # machines for the rows of one policy
PATIENCE = 8.0  # seconds after which a booted machine may begin to forget


def of_one_policy() -> dict[str, list[Row]]:
    """The rows that can be on one machine, by a name."""
    groups: dict[str, list[Row]] = {}
    for row in MACHINES:
        name = "-".join((row.policy.stem, *(iface for iface, _ in row.leases)))
        groups.setdefault(name, []).extend([row] if not any(wait for wait, _, _ in row.steps) else [])
    return groups


GROUPS = of_one_policy()


@pytest.fixture(scope="session")
def workdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("vm")


def machines_of(rows: Sequence[Row]) -> list[list[Row]]:
    """`rows` spread over BOOTS machines, flows that one of them has seen on another if there is one."""
    machines: list[tuple[set[Tuple], list[Row]]] = [(set(), []) for _ in range(BOOTS)]
    for row in rows:
        flows = {
            flow for _, _, packet in row.steps if (flow := tuple_of(packet.ljust(SHORTEST_FRAME, b"\0"))) is not None
        }
        both = flows | {flow.reversed() for flow in flows}
        seen, here = min(machines, key=lambda machine: (len(machine[0] & both), len(machine[1])))
        seen |= both
        here.append(row)
    return [here for _, here in machines if here]


@pytest.mark.skipif(shutil.which("qemu-system-x86_64") is None, reason="needs QEMU")
@pytest.mark.parametrize("nic", ["virtio", "vmxnet3"])
@pytest.mark.parametrize("name", GROUPS)
def test_a_booted_machine_does_as_the_reference_machine(name: str, nic: str, workdir: Path) -> None:
    rows = GROUPS[name]
    around = surroundings(rows[0])
    executor = VmExecutor(around, image(rows[0].policy, workdir, Target.PC), Hardware(nic=nic))
    machines = machines_of(rows)
    executor.prepare(len(machines))
    try:
        for group in machines:
            steps = [step for row in group for step in row.steps]
            started = time.monotonic()
            problems = list(differences(executor, around, steps))
            if problems and time.monotonic() - started > PATIENCE:
                problems = list(differences(executor, around, steps))
            assert problems == [], [str(row) for row in group]
    finally:
        executor.close()


def test_rows_of_one_flow_are_on_different_machines() -> None:
    rows = GROUPS["tracking"]
    assert len(rows) > 10 and len(machines_of(rows)) == BOOTS
    assert sorted(map(str, rows)) == sorted(str(row) for group in machines_of(rows) for row in group)
