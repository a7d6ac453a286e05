"""The kernel does what the reference interpreter does, and a fault in the rules would be seen."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path

import pytest

from naclc.driver import Compilation
from naclc.export.nft import export, sysctls
from naclc.probes.plan import plan_probes
from tests.kernel.agreement import Agreement, Comparison
from tests.kernel.linux import LinuxRouter, require_kernel, setup_of
from tests.kernel.policies import EXAMPLES, FOLDER, checked, checked_file
from tests.kernel.traffic import flows

FLOWS = 400
SEED = 20


@pytest.fixture(scope="module", autouse=True)
def _kernel() -> None:
    require_kernel()


def ruleset_of(policy: Compilation) -> str:
    assert policy.configuration is not None
    assert policy.pipeline is not None
    text, findings = export(policy.configuration, policy.pipeline, {}, policy.source.name)
    assert text is not None, [finding.message for finding in findings]
    return text


def compared(policy: Compilation, ruleset: str, *, to_the_end: bool = True) -> Agreement:
    """All generated probes of `policy`, and FLOWS random flows, on a router with `ruleset`; or up to the first that
    makes a difference."""
    assert policy.pipeline is not None
    assert policy.graphs is not None
    probes = [
        (f"{probe.name} ({probe.about})", probe.steps) for probe in plan_probes(policy.graphs, policy.pipeline).probes
    ]
    random_flows = ((f"flow {number}", steps) for number, steps in enumerate(flows(policy.pipeline, FLOWS, SEED)))
    with LinuxRouter(setup_of(policy.pipeline)) as router:
        router.load(ruleset, sysctls(policy.pipeline))
        comparison = Comparison(policy.pipeline, router)
        for name, steps in chain(probes, random_flows):
            comparison.probe(name, steps)
            if comparison.agreement.differences and not to_the_end:
                break
    return comparison.agreement


@pytest.mark.parametrize("path", [*sorted(FOLDER.glob("*.nacl")), *EXAMPLES], ids=lambda path: path.stem)
def test_the_kernel_agrees(path: Path) -> None:
    policy = checked_file(path)
    agreement = compared(policy, ruleset_of(policy))
    assert agreement.differences == []
    assert agreement.steps > 2 * agreement.excluded.total(), agreement.excluded
    assert min(agreement.forwarded + agreement.delivered, agreement.dropped) > 2


# What to change in the rules of which policy: a pattern, what to put in the place of its first match.
FAULTS = {
    "accept becomes drop": ("stateless", r"icmp type 8 icmp code 0 accept", "icmp type 8 icmp code 0 drop"),
    "drop becomes accept": ("host", r"@nh,8,8 4-7 drop", "@nh,8,8 4-7 accept"),
    "a range ends one too late": ("stateless", r"8080-8090", "8080-8091"),
    "a range begins one too late": ("stateless", r"5000-5100", "5001-5100"),
    "a network is too wide": ("stateless", r"192\.0\.2\.8/29", "192.0.2.8/28"),
    "the wrong flag": ("stateless", r"& 0x10 == 0x10", "& 0x08 == 0x08"),
    "the wrong Iface": ("stateless", r'iifname \{ "inside" \} jump', 'iifname { "dmz" } jump'),
    "established is forgotten": ("stateful", r"(f_through \{\s+)ct state established", r"\1ct state related"),
    "own packets skip forward": ("stateful", r"10\.0\.1\.1 jump f_through", "10.0.1.1 accept # "),
    "a detour skips forward": ("stateful", r"ip daddr \{ 10\.0\.1\.1 \} jump f_through", "ip daddr 10.0.1.1 accept # "),
    "the wrong server": ("dmz", r"dnat to 10\.0\.2\.80:8080", "dnat to 10.0.2.81:8080"),
    "the wrong port": ("dmz", r"dnat to 10\.0\.2\.80:8080", "dnat to 10.0.2.80:8081"),
    "the wrong source": ("dmz", r"snat to 192\.0\.2\.2", "snat to 192.0.2.3"),
    "no masquerade": ("masquerade", r"masquerade$", "accept"),
    "untracked are let in": (
        "masquerade",
        r'"guests" \} ct state untracked drop',
        '"guests" } ct state untracked accept',
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_the_rules_is_seen(fault: str) -> None:
    name, pattern, replacement = FAULTS[fault]
    policy = checked(name)
    rules = re.sub(r"^ *#.*\n", "", ruleset_of(policy), flags=re.MULTILINE)  # no text of the policy
    faulty, count = re.subn(pattern, replacement, rules, count=1, flags=re.MULTILINE)
    assert count == 1
    assert compared(policy, faulty, to_the_end=False).differences != []
