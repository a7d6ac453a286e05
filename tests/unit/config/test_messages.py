"""Messages and help speak of the JSON that was written."""

from __future__ import annotations

import pytest

from naclc.config.translate import translate
from naclc.diagnostics import Diagnostic
from naclc.source import SourceFile


def only(text: str) -> Diagnostic:
    found = translate(SourceFile("config.json", text)).diagnostics
    assert len(found) == 1, found
    return found[0]


NIC = '{ "iface": 0, "config": "static", "address": "10.0.0.1/24" }'


NOTHING = 'write a JSON object, as in `{"net": [{"iface": 0, "config": "dhcp"}]}`'


@pytest.mark.parametrize(
    ("text", "message", "advice"),
    [
        ("", "a value is missing: the text ends here", NOTHING),
        ('{ "a": 1, }', "JSON has no comma before `}`", "remove the comma"),
        ('{ "a": 1 "b": 2 }', '`,` and the next member, or `}` should stand here, not `"`', "put `,` before it"),
        ("{ 'a': 1 }", "a key in double quotes should stand here, not `'`", 'strings stand in double quotes: "…"'),
        ('{ "a": True }', "a value should stand here, not `True`", "write `true`"),
        ('{ "a": None }', "a value should stand here, not `None`", "write `null`"),
        ('{ "a": NaN }', "a value should stand here, not `NaN`", "JSON knows only finite numbers"),
        ('{ "a": 010 }', "`010` is no number of JSON", "write it without the leading zero"),
        ('{ "a": 10.0.0.1 }', "`10.0.0.1` is no number of JSON", "an address stands in double quotes"),
        ("{ # x\n}", "JSON has no comments", "remove it"),
        ('{ "a": "\x01" }', "a string cannot hold the control character U+0001", r"write it as `\u0001`"),
        ('{ "a": [ }', "a value should stand here, not `}`", "remove it, or put it where it belongs"),
    ],
)
def test_malformed(text: str, message: str, advice: str | None) -> None:
    found = only(text)
    assert (found.code, found.message, found.help) == ("syntax", message, advice)


@pytest.mark.parametrize(
    ("nic", "message", "advice"),
    [
        (NIC.replace("0,", '"0",', 1), "`iface` takes a whole number, not `0`", None),
        (NIC.replace('"iface": 0, ', ""), "`net[0]` needs the key `iface`", None),
        (NIC.replace("address", "adress"), "`net[0]` has no key `adress`", "did you mean `address`?"),
        (NIC.replace("static", "dchp"), "there is no config `dchp`", "did you mean `dhcp`?"),
        (NIC.replace("/24", "/0"), "`address` takes a prefix length of /1 to /32, not `10.0.0.1/0`", None),
        (NIC[:-2] + ', "dns": "10.0.0.2/8" }', "`dns` takes an IPv4 address in quotes, not `10.0.0.2/8`", "write"),
        (NIC[:-2] + ', "vlan": [{}, 5] }', "`net[0].vlan[1]` is an object, not a number", None),
    ],
)
def test_a_nic(nic: str, message: str, advice: str | None) -> None:
    found = translate(SourceFile("config.json", f'{{ "net": [ {nic} ] }}')).diagnostics
    one = next(diagnostic for diagnostic in found if diagnostic.message == message)
    assert advice is None or (one.help or "").startswith(advice)


def test_a_long_text_is_cut() -> None:
    found = only('{ "net": [ { "iface": 0, "config": "none", "' + "x" * 5000 + '": 1 } ] }')
    assert found.code == "unknown-key" and len(found.message) < 100


def test_what_is_given_twice_points_to_the_first() -> None:
    found = only(f'{{ "net": [ {NIC}, {NIC} ] }}')
    assert found.code == "duplicate-iface" and found.message == "NIC 0 is configured twice"
    assert [label.span.text for label in found.labels] == ["0"]


@pytest.mark.parametrize("key", ["index", "dhcp_timeout", "wait_queue_limit", "`vlan` must", "pool", "`net` or"])
def test_no_message_names_a_key_that_only_nacl_has(key: str) -> None:
    broken = """{ "net": [ { "iface": -1, "config": "dhcp", "timeout": 0 }, { "iface": 1, "config": "static", "vlan":
      [ { "id": 0, "address": 1, "netmask": "255.0.255.0" }, {} ] }, {} ], "router": [[ { "address": "x" }, {} ]],
      "load_balancer": { "clients": { "waitq_limit": 0 }, "nodes": { "list": [] } }, "syslog": { "type": "udp" } }"""
    found = translate(SourceFile("config.json", broken)).diagnostics
    assert len(found) > 20
    assert [d.message for d in found if key in d.message or key in (d.help or "")] == []


def test_a_config_that_is_only_misspelled_is_not_missing_too() -> None:
    found = only('{ "net": [{ "iface": 0, "Config": "static", "address": "10.0.0.1/24" }] }')
    assert (found.code, found.help) == ("unknown-key", "did you mean `config`?")
