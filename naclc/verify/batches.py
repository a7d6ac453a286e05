"""How many probes run one after the other on one machine: none of its entries may expire under them, and its connection
table may not be full, where the machine would decide otherwise than the interpreter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from naclc.pipeline.pipeline import Pipeline
from naclc.probes.probe import Probe

_MOST = 400  # probes: far fewer flows than any machine has room for, and ports to masquerade with
_TUPLES = 4  # that a packet can add to the table: its own entry and that of an answer, of two each
_SHARE = 0.6  # of the shortest time that an entry lives


@dataclass(frozen=True, slots=True)
class Batches:
    """`seconds`: how long one may last on a machine whose clock runs by itself. `tuples`: the limit of the connection
    table, 0 for none."""

    seconds: float
    tuples: int

    @classmethod
    def of(cls, pipeline: Pipeline) -> Batches:
        return cls(_SHARE * min(10, *pipeline.conntrack.timeouts.values()), pipeline.conntrack.limit)

    def first(self, probes: Sequence[Probe]) -> Sequence[Probe]:
        """Those of `probes` that are for one machine, from the first on: one at least."""
        tuples = 0
        for number, probe in enumerate(probes):
            tuples += _TUPLES * len(probe.steps)
            full = self.tuples and tuples > self.tuples
            if number and (probe.fresh or full or number == _MOST):
                return probes[:number]
        return probes

    def count(self, probes: Sequence[Probe]) -> int:
        """How many machines `probes` take when none of them is slow."""
        machines = 0
        while probes:
            probes = probes[len(self.first(probes)) :]
            machines += 1
        return machines
