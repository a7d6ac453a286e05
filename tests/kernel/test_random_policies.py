"""Random policies do on the kernel what they do on the reference interpreter."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from naclc.decision.build import build
from naclc.export.nft import ruleset, sysctls
from naclc.pipeline.pipeline import Pipeline
from naclc.probes.plan import plan_probes
from tests.kernel.agreement import Comparison
from tests.kernel.linux import LinuxRouter, require_kernel, setup_of
from tests.kernel.random_policies import exportable
from tests.kernel.traffic import flows

POLICIES = 30
PROBES, FLOWS = 60, 60  # for each policy


@pytest.fixture(scope="module", autouse=True)
def _kernel() -> None:
    require_kernel()


@given(exportable())
@settings(
    max_examples=POLICIES,
    deadline=None,
    derandomize=True,
    phases=(Phase.generate,),  # a smaller example is not worth minutes
    suppress_health_check=list(HealthCheck),
)
def test_random_policies_agree(pipeline: Pipeline) -> None:
    rules = ruleset(pipeline, {}, "drawn")
    assert rules is not None
    plan = plan_probes(build(pipeline), pipeline, limit=PROBES)
    with LinuxRouter(setup_of(pipeline)) as router:
        router.load(rules, sysctls(pipeline))
        comparison = Comparison(pipeline, router, answers=False)
        for probe in plan.probes:
            comparison.probe(f"{probe.name} ({probe.about})", probe.steps)
        for number, steps in enumerate(flows(pipeline, FLOWS, seed=1)):
            comparison.probe(f"flow {number}", steps)
    assert comparison.agreement.differences == []
    assert comparison.agreement.steps > 0
