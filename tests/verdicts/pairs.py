"""Rows on the skeleton OS beside the reference machine, which is told the same: in what they differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from naclc.codegen.plan import plan
from naclc.codegen.render import render
from naclc.decision.build import build
from naclc.image import Image, Target, build_image
from naclc.verify.executor import Executor, Observation, Session
from naclc.verify.executors.inside import InsideExecutor
from naclc.verify.judge import Judge
from naclc.verify.leases import leased
from naclc.verify.masquerade import MasqueradePorts
from naclc.verify.wire.session import Surroundings
from tests.verdicts.tables import FOLDER, Row, pipeline_of, rows

SHORTEST_FRAME = 46  # octets of a packet in an Ethernet frame: shorter ones are padded on the wire
ROWS = [row for table in sorted(FOLDER.glob("*.verdicts")) for row in rows(table)]
# Where generated code drops for itself, the OS counts the drop for the chain.
CHAINS = {"prerouting", "input", "forward", "output", "postrouting"}
COUNTED_AS = {"untracked": CHAINS, "no-address": CHAINS, "ttl-expired": {"ttl-expired", "forward"}}
compiled = cache(pipeline_of)


def last_of_their_machine(rows: Sequence[Row]) -> list[Row]:
    """Rows whose steps are all those of a machine."""
    return [
        row for row, after in zip(rows, [*rows[1:], None], strict=True) if after is None or not _goes_on(row, after)
    ]


def _goes_on(row: Row, after: Row) -> bool:
    return row.policy == after.policy and len(after.steps) > 1 and after.steps[:-1] == row.steps


# Rows whose steps are all those of a machine.
MACHINES = last_of_their_machine([row for row in ROWS if "process" in row.on])


@cache
def image(policy: Path, workdir: Path, target: Target) -> Path:
    pipeline = compiled(policy)
    unit = plan(build(pipeline), pipeline)
    service = workdir / f"{policy.stem}.cpp"
    service.write_text(render(unit, pipeline, policy.name, plugin=False))
    built = build_image(service, target, workdir / f"{policy.stem}.{target}")
    assert isinstance(built, Image), built
    return built.path


def surroundings(row: Row) -> Surroundings:
    leases = dict(row.leases)
    return Surroundings(leased(compiled(row.policy), leases), leases=leases)


class Pair:
    """A machine and the reference machine, which are told the same."""

    def __init__(self, around: Surroundings, truth: Session, session: Session) -> None:
        self._truth, self._session = truth, session
        self._judge = Judge.of(around.pipeline)
        self._ports = MasqueradePorts(around.pipeline)

    def step(self, wait: int, iface: str, packet: bytes) -> list[str]:
        """In what they differ."""
        if wait:
            self._truth.wait(wait)
            self._session.wait(wait)
            self._ports.time_passed()
        padded = packet.ljust(SHORTEST_FRAME, b"\0")
        expected = self._truth.send(iface, padded)
        observed = self._session.send(iface, self._ports.there(padded))
        problems = self._judge.disagreements(expected, observed, self._ports)
        return problems if reasons_agree(expected, observed) else [*problems, f"{expected.dropped} {observed.dropped}"]


def reasons_agree(expected: Observation, observed: Observation) -> bool:
    # A message that is lost is told when it is, the packet's own end when that comes.
    pairs = zip(sorted(expected.dropped), sorted(observed.dropped), strict=False)
    fits = all(seen in COUNTED_AS.get(reason, {reason}) for reason, seen in pairs)
    return fits and len(expected.dropped) == len(observed.dropped)


def differences(executor: Executor, around: Surroundings, steps: Sequence[tuple[int, str, bytes]]) -> Iterator[str]:
    truth = InsideExecutor("interpreter", around.pipeline)
    with truth.session("truth") as true, executor.session("rows") as session:
        pair = Pair(around, true, session)
        for number, step in enumerate(steps, 1):
            yield from (f"step {number}: {problem}" for problem in pair.step(*step))
