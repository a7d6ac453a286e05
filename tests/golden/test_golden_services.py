"""Decision graphs, plans and services of policies with every kind of translation, tracking, Iface and service, octet
for octet. They are taken through the stages by hand: `compile` asks first what the operating system has.

A change that was meant is taken over by `pytest tests/golden --update-golden`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from naclc.codegen.dump import dump as dump_plan
from naclc.decision.dump import dump as dump_graphs
from tests.golden.services import FOLDER, POLICIES, service_of_text

NAMES = [policy.stem for policy in POLICIES]


@pytest.mark.parametrize("policy", POLICIES, ids=NAMES)
def test_stages(policy: Path, request: pytest.FixtureRequest) -> None:
    graphs, unit, service = service_of_text(policy.read_text(encoding="utf-8"), policy.name)
    folder = FOLDER / "expected" / policy.stem
    made = {"decision.txt": dump_graphs(graphs), "plan.txt": dump_plan(unit), "service.cpp": service}
    if request.config.getoption("--update-golden", default=False):
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in made.items():
            (folder / name).write_text(text, encoding="utf-8")
    assert made == {name: (folder / name).read_text(encoding="utf-8") for name in made}


def test_every_policy_has_expectations_and_the_reverse() -> None:
    assert sorted(folder.name for folder in (FOLDER / "expected").iterdir()) == sorted(NAMES)
