"""bench.rulesets: rules, their text, and the packets that go with them mean the same."""

import gzip
from pathlib import Path

import pytest

from bench.rulesets import FAMILIES, Header, Rule, first_match, generate, headers, nacl, read
from naclc.driver import Options, check_policy
from naclc.interpret.walk import evaluator
from naclc.net.fields import State
from naclc.pipeline.evaluation import Facts, Verdict
from naclc.source import SourceFile

ODD = """@10.1.2.3/8\t192.0.2.1/32\t0 : 65535\t80 : 80\t0x06/0xFF\t0x0000/0x0200\t
@0.0.0.0/0\t192.0.2.0/24\t53 : 53\t0 : 65535\t0x00/0x00
"""


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_seed_gives_the_same_rules_and_another_seed_others(family: str) -> None:
    rules = generate(family, 200, 1)
    assert (rules, len(set(rules))) == (generate(family, 200, 1), 200)
    assert rules != generate(family, 200, 2)


def test_a_file_in_the_format_of_classbench_is_read_gzipped_or_not(tmp_path: Path) -> None:
    plain, packed = tmp_path / "rules", tmp_path / "rules.gz"
    plain.write_text(ODD)
    packed.write_bytes(gzip.compress(ODD.encode()))
    assert read(plain) == read(packed)
    assert read(plain) == (
        Rule((0x0A000000, 8), (0xC0000201, 32), (0, 65535), (80, 80), 6, True),
        Rule((0, 0), (0xC0000200, 24), (53, 53), (0, 65535), None, False),
    )


@pytest.mark.parametrize("line", ["@10.0.0.0/8 192.0.2.1/32", ODD.splitlines()[0].replace("0xFF", "0x0F")])
def test_a_line_that_is_no_rule_is_refused(line: str, tmp_path: Path) -> None:
    (tmp_path / "rules").write_text(line)
    with pytest.raises(ValueError, match="rule 0"):
        read(tmp_path / "rules")


@pytest.mark.parametrize("family", FAMILIES)
def test_the_policy_decides_as_the_rules(family: str) -> None:
    rules = generate(family, 60, 3)
    checked = check_policy(SourceFile("rules.nacl", nacl(rules)), Options())
    assert checked.ok and checked.pipeline
    decide = evaluator(checked.pipeline)
    for header in headers(rules, 300, 4):
        number = first_match(rules, header)
        expected = Verdict.ACCEPT if number is not None and rules[number].accept else Verdict.DROP
        assert decide("rules", Facts(_packet(header), State.NEW, 0, 0)).verdict is expected, header


def _packet(header: Header) -> bytes:
    addresses = header.source.to_bytes(4, "big") + header.destination.to_bytes(4, "big")
    ports = header.source_port.to_bytes(2, "big") + header.destination_port.to_bytes(2, "big")
    return bytes([0x45, 0, 0, 60, 0, 0, 0, 0, 64, header.protocol, 0, 0]) + addresses + ports + bytes(36)
