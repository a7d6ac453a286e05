"""What the README shows is what the commands print."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from naclc.cli.main import _COMMANDS

CHECKOUT = Path(__file__).resolve().parents[2]
README = (CHECKOUT / "README.md").read_text()
COMMANDS = (CHECKOUT / "docs/commands.md").read_text()


def naclc(*arguments, cwd=CHECKOUT):
    return subprocess.run(
        [sys.executable, "-m", "naclc", *arguments], cwd=cwd, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.parametrize("policy", ["typo.nacl", "inbound.nacl"])
def test_the_mistakes_it_shows_are_found_as_shown(policy):
    shown = naclc("check", policy, "--format", "pretty", cwd=CHECKOUT / "tests/docs").stderr
    assert f"```\n{shown.rstrip()}\n```" in README


def test_the_decision_graph_it_shows_is_the_example_s():
    shown = naclc("compile", "examples/firewall/firewall.nacl", "--dump", "decision").stdout
    assert f"```\n{shown.rstrip()}\n```" in README


def test_the_rules_it_shows_stand_in_the_example():
    block = re.search(r"```\n(Filter::IP no_pings .*?)\n```", README, re.S)
    assert block and block[1] in (CHECKOUT / "examples/firewall/firewall.nacl").read_text()


def test_the_report_it_shows_is_that_of_the_example():
    shown = naclc("test", "examples/firewall/firewall.nacl", "--on", "interpreter").stdout
    block = re.search(r"```\n(✓ a ping through.*?)\n```", README, re.S)
    assert block
    lines = [line for line in block[1].splitlines() if line.startswith(("  ", "coverage"))]
    assert len(lines) == 4
    for line in lines:
        assert line in shown.splitlines()


def test_the_answer_it_shows_is_the_query_s():
    question = "iface.in == outside and tcp.dport == 2222 and ct.state == new"
    shown = naclc("query", "examples/dmz/dmz.nacl", question, "--verdict", "accept").stdout
    assert f"```\n{shown.rstrip()}\n```" in README and f"'{question}' --verdict accept" in README


def test_all_examples_are_listed():
    folders = {path.parent.name for path in (CHECKOUT / "examples").glob("*/README.md")}
    assert folders and {name for name in folders if f"| [{name}](examples/{name}) |" in README} == folders


@pytest.mark.parametrize("command", _COMMANDS)
def test_every_command_is_in_both_tables(command):
    assert f"| `naclc {command}" in README and f"| `naclc {command}" in COMMANDS


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_links_lead_somewhere(link):
    assert (CHECKOUT / link).exists()


@pytest.mark.parametrize("policy", sorted((CHECKOUT / "examples").rglob("*.nacl")), ids=lambda path: path.name)
def test_the_examples_are_in_their_one_form(policy):
    assert naclc("fmt", "--check", str(policy)).returncode == 0
