"""All problems of a run, none of them a consequence of another one: across the stages."""

from __future__ import annotations

import pytest

from naclc.driver import Options, check_policy
from naclc.source import SourceFile

HEAD = "Iface e { index: 0, input: f }\n"
BOTH = {
    "a number beside a name": ("a: 007\n" + HEAD + "Filter::IP f { foo drop }", "leading-zero a: unknown-action foo"),
    "a comma put in": ("Iface e { index: 0 input: f }\nFilter::IP f { foo drop }", "syntax unknown-action foo"),
    "another declaration": ("a: [1,,2]\n" + HEAD + "Filter::IP f { log(b) drop }", "syntax unknown-name b"),
}
ALONE = {
    "a name whose declaration is not understood": "a: [1,,2]\n"
    + HEAD
    + "Filter::IP f { if (ip.ttl in a) { accept } drop }",
    "a function that is not understood": "Filter::IP g { if ip.ttl == 5 { accept } }\n"
    + HEAD
    + "Filter::IP f { g drop }",
    "an addition that is not understood": "Iface e { index: 0, address: 10.0.0.1, input: f }\n"
    "e.netmask: 255.0.0.0.0\nFilter::IP f { drop }",
    "the value that was taken for a wrong one": "Iface e { index: 0, input: f,\n"
    "  address: 10.0.0.300, netmask: 255.255.255.0 }\n"
    "Filter::IP f { drop }",
    "a wrong range, too large as well": HEAD + "Filter::IP f { if (ip.ttl in 300-9) { accept } drop }",
    "a set of wrong numbers": HEAD + "s: [09, 9]\nFilter::IP f { if (ip.ttl in s) { accept } drop }",
}


def codes(text: str) -> list[str]:
    return [diagnostic.code for diagnostic in check_policy(SourceFile("p.nacl", text), Options()).diagnostics]


@pytest.mark.parametrize(("text", "expected"), BOTH.values(), ids=BOTH)
def test_what_does_not_parse_hides_nothing_else(text: str, expected: str) -> None:
    first, second = codes(text)
    assert expected.startswith(first) and second in expected


@pytest.mark.parametrize("text", ALONE.values(), ids=ALONE)
def test_nothing_follows_from_what_does_not_parse(text: str) -> None:
    assert len(codes(text)) == 1, codes(text)


def test_nothing_is_made_of_a_program_with_errors() -> None:
    for text in ("a: 007\n", HEAD, HEAD + "Iface e { index: 1 }\nFilter::IP f { drop }\n"):
        result = check_policy(SourceFile("p.nacl", text), Options())
        assert not result.ok and result.configuration is None and result.pipeline is None and result.graphs is None


def test_a_wrong_address_does_not_hide_a_missing_verdict() -> None:
    text = (
        "Iface e { index: 0, address: 127.0.0.1, netmask: 255.0.0.0, input: f }\nFilter::IP f { g }\nFilter::IP g { }\n"
    )
    assert codes(text) == ["bad-address", "missing-verdict", "empty-body"]


def test_a_missing_verdict_is_not_sought_where_functions_are_wrong() -> None:
    assert codes(HEAD + "Filter::IP f { foo }\n") == ["unknown-action"]
    assert codes("Iface e { index: 0, inputt: f }\nFilter::IP f { if (ip.ttl == 1) { drop } }\n") == ["unknown-key"]
