"""`naclc query` and `naclc diff` as somebody runs them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

DMZ = Path(__file__).resolve().parents[3] / "examples/dmz/dmz.nacl"
FORWARD = "iface.in == outside and tcp.dport == 2222 and ct.state == new"


def naclc(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "naclc", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=cwd)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "dmz.nacl").write_text(DMZ.read_text())
    (tmp_path / "new.nacl").write_text(DMZ.read_text().replace("203.0.113.0/28", "203.0.113.0/27"))
    return tmp_path


def test_a_query_shows_region_rule_and_example(here: Path) -> None:
    done = naclc("query", "dmz.nacl", FORWARD, "--verdict", "accept", cwd=here)
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.splitlines() == [
        "on outside: out dmz",
        "  packets  ip.saddr 203.0.113.0/28, ip.daddr 198.51.100.2",
        "  rule     dmz.nacl:69 if (ip.daddr == web_server and tcp.dport == ssh and ip.saddr in 203.0…",
        "  example  TCP from 203.0.113.0:40000 to 198.51.100.2:2222 (ct.state new, ip.ttl 64)",
    ]


def test_a_query_for_nothing_says_so_and_fails(here: Path) -> None:
    done = naclc("query", "dmz.nacl", "iface.in == outside and iface.out == inside and ct.state == new", cwd=here)
    assert (done.returncode, done.stdout) == (1, "no such packet exists\n")


def test_a_query_as_data(here: Path) -> None:
    data = json.loads(naclc("query", "dmz.nacl", FORWARD, "--verdict", "out", "--format", "json", cwd=here).stdout)
    (row,) = data["packets"]
    assert row["treatments"] == [{"what": "out dmz", "why": None, "rule": row["treatments"][0]["rule"]}]
    assert row["treatments"][0]["rule"]["line"] == 69 and row["iface"] == "outside"


@pytest.mark.parametrize(
    ("arguments", "status"),
    [((), 1), (("--fail-on", "widen"), 1), (("--fail-on", "widen", "--format", "json"), 1)],
)
def test_a_wider_policy_fails(here: Path, arguments: tuple[str, ...], status: int) -> None:
    done = naclc("diff", "dmz.nacl", "new.nacl", *arguments, cwd=here)
    assert done.returncode == status and "wider" in done.stdout


def test_a_narrower_policy_does_not_fail_where_only_wider_ones_do(here: Path) -> None:
    done = naclc("diff", "new.nacl", "dmz.nacl", "--fail-on", "widen", "--format", "markdown", cwd=here)
    assert done.returncode == 0 and done.stdout.splitlines()[2].startswith("| narrower | outside | ip.protocol tcp,")
    assert naclc("diff", "new.nacl", "dmz.nacl", cwd=here).returncode == 1


def test_no_difference_is_said_in_one_line(here: Path) -> None:
    done = naclc("diff", "dmz.nacl", "dmz.nacl", cwd=here)
    assert (done.returncode, done.stdout) == (0, "the same packets get the same treatment\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("query", "dmz.nacl", "tcp.dprt == 1"), "<expression>:1:5: error: there is no packet field `tcp.dprt`"),
        (("query", "nowhere.nacl", "ip.ttl == 1"), "nowhere.nacl"),
        (("diff", "dmz.nacl", "nowhere.nacl"), "nowhere.nacl"),
        (("diff", "dmz.nacl", "new.nacl", "--analysis-nodes", "1000"), "analysis-limit"),
        (("query", "dmz.nacl", "ip.ttl == 1", "--analysis-nodes", "1000"), "analysis-limit"),
    ],
)
def test_what_cannot_be_answered_is_an_error(here: Path, arguments: tuple[str, ...], words: str) -> None:
    done = naclc(*arguments, cwd=here)
    assert done.returncode == 1 and done.stdout == ""
    assert words in done.stderr and "Traceback" not in done.stderr and "internal" not in done.stderr


def test_standard_input_is_one_policy_only(here: Path) -> None:
    done = naclc("diff", "-", "-", cwd=here)
    assert done.returncode == 2 and "only one of the two policies" in done.stderr
