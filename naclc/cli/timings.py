"""`--timings`: what each stage of a compile costs."""

from __future__ import annotations

import time

import click


class Timings:
    """Processor seconds of this process, a stage at a time; the first begins when this is made."""

    def __init__(self) -> None:
        self._start = self._last = time.process_time()
        self._stages: list[tuple[str, float]] = []

    def lap(self, stage: str) -> None:
        """`stage` is done."""
        now = time.process_time()
        self._stages.append((stage, now - self._last))
        self._last = now

    def show(self) -> None:
        """A line a stage, on standard error."""
        for stage, seconds in [*self._stages, ("all of it", self._last - self._start)]:
            click.echo(f"{stage:<17}{seconds:8.3f} s", err=True)
