"""The contest in a minute, for `python -m bench`: sets of 1,000 rules, uniform traffic."""

from __future__ import annotations

from bench.rules.building import CONTENDERS
from bench.rules.contest import Effort, contest, of_rules
from bench.rulesets import FAMILIES, generate


def decisions(rounds: int) -> dict[str, dict[str, float]]:
    """Nanoseconds a packet of each contender that is here, medians.

    Raises:
        SystemExit: one of them decides wrongly.
    """
    effort = Effort(rounds=rounds, packets=8192, seconds=60)
    return {f"decide {family} 1,000 rules": _decide(family, effort) for family in FAMILIES}


def _decide(family: str, effort: Effort) -> dict[str, float]:
    subject, traces = of_rules(family, generate(family, 1000, seed=1), effort)
    seen = contest(subject, {"uniform": traces["uniform"]}, CONTENDERS, effort)["contenders"]
    times = {name: contender["traffic"]["uniform"] for name, contender in seen.items()}
    wrong = [name for name, time in times.items() if time["mismatches"]]
    if wrong:
        raise SystemExit(f"{family}: wrong verdicts by {', '.join(wrong)}")
    return {f"{name}_ns": time["median_ns"] for name, time in times.items()}
