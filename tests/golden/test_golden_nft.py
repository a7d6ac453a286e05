"""Exported rulesets, octet for octet, and what nft says to them.

A change that was meant is taken over by `pytest tests/golden --update-golden`.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from naclc.export.nft import export
from tests.kernel.linux import PATH, SECONDS, namespace, require_kernel
from tests.kernel.policies import NAMES, checked

FOLDER = Path(__file__).with_name("nft")


@pytest.mark.parametrize("name", NAMES)
def test_ruleset(name: str, request: pytest.FixtureRequest) -> None:
    policy = checked(name)
    assert policy.configuration is not None
    assert policy.pipeline is not None
    text, findings = export(policy.configuration, policy.pipeline, {"inside": "lan0"}, policy.source.name)
    assert (text is not None, findings) == (True, [])
    golden = FOLDER / f"{name}.nft"
    if request.config.getoption("--update-golden", default=False):
        golden.write_text(text or "", encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


def test_every_policy_has_its_ruleset_and_the_reverse() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.nft")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_nft_takes_it(name: str) -> None:
    require_kernel()
    done = subprocess.run(
        [*namespace(), "nft", "-c", "-f", str(FOLDER / f"{name}.nft")],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
        env={**os.environ, "PATH": PATH},
    )
    assert (done.returncode, done.stderr) == (0, "")
