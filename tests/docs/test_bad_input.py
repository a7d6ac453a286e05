"""The table "Bad input" of docs/runtime-stack.md: its tests and its reasons are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "runtime-stack.md").read_text(encoding="utf-8")
TABLE = re.search(r"^## Bad input\n(.*?)^## ", PAGE, re.DOTALL | re.MULTILINE)
assert TABLE is not None
ROWS = [re.split(r"\s*\|\s*", line)[1:-1] for line in TABLE[1].splitlines() if line.startswith("| ")][1:]


def names_of_tests() -> set[str]:
    found: set[str] = set()
    for folder, pattern in (("cxx/net", r"^TEST\((\w+)\)"), ("cxx", r"^def (test_\w+)"), ("soak", r"^def (test_\w+)")):
        for path in (ROOT / "tests" / folder).iterdir():
            if path.suffix in (".cpp", ".py"):
                found |= set(re.findall(pattern, path.read_text(encoding="utf-8"), re.MULTILINE))
    return found


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_it_is_shown_and_counted(row: list[str]) -> None:
    _, _, reasons, tests = row
    named = re.findall(r"`(\w+)`", tests)
    assert named and set(named) <= names_of_tests()
    header = (ROOT / "includeos_skeleton" / "os" / "include" / "net" / "counters.hpp").read_text(encoding="utf-8")
    for reason in re.findall(r"`([a-z-]+)`", reasons):
        assert f'"{reason}"' in header


def test_every_reason_of_frames_packets_and_answers_from_outside_has_a_row() -> None:
    header = (ROOT / "includeos_skeleton" / "os" / "include" / "net" / "counters.hpp").read_text(encoding="utf-8")
    reasons = set(re.findall(r'X\(\w+, "([a-z-]+)"', header))
    policy = {"prerouting", "output", "postrouting", "no-route", "loopback-address", "no-next-hop", "not-forwarding"}
    ordinary = {"not-for-us", "multicast-frame", "ethertype", "multicast", "ttl-expired", "too-big"}
    own = {"no-headroom", "no-frame"}
    assert reasons - policy - ordinary - own == {name for row in ROWS for name in re.findall(r"`([a-z-]+)`", row[2])}
